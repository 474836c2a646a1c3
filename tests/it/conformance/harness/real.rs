//! A `kube-apiserver` and its `etcd`, for as long as this process lives.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::Kubeconfig;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use super::PATIENCE;

const POLL: Duration = Duration::from_millis(100);
const TOKEN: &str = "conformance";

/// Starts both, and ends them when standard input does, which is when the process at its other end is gone: so they
/// outlive no test, however that ends.
const WATCHDOG: &str = r#"
cd "$DIRECTORY"
"$ASSETS/etcd" --data-dir=etcd --listen-client-urls="$ETCD" --advertise-client-urls="$ETCD" \
    --listen-peer-urls=http://127.0.0.1:0 --unsafe-no-fsync > etcd.log 2>&1 < /dev/null &
etcd=$!
"$ASSETS/kube-apiserver" --etcd-servers="$ETCD" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
    --secure-port="$PORT" --tls-cert-file=tls.crt --tls-private-key-file=tls.key --cert-dir=certificates \
    --token-auth-file=tokens.csv --authorization-mode=RBAC --allow-privileged=true \
    --disable-admission-plugins=ServiceAccount --service-cluster-ip-range=10.0.0.0/24 \
    --service-account-issuer="https://127.0.0.1:$PORT/" --service-account-key-file=accounts.pub \
    --service-account-signing-key-file=accounts.key > kube-apiserver.log 2>&1 < /dev/null &
server=$!
cat > /dev/null
kill -9 $server $etcd
wait
rm -rf "$DIRECTORY"
"#;

/// Starts the servers in `assets`, and waits until they are ready; else says why they are not. They end when the
/// standard input of the watchdog does.
pub(super) fn start(assets: &Path) -> Result<(Kubeconfig, Child), String> {
    let assets = assets.canonicalize().map_err(|error| format!("KUBEBUILDER_ASSETS, {}: {error}", assets.display()))?;
    let directory = TempDir::new().unwrap().keep();
    let file = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();

    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    file("tls.crt", &certificate.pem());
    file("tls.key", &key.serialize_pem());
    let accounts = KeyPair::generate().unwrap();
    file("accounts.key", &accounts.serialize_pem());
    file("accounts.pub", &accounts.public_key_pem());
    file("tokens.csv", &format!("{TOKEN},conformance,conformance,\"system:masters\"\n"));

    let [etcd, port] = free_ports();
    let mut watchdog = Command::new("sh")
        .args(["-c", WATCHDOG])
        .envs([("ASSETS", assets.as_os_str()), ("DIRECTORY", directory.as_os_str())])
        .envs([("ETCD", format!("http://127.0.0.1:{etcd}")), ("PORT", port.to_string())])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let kubeconfig = kubeconfig(&format!("https://127.0.0.1:{port}"), &authority, TOKEN);
    match wait_until_ready(&kubeconfig, port, &directory) {
        Ok(()) => Ok((kubeconfig, watchdog)),
        Err(why) => {
            drop(watchdog.stdin.take());
            watchdog.wait().map_err(|error| error.to_string())?;
            Err(why)
        }
    }
}

/// A kubeconfig of one cluster, for one user.
pub(super) fn kubeconfig(url: &str, authority: &str, token: &str) -> Kubeconfig {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {
            "server": url, "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }))
    .unwrap()
}

/// Two different ports that no process listens on.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn wait_until_ready(kubeconfig: &Kubeconfig, port: u16, directory: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() || !runtime.block_on(is_ready(kubeconfig)) {
        if Instant::now() > deadline {
            return Err(["etcd.log", "kube-apiserver.log"].map(|log| end_of(&directory.join(log))).join("\n"));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// The last lines of a log, which goes with its folder.
fn end_of(log: &Path) -> String {
    const LINES: usize = 20;
    let text = fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
    let lines: Vec<&str> = text.lines().collect();
    format!("{}:\n{}", log.display(), lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

async fn is_ready(kubeconfig: &Kubeconfig) -> bool {
    let config = kube::Config::from_custom_kubeconfig(kubeconfig.clone(), &Default::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
    client.request_text(request).await.is_ok()
}
