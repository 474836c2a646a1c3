//! The embedded server, behind its HTTPS front.

use std::sync::mpsc;
use std::thread;

use kube::config::Kubeconfig;
use machine_os_builder::apiserver::{ApiServer, HttpsFront, Identity, ServerOptions};
use machine_os_builder::clock::Clock;

/// Serves for as long as this process lives.
pub(super) fn start() -> Kubeconfig {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = Clock::starting_at(jiff::Timestamp::now());
            let server = ApiServer::new(ServerOptions { default_roles: true, ..ServerOptions::new(clock, 1) });
            let identity = Identity::generate().unwrap();
            let front = HttpsFront::bind(server, ([127, 0, 0, 1], 0).into(), &identity).await.unwrap();
            let url = format!("https://{}", front.address().unwrap());
            sender.send(super::real::kubeconfig(&url, identity.authority(), identity.token())).unwrap();
            front.serve().await
        });
    });
    receiver.recv().unwrap()
}
