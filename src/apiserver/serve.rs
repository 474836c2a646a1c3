//! From a request for a resource to the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::Value;

use super::delete::{self, Deleted};
use super::kinds::Kind;
use super::list::{self, select};
use super::log::Verb;
use super::patch::{self, Patch};
use super::route::{Query, Target, wants_metadata};
use super::selector::Filter;
use super::status::Failure;
use super::store::{Form, Object};
use super::watch::Watcher;
use super::write::{self, Place};
use super::{Inner, ResponseBody, bind};

/// Most that the body of a request may have, in bytes.
const BODY_BYTES_MAX: usize = 3 << 20;
const JSON: &str = "application/json";

/// A request for a resource, taken apart.
pub struct Call<'a> {
    /// What the request's path addresses.
    pub target: &'a Target<'a>,
    /// The request's parameters.
    pub query: &'a Query<'a>,
    /// What the request does.
    pub verb: Verb,
    /// The request's head.
    pub parts: &'a Parts,
    /// The request's body.
    pub body: &'a Bytes,
}

/// The status code and the body of an answer.
pub type Answer = Result<(u16, ResponseBody), Failure>;

impl Call<'_> {
    /// Answers the request.
    pub fn answer(&self, server: &Arc<Inner>) -> Answer {
        let Some(collection) = server.kinds.iter().position(|kind| self.target.fits(kind)) else {
            return Err(Failure::unknown_path());
        };
        let kind = server.kinds[collection];
        self.check_method(kind)?;
        if self.body.len() > BODY_BYTES_MAX {
            return Err(Failure::too_large(BODY_BYTES_MAX));
        }
        let form = if wants_metadata(&self.parts.headers)? { Form::Metadata } else { Form::Full };
        match self.verb {
            Verb::Get => self.get(server, collection, form),
            Verb::List => self.list(server, collection, form),
            Verb::Watch => {
                let watcher = Watcher::new(server, collection, self.filter(kind)?, form, self.query)?;
                Ok((200, ResponseBody::watch(watcher.lines())))
            }
            Verb::Create | Verb::Update | Verb::Patch => self.write(server, collection, form),
            Verb::Delete => self.delete(server, collection, form),
            Verb::DeleteCollection => self.delete_collection(server, collection, form),
        }
    }

    /// Makes sure that what is addressed can be used so.
    fn check_method(&self, kind: &Kind) -> Result<(), Failure> {
        let has_name = self.target.name.is_some();
        let is_placed = !kind.namespaced || self.target.namespace.is_some();
        let is_allowed = match (self.verb, self.target.subresource) {
            (Verb::Create, Some("binding")) => true,
            (_, Some("binding")) => false,
            (Verb::Get | Verb::Update | Verb::Patch, Some(_)) => has_name,
            (_, Some(_)) => false,
            (Verb::Create, None) => !has_name && is_placed,
            (Verb::Update | Verb::Patch, None) => has_name,
            (Verb::DeleteCollection, None) => is_placed,
            (Verb::Get | Verb::List | Verb::Watch | Verb::Delete, None) => true,
        };
        if is_allowed { Ok(()) } else { Err(Failure::method_not_allowed(kind)) }
    }

    fn filter(&self, kind: &Kind) -> Result<Filter, Failure> {
        let mut filter = Filter::parse(kind, self.query.get("labelSelector"), self.query.get("fieldSelector"))?;
        // What lives in no namespace is found in the empty one, without a look at all the rest.
        let namespace = if kind.namespaced { self.target.namespace } else { Some("") };
        filter.namespace = namespace.map(str::to_owned);
        if let Some(name) = self.target.name {
            filter.name = Some(name.to_owned());
        }
        Ok(filter)
    }

    fn place(&self, server: &Inner, collection: usize, dry_run: bool) -> Place<'_> {
        Place {
            collection,
            kind: server.kinds[collection],
            namespace: self.target.namespace.unwrap_or_default(),
            name: self.target.name.unwrap_or_default(),
            is_status: self.target.subresource == Some("status"),
            now: server.clock.now(),
            dry_run,
        }
    }

    fn get(&self, server: &Inner, collection: usize, form: Form) -> Answer {
        let place = self.place(server, collection, false);
        let object = server.store().get(collection, &place.key()).cloned();
        object.map(|object| shown(200, &object, form)).ok_or_else(|| Failure::not_found(place.kind, place.name))
    }

    fn list(&self, server: &Inner, collection: usize, form: Form) -> Answer {
        let kind = server.kinds[collection];
        let filter = self.filter(kind)?;
        let list = list::list(&server.store(), collection, &filter, self.query)?;
        Ok((200, ResponseBody::full(list.json(kind, form == Form::Metadata))))
    }

    fn write(&self, server: &Inner, collection: usize, form: Form) -> Answer {
        let place = self.place(server, collection, self.query.dry_run()?);
        if self.verb == Verb::Patch {
            let patch = Patch::parse(place.kind, self.content_type(), self.body)?;
            let object = patch::patch(&mut server.store(), &place, &patch)?;
            return Ok(shown(200, &object, form));
        }
        let body = self.json(place.kind)?;
        if self.target.subresource == Some("binding") {
            let status = bind::bind(&mut server.store(), &place, &body)?;
            return Ok((201, ResponseBody::full(status.to_string())));
        }
        let (object, is_new) = match self.verb {
            Verb::Create => (write::create(&mut server.store(), &place, body)?, true),
            _ => write::replace(&mut server.store(), &place, body)?,
        };
        Ok(shown(if is_new { 201 } else { 200 }, &object, form))
    }

    fn delete(&self, server: &Inner, collection: usize, form: Form) -> Answer {
        let options = self.delete_options()?;
        let place = self.place(server, collection, self.query.dry_run()? || options.is_dry_run());
        let deleted = delete::delete(&mut server.store(), &place, &options)?;
        Ok(match deleted {
            Deleted::Gone(status) => (200, ResponseBody::full(status.to_string())),
            Deleted::Object(object) => shown(200, &object, form),
        })
    }

    fn delete_collection(&self, server: &Inner, collection: usize, form: Form) -> Answer {
        let options = self.delete_options()?;
        let place = self.place(server, collection, self.query.dry_run()? || options.is_dry_run());
        let filter = self.filter(place.kind)?;
        let mut store = server.store();
        let list = list::list(&store, collection, &filter, self.query)?;
        let objects = &store.collections[collection].objects;
        let doomed: Vec<_> = select(objects, &filter, None).map(|(key, _)| key.clone()).collect();
        for key in doomed {
            // One that an earlier one took along is no failure.
            let _ = delete::delete(&mut store, &Place { name: &key.name, ..place }, &options);
        }
        drop(store);
        Ok((200, ResponseBody::full(list.json(place.kind, form == Form::Metadata))))
    }

    fn delete_options(&self) -> Result<delete::Options, Failure> {
        if !self.body.is_empty() {
            self.check_json()?;
        }
        delete::Options::parse(self.body, self.query)
    }

    /// The media type of the body, without its parameters.
    fn content_type(&self) -> &str {
        let header = self.parts.headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
        header.split(';').next().unwrap_or_default().trim()
    }

    fn check_json(&self) -> Result<(), Failure> {
        if matches!(self.content_type(), "" | JSON) { Ok(()) } else { Err(Failure::media_type(JSON)) }
    }

    fn json(&self, kind: &Kind) -> Result<Value, Failure> {
        self.check_json()?;
        serde_json::from_slice(self.body).map_err(|error| {
            let name = kind.name;
            Failure::bad_request(format!(
                "the object provided is unrecognized (must be of type {name}): json parse error: {error}"
            ))
        })
    }
}

fn shown(code: u16, object: &Object, form: Form) -> (u16, ResponseBody) {
    (code, ResponseBody::full(object.json(form)))
}
