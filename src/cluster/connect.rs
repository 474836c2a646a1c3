//! The way to a real API server: credentials, TLS, and whether it wants to talk to us at all.

use std::path::Path;

use http::Request;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use kube::api::{Api, ListParams};
use kube::client::{Body, ConfigExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceBuilder};

use crate::api::{Kind, Object};

/// The service that requests to a real API server go through.
pub type Service = BoxCloneSyncService<Request<Body>, http::Response<hyper::body::Incoming>, BoxError>;

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are no usable credentials.
    #[error("failed to read {0}; name a kubeconfig with --kubeconfig or KUBECONFIG, or run in a cluster")]
    Credentials(String, #[source] BoxError),
    /// The credentials cannot be used.
    #[error("failed to set up TLS and authentication to {0}")]
    Setup(String, #[source] BoxError),
    /// It does not answer.
    #[error("failed to reach the API server {0}; see that it runs and that its address is right")]
    Unreachable(String, #[source] Box<kube::Error>),
    /// It does not know us, or does not allow us what we need.
    #[error("the API server {0} refuses to list MachineConfigPools; see the credentials and the roles in config/rbac")]
    Refused(String, #[source] Box<kube::Error>),
    /// It is a cluster of another sort.
    #[error("the API server {0} serves no MachineConfigPools; this is for OpenShift clusters")]
    NoPools(String),
}

/// The configuration from a kubeconfig, from `KUBECONFIG`, or from the cluster that this process runs in.
pub async fn configuration(kubeconfig: Option<&Path>) -> Result<Config, Error> {
    match kubeconfig {
        Some(path) => {
            let failed = |error: BoxError| Error::Credentials(path.display().to_string(), error);
            let kubeconfig = Kubeconfig::read_from(path).map_err(|error| failed(error.into()))?;
            let options = KubeConfigOptions::default();
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| failed(error.into()))
        }
        None => Config::infer().await.map_err(|error| Error::Credentials("credentials".into(), error.into())),
    }
}

/// The service for a configuration.
pub fn service(config: &Config) -> Result<Service, Error> {
    let failed = |error: BoxError| Error::Setup(config.cluster_url.to_string(), error);
    let https = config.rustls_https_connector().map_err(|error| failed(error.into()))?;
    let authentication = config.auth_layer().map_err(|error| failed(error.into()))?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(authentication)
        .map_err(BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build(https));
    Ok(BoxCloneSyncService::new(service))
}

/// Sees whether the API server answers, knows us, and has pools.
pub async fn check(client: &Client, config: &Config) -> Result<(), Error> {
    let url = config.cluster_url.to_string();
    let pools: Api<Object> = Api::all_with(client.clone(), &Kind::MachineConfigPool.resource());
    match pools.list_metadata(&ListParams::default().limit(1)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(Error::NoPools(url)),
        Err(error @ kube::Error::Api(_)) => Err(Error::Refused(url, Box::new(error))),
        Err(error) => Err(Error::Unreachable(url, Box::new(error))),
    }
}
