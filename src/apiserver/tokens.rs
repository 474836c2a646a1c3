//! ServiceAccount tokens: issued on request, and verified against the stored objects.
//!
//! A token is a JWT. The server signs it with a secret key that never leaves it and that it does not persist. A token
//! is valid until it expires, and while the ServiceAccount that it was issued for and the object that it is bound to
//! still exist.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::authentication::v1::TokenRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::context::WriteContext;
use super::identity::IdentityError;
use super::kinds::{KINDS, ResourceKind, position};
use super::meta::{metadata, text, timestamp};
use super::state::{ApiServer, Inner};
use super::status::{FieldError, StatusError};
use super::store::{Key, Object, Store};
use super::user::User;

/// The default audience of tokens, which is also their issuer.
const AUDIENCE: &str = "https://kubernetes.default.svc";
/// How long a token is good for, in seconds: unless it is asked for another time, at least, and at most.
const EXPIRATION_DEFAULT: i64 = 3_600;
const EXPIRATION_MIN: i64 = 600;
const EXPIRATION_MAX: i64 = 1 << 32;

impl ApiServer {
    /// A token of a ServiceAccount, which need not be there yet: the token is good whenever it is, for as long as this
    /// server runs.
    ///
    /// # Errors
    /// If the machine has no randomness for a key.
    pub fn lasting_token(&self, namespace: &str, name: &str) -> Result<String, IdentityError> {
        let own = json!({"namespace": namespace, "serviceaccount": {"name": name}});
        let claims = json!({"aud": [AUDIENCE], "exp": i64::MAX, "kubernetes.io": own});
        self.0.signer.sign(&claims).map_err(|_| IdentityError::Random)
    }

    /// The user that this token authenticates, if it is valid now.
    pub(super) fn holder(&self, token: &str) -> Option<User> {
        let claims = self.0.signer.claims(token)?;
        let is_for_us = claims["aud"].as_array()?.iter().any(|audience| audience == AUDIENCE);
        let has_time = claims["exp"].as_i64()? > self.0.clock.now().as_second();
        let own = &claims["kubernetes.io"];
        let (namespace, account) = (text(own, "namespace"), &own["serviceaccount"]);
        let store = self.0.store();
        let uid = metadata(&same(&store, "ServiceAccount", namespace, account)?.value, "uid").to_owned();
        let is_bound_to_what_is_there = ["pod", "secret"].into_iter().zip(["Pod", "Secret"]).all(|(field, kind)| {
            own.get(field).is_none_or(|reference| same(&store, kind, namespace, reference).is_some())
        });
        let user = User { uid, ..User::service_account(namespace, text(account, "name")) };
        (is_for_us && has_time && is_bound_to_what_is_there).then_some(user)
    }
}

/// The object that a token's reference means, if that is still the one that it meant.
fn same<'s>(store: &'s Store, kind: &str, namespace: &str, reference: &Value) -> Option<&'s Object> {
    let (uid, name) = (text(reference, "uid"), text(reference, "name"));
    let object = store.get(position(kind)?, &Key::new(namespace, name))?;
    (uid.is_empty() || metadata(&object.value, "uid") == uid).then_some(object)
}

/// Answers a TokenRequest for the ServiceAccount that `place` names.
pub(super) fn request(server: &Inner, place: &WriteContext<'_>, body: &Value) -> Result<Value, StatusError> {
    if !matches!(text(body, "kind"), "" | "TokenRequest") {
        return Err(StatusError::bad_request(format!("{} cannot be handled as a TokenRequest", text(body, "kind"))));
    }
    TokenRequest::deserialize(body).map_err(|error| StatusError::bad_request(error.to_string()))?;
    let store = server.store();
    let account = place.find(&store)?;
    let seconds = expiration(&body["spec"], place.name)?;
    let audiences = match body["spec"]["audiences"].as_array() {
        Some(audiences) if !audiences.is_empty() => audiences.clone(),
        _ => vec![AUDIENCE.into()],
    };
    let mut own = json!({
        "namespace": place.namespace, "serviceaccount": {"name": place.name, "uid": metadata(&account.value, "uid")},
    });
    let bound = &body["spec"]["boundObjectRef"];
    if !bound.is_null() {
        own[text(bound, "kind").to_lowercase()] = bind(&store, place, bound)?;
    }
    drop(store);
    let expires = place.now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let issued = place.now.as_second();
    let token = server.signer.sign(&json!({
        "iss": AUDIENCE, "aud": audiences, "iat": issued, "nbf": issued, "exp": expires.as_second(),
        "sub": User::service_account(place.namespace, place.name).name, "kubernetes.io": own,
    }))?;
    Ok(json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": place.name, "namespace": place.namespace, "creationTimestamp": timestamp(place.now),
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound},
        "status": {"token": token, "expirationTimestamp": timestamp(expires)},
    }))
}

fn expiration(spec: &Value, name: &str) -> Result<i64, StatusError> {
    let asked = &spec["expirationSeconds"];
    let why = match asked.as_i64() {
        None if asked.is_null() => return Ok(EXPIRATION_DEFAULT),
        Some(seconds @ EXPIRATION_MIN..=EXPIRATION_MAX) => return Ok(seconds),
        Some(seconds) if seconds > EXPIRATION_MAX => "may not specify a duration larger than 2^32 seconds",
        _ => "may not specify a duration less than 10 minutes",
    };
    const REQUEST: ResourceKind =
        ResourceKind { name: "TokenRequest", api_version: "authentication.k8s.io/v1", ..KINDS[0] };
    Err(StatusError::invalid(&REQUEST, name, &[FieldError::invalid("spec.expirationSeconds", asked, why)]))
}

/// The object that a token is to be bound to, as the token names it.
fn bind(store: &Store, place: &WriteContext<'_>, bound: &Value) -> Result<Value, StatusError> {
    let (kind, name, uid) = (text(bound, "kind"), text(bound, "name"), text(bound, "uid"));
    let position = position(kind).filter(|_| matches!(kind, "Pod" | "Secret"));
    let position = position.ok_or_else(|| {
        StatusError::bad_request(format!("cannot bind token for serviceaccount {:?} to {kind}", place.name))
    })?;
    let object = store.get(position, &Key::new(place.namespace, name));
    let object = &object.ok_or_else(|| StatusError::not_found(&KINDS[position], name))?.value;
    if !uid.is_empty() && uid != metadata(object, "uid") {
        let why = format!("the UID in the bound object reference ({uid}) does not match the UID in record");
        return Err(StatusError::conflict(&KINDS[position], name, &why));
    }
    if kind == "Pod" && text(&object["spec"], "serviceAccountName") != place.name {
        let why = "to pod running with different serviceaccount name.";
        return Err(StatusError::bad_request(format!("cannot bind token for serviceaccount {:?} {why}", place.name)));
    }
    Ok(json!({"name": name, "uid": metadata(object, "uid")}))
}
