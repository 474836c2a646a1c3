//! A registry: Debian's `docker-registry`, with TLS and passwords, which can be stopped or made to fail.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{base_image, output_of, temporary_directory};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The credentials of a user of the registry.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub user: String,
    pub password: String,
}

impl Credentials {
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: password.to_owned() }
    }

    /// `user:password` in base64, as pull secrets have it.
    pub(super) fn auth(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }

    /// The body of a pull secret for a registry.
    pub(super) fn pull_secret(&self, host: &str) -> Value {
        json!({"auths": {host: {"auth": self.auth()}}})
    }
}

/// A registry that does not outlive its test.
pub(super) struct Registry {
    pub directory: TempDir,
    /// The host and port, as image references begin.
    pub host: String,
    /// The user whose password is in the pull secret of tests.
    pub reader: Credentials,
    /// The user whose password is in the push secret of tests.
    pub writer: Credentials,
    process: Option<Child>,
}

impl Registry {
    /// A registry that answers.
    pub(super) fn start() -> Self {
        let mut registry = Self::stopped();
        registry.resume();
        registry
    }

    /// A registry that is not started yet.
    pub(super) fn stopped() -> Self {
        let directory = temporary_directory();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let registry = Self {
            directory,
            host: format!("localhost:{port}"),
            reader: Credentials::new("reader", "r3ader-s-Secret"),
            writer: Credentials::new("writer", "wr1ter-s-Secret"),
            process: None,
        };
        registry.write_certificates();
        registry.write_passwords();
        registry.write_config();
        registry
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The certificate that clients have to trust.
    pub(super) fn authority(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// Starts it, where it is not running, and waits until it answers.
    pub(super) fn resume(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(self.path("config.yml")).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.process.get_or_insert_with(|| command.spawn().unwrap());
        let address = self.host.replace("localhost", "127.0.0.1");
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "no registry: {}", fs::read_to_string(self.path("log")).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it; what it holds stays, and so does its address.
    pub(super) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// From now on it answers whatever it would have to store with an internal error.
    pub(super) fn break_storage(&self) {
        fs::rename(self.path("storage"), self.path("storage-away")).unwrap();
        fs::write(self.path("storage"), "not a directory").unwrap();
    }

    /// It stores again, and holds what it held.
    pub(super) fn mend_storage(&self) {
        fs::remove_file(self.path("storage")).unwrap();
        fs::rename(self.path("storage-away"), self.path("storage")).unwrap();
    }

    /// Puts the base image here, and gives its reference.
    pub(super) fn push_base_image(&self) -> String {
        let image = format!("{}/release/base-os:9", self.host);
        self.push(&base_image::layout(), &image);
        image
    }

    /// Puts an image from an OCI layout here.
    pub(super) fn push(&self, layout: &Path, image: &str) {
        let source = format!("oci:{}:{}", layout.display(), base_image::TAG);
        output_of(self.skopeo().args(["copy", "--quiet", &source, &format!("docker://{image}")]));
    }

    /// The digest of the manifest that it has by this name.
    pub(super) fn digest(&self, image: &str) -> String {
        output_of(self.skopeo().args(["inspect", "--format", "{{.Digest}}", &format!("docker://{image}")]))
    }

    /// The tags in a repository.
    pub(super) fn tags(&self, repository: &str) -> Vec<String> {
        let list = output_of(self.skopeo().args(["list-tags", &format!("docker://{repository}")]));
        serde_json::from_value(serde_json::from_str::<Value>(&list).unwrap()["Tags"].take()).unwrap()
    }

    /// skopeo, which trusts it, and may write.
    pub(super) fn skopeo(&self) -> Command {
        let mut command = Command::new("skopeo");
        command.env("SSL_CERT_FILE", self.authority()).env("REGISTRY_AUTH_FILE", self.path("auth.json"));
        command
    }

    /// How many images were pushed to repositories below `fleet`.
    pub(super) fn uploads(&self) -> usize {
        let repositories = self.path("storage/docker/registry/v2/repositories/fleet");
        fs::read_dir(repositories).map_or(0, Iterator::count)
    }

    fn write_certificates(&self) {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "registry-ca");
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let params = CertificateParams::new(["localhost", "127.0.0.1"].map(str::to_owned)).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        fs::write(self.authority(), authority.pem()).unwrap();
        fs::write(self.path("tls.crt"), certificate.pem()).unwrap();
        fs::write(self.path("tls.key"), key.serialize_pem()).unwrap();
    }

    fn write_passwords(&self) {
        let line = |who: &Credentials| output_of(Command::new("htpasswd").args(["-Bbn", &who.user, &who.password]));
        fs::write(self.path("htpasswd"), format!("{}\n{}\n", line(&self.reader), line(&self.writer))).unwrap();
        fs::write(self.path("auth.json"), self.writer.pull_secret(&self.host).to_string()).unwrap();
    }

    fn write_config(&self) {
        fs::create_dir(self.path("storage")).unwrap();
        let path = |name: &str| self.path(name).display().to_string();
        let config = json!({
            "version": 0.1,
            "log": {"accesslog": {"disabled": false}, "level": "warn"},
            "storage": {"filesystem": {"rootdirectory": path("storage")}, "delete": {"enabled": true}},
            "http": {
                "addr": self.host.replace("localhost", "127.0.0.1"),
                "tls": {"certificate": path("tls.crt"), "key": path("tls.key")},
            },
            "auth": {"htpasswd": {"realm": "registry", "path": path("htpasswd")}},
        });
        // JSON is YAML too.
        fs::write(self.path("config.yml"), config.to_string()).unwrap();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stop();
    }
}
