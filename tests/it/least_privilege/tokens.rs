//! The tokens of ServiceAccounts, over the network.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::Method;
use kube::client::Body;
use kube::{Client, Config};
use machine_os_builder::apiserver::{ApiServer, HttpsFront, Identity, ServerOptions};
use machine_os_builder::clock::Clock;
use serde_json::{Value, json};

use super::world::send;

const ACCOUNTS: &str = "/api/v1/namespaces/default/serviceaccounts";

/// A server on the network.
struct World {
    server: ApiServer,
    config: Config,
}

impl World {
    async fn new(clock: Clock) -> Self {
        let server = ApiServer::new(ServerOptions { default_roles: true, ..ServerOptions::new(clock, 7) });
        let identity = Identity::generate().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let front = HttpsFront::bind(server.clone(), address, &identity).await.unwrap();
        let config = config(front.address().unwrap(), &identity).await;
        tokio::spawn(front.serve());
        Self { server, config }
    }

    async fn admin(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        send(self.server.service(), method, path, body).await
    }

    /// A token of an account that is there.
    async fn token(&self, account: &str, spec: Value) -> String {
        let path = format!("{ACCOUNTS}/{account}/token");
        let (code, request) = self.admin(Method::POST, &path, &json!({ "spec": spec })).await;
        assert_eq!((code, &request["kind"]), (201, &json!("TokenRequest")), "{request}");
        request["status"]["token"].as_str().unwrap().to_owned()
    }

    /// The user that this token authenticates over the network; none if the server rejects it.
    async fn who(&self, token: &str) -> Option<Value> {
        let mut config = self.config.clone();
        config.auth_info.token = Some(token.to_owned().into());
        let client = Client::try_from(config).unwrap();
        let request = http::Request::post("/apis/authentication.k8s.io/v1/selfsubjectreviews");
        let request = request.header("content-type", "application/json").body(Body::from(b"{}".to_vec())).unwrap();
        let response = client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let answer: Value = serde_json::from_slice(&response.into_body().collect_bytes().await.unwrap()).unwrap();
        if code == 401 {
            assert_eq!((&answer["reason"], &answer["message"]), (&json!("Unauthorized"), &json!("Unauthorized")));
            return None;
        }
        assert_eq!(code, 201, "{answer}");
        Some(answer["status"]["userInfo"].clone())
    }
}

async fn config(address: SocketAddr, identity: &Identity) -> Config {
    use base64::Engine as _;

    let authority = base64::engine::general_purpose::STANDARD.encode(identity.authority());
    let cluster = json!({"server": format!("https://{address}"), "certificate-authority-data": authority});
    let kubeconfig = json!({
        "clusters": [{"name": "n", "cluster": cluster}],
        "users": [{"name": "n", "user": {}}],
        "contexts": [{"name": "n", "context": {"cluster": "n", "user": "n"}}],
        "current-context": "n",
    });
    Config::from_custom_kubeconfig(serde_json::from_value(kubeconfig).unwrap(), &Default::default()).await.unwrap()
}

#[tokio::test]
async fn a_token_is_good_while_its_account_is_the_same() {
    let world = World::new(Clock::System).await;
    let robot = json!({"metadata": {"name": "robot"}});
    let (_, account) = world.admin(Method::POST, ACCOUNTS, &robot).await;
    let token = world.token("robot", json!({})).await;
    let expected = json!({
        "username": "system:serviceaccount:default:robot", "uid": account["metadata"]["uid"],
        "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
    });
    assert_eq!(world.who(&token).await, Some(expected.clone()));
    for bad in ["", "x", "a.b.c", &token[1..], &token[..token.len() - 2], &format!("{token}.")] {
        assert_eq!(world.who(bad).await, None, "{bad}");
    }
    let lasting = world.server.lasting_token("default", "robot").unwrap();
    assert_eq!(world.who(&lasting).await, Some(expected));
    world.admin(Method::DELETE, &format!("{ACCOUNTS}/robot"), &Value::Null).await;
    assert_eq!((world.who(&token).await, world.who(&lasting).await), (None, None));
    world.admin(Method::POST, ACCOUNTS, &robot).await;
    assert_eq!(world.who(&token).await, None, "its account is another one");
    assert!(world.who(&lasting).await.is_some(), "it is for any account of that name");
}

#[tokio::test]
async fn a_token_is_good_for_its_audience_and_with_what_it_is_bound_to() {
    let world = World::new(Clock::System).await;
    world.admin(Method::POST, ACCOUNTS, &json!({"metadata": {"name": "robot"}})).await;
    let elsewhere = world.token("robot", json!({"audiences": ["https://elsewhere"]})).await;
    assert_eq!(world.who(&elsewhere).await, None);
    let pods = "/api/v1/namespaces/default/pods";
    let spec = json!({"serviceAccountName": "robot", "containers": [{"name": "c", "image": "i"}]});
    let pod = json!({"metadata": {"name": "p"}, "spec": spec});
    world.admin(Method::POST, pods, &pod).await;
    let bound = |kind: &str, name: &str| json!({"boundObjectRef": {"kind": kind, "apiVersion": "v1", "name": name}});
    let token = world.token("robot", bound("Pod", "p")).await;
    assert!(world.who(&token).await.is_some());
    world.admin(Method::DELETE, &format!("{pods}/p?gracePeriodSeconds=0"), &Value::Null).await;
    assert_eq!(world.who(&token).await, None);

    let path = format!("{ACCOUNTS}/robot/token");
    for (spec, code) in [
        (bound("Pod", "gone"), 404),
        (bound("Secret", "gone"), 404),
        (bound("Role", "r"), 400),
        (json!({"expirationSeconds": 599}), 422),
        (json!({"expirationSeconds": "soon"}), 400),
        (json!({"expirationSeconds": (1_i64 << 32) + 1}), 422),
    ] {
        assert_eq!(world.admin(Method::POST, &path, &json!({ "spec": spec })).await.0, code, "{spec}");
    }
    assert_eq!(world.admin(Method::POST, &format!("{ACCOUNTS}/nobody/token"), &json!({})).await.0, 404);
    assert_eq!(world.admin(Method::GET, &path, &Value::Null).await.0, 405);
    let other = json!({"metadata": {"name": "q"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    world.admin(Method::POST, pods, &other).await;
    assert_eq!(world.admin(Method::POST, &path, &json!({"spec": bound("Pod", "q")})).await.0, 400);
}

#[tokio::test]
async fn a_token_is_good_until_it_expires() {
    let world = World::new(Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap())).await;
    world.admin(Method::POST, ACCOUNTS, &json!({"metadata": {"name": "robot"}})).await;
    let (short, long) = (json!({"expirationSeconds": 600}), json!({"expirationSeconds": 86_400}));
    let (short, long) = (world.token("robot", short).await, world.token("robot", long).await);
    assert!(world.who(&short).await.is_some() && world.who(&long).await.is_some());
    // Only from here to there does the time jump: a network takes the time that it takes.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3_600)).await;
    tokio::time::resume();
    assert_eq!(world.who(&short).await, None);
    assert!(world.who(&long).await.is_some());
}
