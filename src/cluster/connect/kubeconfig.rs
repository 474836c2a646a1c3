//! The server and the identity: from kubeconfigs, as kubectl reads them, or from the cluster that this process runs in.

use std::io;
use std::path::{Path, PathBuf};

use hyper_util::client::proxy::matcher::Intercept;
use kube::Config;
use kube::config::{AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::proxy;
use crate::causes::with_causes;
use crate::reconcile::inputs::proxy::redacted;

/// What a user says of which cluster is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The kubeconfig; without it, those that `KUBECONFIG` lists, else `~/.kube/config`, else the cluster that this
    /// process runs in.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; without it, its current one.
    pub context: Option<String>,
}

/// What is wrong with the credentials.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigFault {
    /// A file cannot be read.
    #[error("failed to read the kubeconfig {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file is none.
    #[error("failed to parse the kubeconfig {0}: {1}")]
    Malformed(PathBuf, String),
    /// The files do not fit together.
    #[error("failed to merge the kubeconfigs {0}")]
    Unmergeable(String, #[source] KubeconfigError),
    /// There is nothing at all.
    #[error(
        "there are no credentials: {0}, and this process runs in no cluster; name a kubeconfig with --kubeconfig or KUBECONFIG"
    )]
    Nothing(String),
    /// Something is not in them.
    #[error("kubeconfig {files}: {problem}")]
    Problem {
        /// The files.
        files: String,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// What was chosen.
pub(super) struct Chosen {
    pub config: Config,
    pub proxy: Option<Intercept>,
}

/// The files that were read, and what they say together.
struct Files {
    names: String,
    kubeconfig: Kubeconfig,
}

pub(super) async fn choose(choice: &Choice) -> Result<Chosen, KubeconfigFault> {
    match files(choice.kubeconfig.as_deref())? {
        Ok(files) => files.choose(choice.context.as_deref()).await,
        Err(nothing) => {
            let config = Config::incluster().map_err(|_| KubeconfigFault::Nothing(nothing))?;
            Ok(Chosen { config, proxy: None })
        }
    }
}

/// The kubeconfigs that there are; the inner error says which there are not.
fn files(kubeconfig: Option<&Path>) -> Result<Result<Files, String>, KubeconfigFault> {
    if let Some(path) = kubeconfig {
        let kubeconfig = read(path)?;
        return Ok(Ok(Files { names: path.display().to_string(), kubeconfig }));
    }
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let mut paths: Vec<PathBuf> = std::env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty()).collect();
    let is_listed = !paths.is_empty();
    if !is_listed {
        paths.extend(std::env::home_dir().map(|home| home.join(".kube/config")));
    }
    let names = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let (mut found, mut merged) = (Vec::new(), Kubeconfig::default());
    for path in &paths {
        // As for kubectl, one that is not there yet is as good as an empty one.
        let kubeconfig = match read(path) {
            Err(KubeconfigFault::Unreadable(_, error)) if error.kind() == io::ErrorKind::NotFound => continue,
            kubeconfig => kubeconfig?,
        };
        found.push(path.clone());
        merged = merged.merge(kubeconfig).map_err(|error| KubeconfigFault::Unmergeable(names(&found), error))?;
    }
    let is_empty = merged.clusters.is_empty() && merged.contexts.is_empty() && merged.auth_infos.is_empty();
    Ok(match (is_empty, is_listed, found.is_empty()) {
        (false, ..) => Ok(Files { names: names(&found), kubeconfig: merged }),
        (true, _, false) => Err(format!("there is nothing in {}", names(&found))),
        (true, true, true) => Err(format!("KUBECONFIG names no file that exists ({})", names(&paths))),
        (true, false, true) => Err(format!("KUBECONFIG is not set, {} does not exist", names(&paths))),
    })
}

fn read(path: &Path) -> Result<Kubeconfig, KubeconfigFault> {
    let unreadable = |error| KubeconfigFault::Unreadable(path.to_owned(), error);
    if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    let mut kubeconfig = Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, path) => KubeconfigFault::Unreadable(path, error),
        // The lines of the file are not quoted: there are tokens in them.
        KubeconfigError::Parse(error) => {
            KubeconfigFault::Malformed(path.to_owned(), error.without_snippet().to_string())
        }
        error => KubeconfigFault::Malformed(path.to_owned(), with_causes(&error)),
    })?;
    // An empty name is none, and does not keep another file from having one.
    kubeconfig.current_context = kubeconfig.current_context.filter(|name| !name.is_empty());
    Ok(kubeconfig)
}

impl Files {
    async fn choose(mut self, context: Option<&str>) -> Result<Chosen, KubeconfigFault> {
        let (cluster, user) = self.check(context).map_err(|problem| self.problem(problem))?;
        let named_proxy = self.cluster_mut(&cluster).and_then(|cluster| {
            cluster.server = cluster.server.take().map(|server| with_scheme(&server, cluster, &user));
            cluster.proxy_url.take().filter(|proxy| !proxy.is_empty())
        });
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
        let kubeconfig = self.kubeconfig.clone();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let config = config.map_err(|error| self.problem(with_causes(&error)))?;
        let proxy = match named_proxy {
            Some(named) => Some(proxy::named(&named, &config.cluster_url).ok_or_else(|| {
                let shown = redacted(&named);
                self.problem(format!(
                    "proxy-url {shown:?} of cluster {cluster} cannot be used; write it as in http://proxy.example.com:3128, \
                     with http, https, socks5 or socks5h"
                ))
            })?),
            None => proxy::of_environment(&config.cluster_url, |name| std::env::var(name).ok()),
        };
        Ok(Chosen { config, proxy })
    }

    fn problem(&self, problem: String) -> KubeconfigFault {
        KubeconfigFault::Problem { files: self.names.clone(), problem }
    }

    fn cluster_mut(&mut self, name: &str) -> Option<&mut Cluster> {
        self.kubeconfig.clusters.iter_mut().find(|cluster| cluster.name == name)?.cluster.as_mut()
    }

    /// The name of the cluster, and the user, of a context; or what is wrong with any of them.
    fn check(&self, context: Option<&str>) -> Result<(String, AuthInfo), String> {
        let names = || self.kubeconfig.contexts.iter().map(|named| named.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some(name) = context.or(self.kubeconfig.current_context.as_deref()) else {
            return Err(match names() {
                none if none.is_empty() => "there is no context in it".to_owned(),
                contexts => format!("it has no current-context; choose one of its contexts with --context: {contexts}"),
            });
        };
        let context = self.kubeconfig.contexts.iter().find(|named| named.name == name);
        let Some(context) = context.and_then(|named| named.context.as_ref()) else {
            return Err(format!("there is no context {name}; there are: {}", names()));
        };
        let cluster = self.kubeconfig.clusters.iter().find(|named| named.name == context.cluster);
        let Some(cluster) = cluster.and_then(|named| named.cluster.as_ref()) else {
            return Err(format!("there is no cluster {}, which context {name} names", context.cluster));
        };
        if cluster.server.as_deref().is_none_or(str::is_empty) {
            return Err(format!("cluster {} has no server", context.cluster));
        }
        check_tls(cluster).map_err(|problem| format!("cluster {}: {problem}", context.cluster))?;
        let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
            None => AuthInfo::default(),
            Some(user) => {
                let found = self.kubeconfig.auth_infos.iter().find(|named| named.name == user);
                let Some(found) = found else {
                    return Err(format!("there is no user {user}, which context {name} names"));
                };
                let found = found.auth_info.clone().unwrap_or_default();
                check_user(&found).map_err(|problem| format!("user {user}: {problem}"))?;
                found
            }
        };
        Ok((context.cluster.clone(), user))
    }
}

fn check_tls(cluster: &Cluster) -> Result<(), String> {
    let has_authority = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    if cluster.insecure_skip_tls_verify == Some(true) && has_authority {
        return Err(
            "insecure-skip-tls-verify and a certificate authority exclude each other; leave one of them out".into()
        );
    }
    Ok(())
}

/// What kubectl refuses of a user, or would do and cannot be done here.
fn check_user(user: &AuthInfo) -> Result<(), String> {
    let is_set = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let has_others = is_set(&user.impersonate_uid)
        || user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty())
        || user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
    if has_others && !is_set(&user.impersonate) {
        return Err("as-uid, as-groups and as-user-extra need a user to act as; add the field as".into());
    }
    let has_token = user.token.is_some() || user.token_file.is_some();
    let (has_name, has_password) = (is_set(&user.username), user.password.is_some());
    let has_certificate = user.client_certificate.is_some() || user.client_certificate_data.is_some();
    let has_key = user.client_key.is_some() || user.client_key_data.is_some();
    let problems = [
        (has_name && has_password && has_token, "a password and a token exclude each other; leave one of them out"),
        (has_name && !has_password, "there is a username without a password"),
        (has_password && !has_name, "there is a password without a username"),
        (has_certificate && !has_key, "there is a client certificate without its client-key"),
        (has_key && !has_certificate, "there is a client key without its client-certificate"),
    ];
    let found = problems.into_iter().find(|(is_so, _)| *is_so);
    found.map_or(Ok(()), |(_, problem)| Err(problem.to_owned()))
}

/// The server's address; one without a scheme is taken as kubectl takes it.
fn with_scheme(server: &str, cluster: &Cluster, user: &AuthInfo) -> String {
    if server.contains("://") {
        return server.to_owned();
    }
    let is_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true)
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    format!("{}://{server}", if is_tls { "https" } else { "http" })
}
