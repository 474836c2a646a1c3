//! The signer of ServiceAccount tokens.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::status::StatusError;

/// The signer of tokens.
#[derive(Debug, Default)]
pub(super) struct Signer(OnceLock<Key>);

impl Signer {
    /// The key. It is generated on first use, so that a server that issues no tokens needs no randomness.
    fn key(&self) -> Result<&Key, StatusError> {
        if let Some(key) = self.0.get() {
            return Ok(key);
        }
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| StatusError::internal("the machine gives no random bytes to sign tokens with"))?;
        Ok(self.0.get_or_init(|| key))
    }

    pub(super) fn sign(&self, claims: &Value) -> Result<String, StatusError> {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&json!({"alg": "HS256", "typ": "JWT"})), encode(claims));
        let tag = hmac::sign(self.key()?, text.as_bytes());
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The claims of a token, if this server signed it.
    pub(super) fn claims(&self, token: &str) -> Option<Value> {
        let (text, tag) = token.rsplit_once('.')?;
        hmac::verify(self.0.get()?, text.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let (_, claims) = text.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}
