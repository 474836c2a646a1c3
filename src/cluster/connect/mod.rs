//! The connection to a real API server: credentials, TLS, proxies, and whether the server accepts this client at all.
//!
//! | file | concern |
//! |---|---|
//! | `kubeconfig` | the server and the identity: from kubeconfigs, or from the cluster that this process runs in |
//! | `token_file` | a bearer token, read from its file again and again |
//! | `proxy` | the proxy on the way to the server |
//!
//! This module applies every setting of a kubeconfig or refuses the kubeconfig: a request under another identity, or
//! around the proxy, is not what the user configured.

mod kubeconfig;
mod proxy;
mod token_file;

use std::time::Duration;

use http::Request;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection as HttpConnection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioExecutor;
use kube::api::{Api, ListParams};
use kube::client::{AuthError, Body, ConfigExt as _};
use kube::{Client, Config};
use tower::util::{BoxCloneSyncService, MapRequestLayer};
use tower::{BoxError, ServiceBuilder};

pub use self::kubeconfig::{Choice, KubeconfigFault};
use self::token_file::{TokenFile, TokenFileError};
use crate::api::{Kind, Object};

/// The service that requests to a real API server go through.
pub type Service = BoxCloneSyncService<Request<Body>, http::Response<hyper::body::Incoming>, BoxError>;

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no usable credentials.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigFault),
    /// The token cannot be read.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// The exec plugin of a kubeconfig yields no credentials.
    #[error("failed to get credentials for the API server {url} from the exec plugin {plugin}: {why}")]
    ExecPlugin {
        /// The server.
        url: String,
        /// Its command.
        plugin: String,
        /// What went wrong.
        why: String,
    },
    /// The credentials cannot be used.
    #[error("failed to set up TLS and authentication to {0}; see the certificates and the user in the kubeconfig")]
    Setup(String, #[source] BoxError),
    /// It does not answer.
    #[error("failed to reach the API server {0}; see that it runs and that its address is right")]
    Unreachable(String, #[source] Box<kube::Error>),
    /// It does not answer in time.
    #[error(
        "no answer from the API server {0} within {1}; see that it runs and that its address is right, or give it more time with --request-timeout"
    )]
    Silent(String, humantime::FormattedDuration),
    /// Something else listens there.
    #[error("what answers at {0} is no API server; see that its address is right, and that no proxy is in the way")]
    Strange(String, #[source] Box<kube::Error>),
    /// It does not know us.
    #[error(
        "the API server {0} does not accept the credentials; see the user in the kubeconfig, and whether its token or certificate has expired"
    )]
    Unknown(String, #[source] Box<kube::Error>),
    /// It does not allow us what we need.
    #[error("the API server {0} refuses to list MachineConfigPools; see the credentials and the roles in config/rbac")]
    Refused(String, #[source] Box<kube::Error>),
    /// It answers, and not with what was asked for.
    #[error("the API server {0} fails to list MachineConfigPools")]
    Failed(String, #[source] Box<kube::Error>),
    /// It is a cluster of another sort.
    #[error("the API server {0} serves no MachineConfigPools; this is for OpenShift clusters")]
    NoPools(String),
}

/// Which API server, as whom, and by which way.
pub struct Connection {
    config: Config,
    proxy: Option<Intercept>,
    token: Option<TokenFile>,
}

impl Connection {
    /// What a choice of kubeconfigs, or of none, comes to.
    ///
    /// # Errors
    /// If there are no credentials, or something is asked for that cannot be done.
    pub async fn new(choice: &Choice) -> Result<Self, Error> {
        let kubeconfig::Chosen { mut config, proxy } = kubeconfig::choose(choice).await?;
        // It is read here, as kube does not take its line break away.
        let token = config.auth_info.token_file.take().map(TokenFile::open).transpose()?;
        if token.is_some() {
            config.auth_info.token = None;
        }
        Ok(Self { config, proxy, token })
    }

    /// The server's address.
    pub fn url(&self) -> String {
        self.config.cluster_url.to_string()
    }

    /// The service that all requests go through.
    ///
    /// # Errors
    /// If the credentials, certificates or the proxy cannot be used.
    pub fn service(&self) -> Result<Service, Error> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        let Some(proxy) = &self.proxy else { return self.over(http) };
        let (uri, is_tls) = (proxy.uri().clone(), proxy.uri().scheme_str() == Some("https"));
        match proxy.uri().scheme_str() {
            Some("socks5" | "socks5h") => {
                let socks = SocksV5::new(uri, http).local_dns(proxy.uri().scheme_str() == Some("socks5"));
                match proxy.raw_auth() {
                    Some((user, password)) => self.over(socks.with_auth(user.to_owned(), password.to_owned())),
                    None => self.over(socks),
                }
            }
            // The proxy is not certified by the cluster's authority.
            _ if is_tls => {
                let https = Config::new(uri.clone()).rustls_https_connector_with_connector(http);
                self.over(tunnel(Tunnel::new(uri, https.map_err(|error| self.setup(error.into()))?), proxy))
            }
            _ => self.over(tunnel(Tunnel::new(uri, http), proxy)),
        }
    }

    /// The service over connections that `connector` makes.
    fn over<C>(&self, connector: C) -> Result<Service, Error>
    where
        C: tower::Service<http::Uri> + Clone + Send + Sync + 'static,
        C::Response: HttpConnection + Read + Write + Send + Unpin + 'static,
        C::Future: Send + 'static,
        C::Error: Into<BoxError>,
    {
        let https = self.config.rustls_https_connector_with_connector(connector);
        let https = https.map_err(|error| self.setup(error.into()))?;
        let authentication = self.config.auth_layer().map_err(|error| self.authentication(error))?;
        let headers = self.config.extra_headers_layer().map_err(|error| self.setup(error.into()))?;
        let token = self.token.clone();
        let service = ServiceBuilder::new()
            .layer(self.config.base_uri_layer())
            .option_layer(authentication)
            .layer(MapRequestLayer::new(move |mut request: Request<Body>| {
                if let Some(token) = &token {
                    token.authorize(request.headers_mut());
                }
                request
            }))
            .layer(headers)
            .map_err(BoxError::from)
            .service(HttpClient::builder(TokioExecutor::new()).build(https));
        Ok(BoxCloneSyncService::new(service))
    }

    /// Sees within `limit` whether the API server answers, knows us, and has pools.
    ///
    /// # Errors
    /// Which of it does not hold.
    pub async fn check(&self, client: &Client, limit: Option<Duration>) -> Result<(), Error> {
        let pools: Api<Object> = Api::all_with(client.clone(), &Kind::MachineConfigPool.resource());
        let params = ListParams::default().limit(1);
        let answer = pools.list_metadata(&params);
        let answer = match limit {
            None => answer.await,
            Some(limit) => match tokio::time::timeout(limit, answer).await {
                Ok(answer) => answer,
                Err(_) => return Err(Error::Silent(self.url(), humantime::format_duration(limit))),
            },
        };
        answer.map(drop).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: kube::Error) -> Error {
        let url = self.url();
        match &error {
            kube::Error::Api(status) => match status.code {
                401 => Error::Unknown(url, Box::new(error)),
                403 => Error::Refused(url, Box::new(error)),
                404 if status.message.trim_start().starts_with('<') => Error::Strange(url, Box::new(error)),
                404 => Error::NoPools(url),
                300..=399 => Error::Strange(url, Box::new(error)),
                _ => Error::Failed(url, Box::new(error)),
            },
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Error::Strange(url, Box::new(error)),
            _ => Error::Unreachable(url, Box::new(error)),
        }
    }

    fn setup(&self, error: BoxError) -> Error {
        Error::Setup(self.url(), error)
    }

    fn authentication(&self, error: kube::Error) -> Error {
        let plugin = self.config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone()).unwrap_or_default();
        let hint = self.config.auth_info.exec.as_ref().and_then(|exec| exec.install_hint.clone());
        let hint = hint.map(|hint| format!("; {}", one_line(&hint))).unwrap_or_default();
        let why = match &error {
            kube::Error::Auth(AuthError::AuthExecStart(error)) => format!("{error}{hint}"),
            // What its user is to read.
            kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
                format!("{}: {}", out.status, one_line(&String::from_utf8_lossy(&out.stderr)))
            }
            kube::Error::Auth(AuthError::AuthExecParse(_)) => "what it printed is no ExecCredential".to_owned(),
            kube::Error::Auth(AuthError::ExecPluginFailed) => "its ExecCredential has no status".to_owned(),
            _ => return self.setup(error.into()),
        };
        Error::ExecPlugin { url: self.url(), plugin, why }
    }
}

fn tunnel<C>(tunnel: Tunnel<C>, proxy: &Intercept) -> Tunnel<C> {
    match proxy.basic_auth() {
        Some(credentials) => tunnel.with_auth(credentials.clone()),
        None => tunnel,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
