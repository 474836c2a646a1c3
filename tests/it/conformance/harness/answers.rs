//! The server's answers to a case.

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{PATIENCE, text};

/// An answer: its code, and what is in it.
#[derive(Debug)]
pub(crate) struct Told {
    pub code: u16,
    pub body: Value,
}

impl Told {
    /// The object in an answer that has to be one.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.code < 300, "{self:?}");
        self.body
    }

    /// The Status in an answer that has to be a refusal with this code and reason.
    #[track_caller]
    pub(crate) fn refused(self, code: u16, reason: &str) -> Value {
        assert_eq!((self.code, self.body["reason"].as_str()), (code, Some(reason)), "{}", self.body);
        assert_eq!((&self.body["kind"], &self.body["status"]), (&json!("Status"), &json!("Failure")), "{}", self.body);
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert!(self.body["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", self.body);
        self.body
    }

    /// The message about a field, in an answer that has to refuse an object for it.
    #[track_caller]
    pub(crate) fn invalid(self, field: &str, reason: &str) -> String {
        let status = self.refused(422, "Invalid");
        let causes = status["details"]["causes"].as_array().unwrap_or_else(|| panic!("no causes: {status}"));
        // Releases differ in whether they name the key of a map: metadata.labels, or metadata.labels[a].
        let is_it = |told: &str| told.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('['));
        let cause = causes.iter().find(|cause| is_it(text(cause, "/field")) && cause["reason"] == reason);
        cause.unwrap_or_else(|| panic!("{field} {reason}: {status}"))["message"].as_str().unwrap().to_owned()
    }
}

/// A watch, as its client sees it.
pub(crate) struct Watching {
    pub body: Body,
    pub text: String,
}

impl Watching {
    /// The next event; none when the watch has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let event = serde_json::from_str(line).unwrap();
                self.text = rest.to_owned();
                return Some(event);
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("an event in time")?.unwrap();
            let Ok(data) = frame.into_data() else { continue };
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }

    /// The object of the next event, which has to be of this type and about an object of this name. Bookmarks are passed
    /// over: a server may send one whenever it likes.
    pub(crate) async fn sees(&mut self, event: &str, name: &str) -> Value {
        let mut next = self.next().await.expect("the watch goes on");
        while next["type"] == "BOOKMARK" {
            next = self.next().await.expect("the watch goes on");
        }
        assert_eq!((text(&next, "/type"), text(&next, "/object/metadata/name")), (event, name), "{next}");
        next["object"].take()
    }
}
