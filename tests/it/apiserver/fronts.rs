//! The front on the network answers bad requests as the one in the process does, and writes nothing of half a request.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use machine_os_builder::apiserver::{HttpsFront, Identity};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

const YAML: &str = "application/yaml";
const BODY_BYTES_MAX: usize = 3 << 20;

/// The front on the network of a server.
struct Network {
    address: SocketAddr,
    token: String,
    connector: TlsConnector,
}

impl Network {
    async fn of(world: &World) -> Self {
        let identity = Identity::generate().unwrap();
        let front = HttpsFront::bind(world.server.clone(), ([127, 0, 0, 1], 0).into(), &identity).await.unwrap();
        let address = front.address().unwrap();
        tokio::spawn(front.serve());
        let encoded: String = identity.authority().lines().filter(|line| !line.starts_with('-')).collect();
        let mut roots = RootCertStore::empty();
        roots.add(STANDARD.decode(encoded).unwrap().into()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Self { address, token: identity.token().to_owned(), connector: TlsConnector::from(Arc::new(config)) }
    }

    /// Writes a request as it stands, and reads until the server ends the connection. One that is cut ends here first.
    async fn exchange(&self, start: &str, body: &[u8], is_cut: bool) -> String {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let mut stream = self.connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let token = &self.token;
        let head = format!("{start}\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        if is_cut {
            stream.shutdown().await.unwrap();
        }
        let mut answer = Vec::new();
        // However a server ends a connection that was cut.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn send(&self, method: &Method, path: &str, content_type: &str, body: &[u8]) -> (u16, Value) {
        let size = body.len();
        let start = format!("{method} {path} HTTP/1.1\r\ncontent-type: {content_type}\r\ncontent-length: {size}");
        told(&self.exchange(&start, body, false).await)
    }
}

/// The code and the body of an answer.
fn told(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn bad_requests_are_answered_alike() {
    let world = World::new();
    let network = Network::of(&world).await;
    let map = format!("{CONFIG_MAPS}/a");
    let large = format!("{{\"metadata\": {{\"name\": \"b\"}}}}{}", " ".repeat(BODY_BYTES_MAX));
    world.made(CONFIG_MAPS, named("a")).await;
    let get = |query: &str| (Method::GET, format!("{CONFIG_MAPS}?{query}"), JSON, "");
    for ((method, path, content_type, body), code) in [
        ((Method::POST, CONFIG_MAPS.to_owned(), JSON, "{\"metadata\": "), 400),
        ((Method::POST, CONFIG_MAPS.to_owned(), JSON, ""), 400),
        ((Method::POST, CONFIG_MAPS.to_owned(), YAML, "metadata:\n  name: b\n name: c\n"), 400),
        ((Method::POST, CONFIG_MAPS.to_owned(), YAML, "metadata: {name: b, name: c}"), 400),
        ((Method::POST, CONFIG_MAPS.to_owned(), "application/xml", "<b/>"), 415),
        ((Method::PATCH, map.clone(), YAML, "data: {k: v}"), 415),
        ((Method::PATCH, map.clone(), JSON_PATCH, "{}"), 400),
        ((Method::POST, CONFIG_MAPS.to_owned(), JSON, &large), 413),
        ((Method::PUT, map.clone(), YAML, &large), 413),
        ((Method::DELETE, map.clone(), JSON, "{\"gracePeriodSeconds\": \"x\"}"), 400),
        (get("labelSelector=a%20in%20(b"), 400),
        (get("fieldSelector=data.k%3Dv"), 400),
        (get("fieldSelector=metadata.name"), 400),
        (get("continue=x"), 400),
        (get("continue=x&resourceVersion=1"), 400),
        (get("limit=x"), 400),
        (get("resourceVersion=x"), 400),
        (get("resourceVersion=-1"), 400),
        (get("resourceVersion=1&resourceVersionMatch=Some"), 422),
        (get("watch=true&resourceVersion=x"), 400),
    ] {
        let own = world.raw(method.clone(), &path, content_type, body.to_owned()).await;
        let network = network.send(&method, &path, content_type, body.as_bytes()).await;
        assert_eq!((own.0, &own.1["kind"], &own.1["code"]), (code, &json!("Status"), &json!(code)), "{method} {path}");
        assert_eq!(network, own, "{method} {path}");
    }
    assert_eq!(names(&world.get(CONFIG_MAPS).await.1), ["a"]);
}

#[tokio::test]
async fn a_body_in_chunks_has_the_same_limit() {
    let world = World::new();
    let network = Network::of(&world).await;
    let start = format!("POST {CONFIG_MAPS} HTTP/1.1\r\ncontent-type: {JSON}\r\ntransfer-encoding: chunked");
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let object = |name: &str| json!({"metadata": {"name": name}}).to_string();
    let padding = chunk(&" ".repeat(1 << 20));
    let large = [&chunk(&object("large")), &padding, &padding, &padding, "0\r\n\r\n"].concat();
    let (code, status) = told(&network.exchange(&start, large.as_bytes(), false).await);
    assert_eq!((code, &status["reason"]), (413, &json!("RequestEntityTooLarge")));
    let small = [&chunk(&object("small")), &padding, &padding, "0\r\n\r\n"].concat();
    assert_eq!(told(&network.exchange(&start, small.as_bytes(), false).await).0, 201);
    assert_eq!(names(&world.get(CONFIG_MAPS).await.1), ["small"]);
}

#[tokio::test]
async fn of_a_request_whose_connection_breaks_nothing_is_written() {
    let world = World::new();
    let network = Network::of(&world).await;
    // The part received so far is a valid object by itself.
    let object = named("cut").to_string();
    let start = format!("POST {CONFIG_MAPS} HTTP/1.1\r\ncontent-type: {JSON}");
    let announced = format!("{start}\r\ncontent-length: {}", object.len() + 1);
    network.exchange(&announced, object.as_bytes(), true).await;
    let chunk = format!("{:x}\r\n{object}\r\n", object.len());
    network.exchange(&format!("{start}\r\ntransfer-encoding: chunked"), chunk.as_bytes(), true).await;
    assert!(names(&world.get(CONFIG_MAPS).await.1).is_empty());
    assert!(world.server.log().iter().all(|entry| entry.resource == "configmaps" && entry.code == 200));
}
