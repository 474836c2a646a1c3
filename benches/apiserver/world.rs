//! A server, and a client of it.

use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use kube::client::Body;
use kube::{Client, Config};
use machine_os_builder::apiserver::{ApiServer, HttpsFront, Identity, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tower::BoxError;

/// Where the objects are.
pub(crate) const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
/// Objects in a server that has some.
pub(crate) const OBJECTS: usize = 10_000;
/// The data of each.
const DATA_BYTES: usize = 1_000;

/// Every way to a server.
pub(crate) const WAYS: [Way; 3] = [Way::Handler, Way::InProcess, Way::Https];

/// How requests get to a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// A call of the server's own function.
    Handler,
    /// kube's client, in the same process.
    InProcess,
    /// kube's client, over the network.
    Https,
}

/// The body of an answer, from any of the clients.
pub(crate) type Answer = UnsyncBoxBody<Bytes, BoxError>;

/// A server, and a way to it.
pub(crate) struct World {
    /// The server.
    pub server: ApiServer,
    runtime: Runtime,
    client: Option<Client>,
}

/// A server's options, as `local-cluster` sets them.
pub(crate) fn options() -> ServerOptions {
    ServerOptions { log_length: 1_000, default_roles: true, ..ServerOptions::new(Clock::System, 7) }
}

impl World {
    /// A new server, whose certificate was made before.
    pub(crate) fn new(way: Way, options: ServerOptions, identity: &Identity) -> Self {
        let server = ApiServer::new(options);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            match way {
                Way::Handler => None,
                Way::InProcess => Some(server.client("bench")),
                Way::Https => Some(connect(server.clone(), identity).await),
            }
        });
        Self { server, runtime, client }
    }

    /// A new server with objects in it.
    pub(crate) fn full(way: Way) -> Self {
        let world = Self::new(way, options(), &Identity::generate().unwrap());
        world.fill();
        world
    }

    /// Creates the objects.
    pub(crate) fn fill(&self) {
        (0..OBJECTS).for_each(|number| create(&self.server, number));
    }

    /// The whole answer to a request.
    pub(crate) fn ask(&self, request: Request<Bytes>) -> Bytes {
        let answer = self.open(request);
        self.run(async { answer.collect().await.unwrap().to_bytes() })
    }

    /// The answer to a request, as it comes.
    pub(crate) fn open(&self, request: Request<Bytes>) -> Answer {
        let Some(client) = &self.client else {
            let response = self.run(async { self.server.handle(request) });
            assert!(response.status().is_success(), "{response:?}");
            return response.into_body().map_err(BoxError::from).boxed_unsync();
        };
        let response = self.run(client.send(request.map(Body::from))).unwrap();
        assert!(response.status().is_success(), "{response:?}");
        response.into_body().map_err(BoxError::from).boxed_unsync()
    }

    /// Runs both ends until `work` is done.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// A client of `server`, over the network.
async fn connect(server: ApiServer, identity: &Identity) -> Client {
    let front = HttpsFront::bind(server, (Ipv4Addr::LOCALHOST, 0).into(), identity).await.unwrap();
    let url = format!("https://{}", front.address().unwrap());
    tokio::spawn(front.serve());
    let authority = STANDARD.encode(identity.authority());
    let kubeconfig = serde_json::from_value(json!({
        "clusters": [{"name": "it", "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": "it", "user": {"token": identity.token()}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }));
    let config = Config::from_custom_kubeconfig(kubeconfig.unwrap(), &Default::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// A request without a body.
pub(crate) fn get(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

/// A request with a body.
pub(crate) fn with_body(method: Method, path: &str, content_type: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::builder().method(method).uri(path).header("content-type", content_type).body(body.into()).unwrap()
}

/// The path of an object.
pub(crate) fn path(number: usize) -> String {
    format!("{CONFIG_MAPS}/{}", name(number))
}

fn name(number: usize) -> String {
    format!("object-{number:06}")
}

/// An object, as a client sends it; `letter` is what its data is made of.
pub(crate) fn object(number: usize, letter: &str) -> String {
    json!({"metadata": {"name": name(number)}, "data": {"text": letter.repeat(DATA_BYTES)}}).to_string()
}

/// Creates an object by a direct call of the server, without a client.
fn create(server: &ApiServer, number: usize) {
    let request = with_body(Method::POST, CONFIG_MAPS, "application/json", object(number, "x"));
    assert_eq!(server.handle(request).status(), 201);
}

/// Replaces an object's data by a direct call of the server, without a client.
pub(crate) fn update(server: &ApiServer, number: usize, letter: &str) {
    let request = with_body(Method::PUT, &path(number), "application/json", object(number, letter));
    assert_eq!(server.handle(request).status(), 200);
}
