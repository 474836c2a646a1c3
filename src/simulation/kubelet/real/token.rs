//! Service account tokens of pods. Each is for the pod's own service account, and is bound to the pod: it becomes
//! invalid when the pod is deleted.

use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount, ServiceAccountTokenProjection};
use kube::api::{Api, PostParams};
use kube::{Client, ResourceExt as _};

use super::failure::Failure;

/// A token as a volume of `pod` asks for it.
pub(super) async fn fetch(
    client: &Client,
    pod: &Pod,
    wanted: &ServiceAccountTokenProjection,
) -> Result<String, Failure> {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), &pod.namespace().unwrap_or_default());
    let account = pod.spec.as_ref().and_then(|spec| spec.service_account_name.as_deref()).unwrap_or_default();
    match accounts.create_token_request(account, &PostParams::default(), &request(pod, wanted)).await {
        Ok(TokenRequest { status: Some(status), .. }) => Ok(status.token),
        Ok(_) => Err(Failure::Token("the API server has answered with none".to_owned())),
        Err(kube::Error::Api(refusal)) => Err(Failure::Token(refusal.message)),
        Err(error) => Err(Failure::Api(error)),
    }
}

fn request(pod: &Pod, wanted: &ServiceAccountTokenProjection) -> TokenRequest {
    let bound = BoundObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        name: Some(pod.name_any()),
        uid: pod.uid(),
    };
    let spec = TokenRequestSpec {
        // An empty list requests the API server's own audience.
        audiences: wanted.audience.iter().filter(|audience| !audience.is_empty()).cloned().collect(),
        bound_object_ref: Some(bound),
        expiration_seconds: wanted.expiration_seconds,
    };
    TokenRequest { spec, ..TokenRequest::default() }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::apiserver::{ApiServer, ServerOptions};
    use crate::clock::Clock;

    /// A pod of this account, and who asks for its token.
    async fn pod(account: Option<&str>) -> (Client, Pod) {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let client = ApiServer::new(ServerOptions::new(clock, 7)).client("node");
        for name in ["robot", "default"] {
            let object = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
            let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
            accounts.create(&PostParams::default(), &object).await.unwrap();
        }
        let spec = json!({"serviceAccountName": account, "containers": [{"name": "c", "image": "i"}]});
        let object = serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": spec})).unwrap();
        let pod = Api::namespaced(client.clone(), "default").create(&PostParams::default(), &object).await.unwrap();
        (client, pod)
    }

    async fn fetched(account: Option<&str>, wanted: Value) -> Result<Value, String> {
        let (client, pod) = pod(account).await;
        let mut wanted = wanted;
        wanted["path"] = "token".into();
        let token = fetch(&client, &pod, &serde_json::from_value(wanted).unwrap()).await;
        let token = token.map_err(|failure| failure.to_string())?;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["kubernetes.io"]["pod"], json!({"name": "p", "uid": pod.metadata.uid}));
        claims["lives"] = (claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()).into();
        Ok(claims)
    }

    #[tokio::test]
    async fn a_token_is_the_pods_own_and_as_its_volume_says() {
        let claims = fetched(Some("robot"), json!({"expirationSeconds": 7200})).await.unwrap();
        assert_eq!(claims["sub"], "system:serviceaccount:default:robot");
        assert_eq!((&claims["lives"], &claims["aud"]), (&json!(7200), &json!(["https://kubernetes.default.svc"])));
        let claims = fetched(Some("robot"), json!({"audience": "vault"})).await.unwrap();
        assert_eq!((&claims["lives"], &claims["aud"]), (&json!(3600), &json!(["vault"])));
        let claims = fetched(None, json!({})).await.unwrap();
        assert_eq!(claims["sub"], "system:serviceaccount:default:default");
    }

    #[tokio::test]
    async fn there_is_none_without_the_account() {
        let why = fetched(Some("nobody"), json!({})).await.unwrap_err();
        assert_eq!(why, r#"failed to fetch token: serviceaccounts "nobody" not found"#);
    }
}
