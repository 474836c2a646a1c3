//! Handling of requests for resources.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde_json::Value;

use super::admission::{Admitter, Gate};
use super::attributes::Attributes;
use super::authorization::authorize;
use super::body::{BODY_BYTES_MAX, ResponseBody};
use super::context::WriteContext;
use super::delete::{self, Deleted};
use super::kinds::{BUILD, ResourceKind};
use super::list;
use super::log::Verb;
use super::negotiate::{self, Format};
use super::patch::{self, Patch};
use super::print::Printer;
use super::pruning::prune_and_default;
use super::reply::{Answer, Reply};
use super::reviews::is_review;
use super::route::{Query, Target};
use super::selector::Filter;
use super::state::Inner;
use super::status::StatusError;
use super::user::User;
use super::watch::Watcher;
use super::{bind, gc, meta, reviews, tokens, write};

/// A request for a resource, taken apart.
pub(super) struct Call<'a> {
    /// The target of the request's path.
    pub target: &'a Target<'a>,
    /// The request's parameters.
    pub query: &'a Query<'a>,
    /// The verb of the request.
    pub verb: Verb,
    /// The request's head.
    pub parts: &'a Parts,
    /// The request's body.
    pub body: &'a Bytes,
    /// The user as whom it is sent.
    pub user: &'a User,
    /// The client's `User-Agent`.
    pub agent: &'a str,
    /// The admitter.
    pub admitter: Option<&'a Admitter>,
    /// The kind that is addressed.
    pub kind: &'static ResourceKind,
    /// Where its objects are.
    pub collection: usize,
}

impl Call<'_> {
    /// Answers the request.
    pub(super) fn answer(&self, server: &Arc<Inner>) -> Answer {
        self.check_method()?;
        if self.body.len() > BODY_BYTES_MAX {
            return Err(StatusError::too_large(BODY_BYTES_MAX));
        }
        if self.target.subresource == Some("log") {
            return self.log(server);
        }
        let (shape, format) = negotiate::wanted(&self.parts.headers)?;
        let printer = Printer::new(self.kind, shape, self.query, server.clock)?;
        match self.verb {
            Verb::Get => self.get(server, &printer),
            Verb::List => self.list(server, &printer),
            // There is no telling where an event ends in YAML.
            Verb::Watch if format == Format::Yaml => Err(StatusError::not_acceptable()),
            Verb::Watch => {
                let watcher = Watcher::new(server, self.collection, self.filter()?, printer, self.query)?;
                Ok(Reply::json(200, ResponseBody::watch(watcher.lines())))
            }
            Verb::Create | Verb::Update | Verb::Patch => self.write(server, &printer),
            Verb::Delete => self.delete(server, &printer),
            Verb::DeleteCollection => self.delete_collection(server, &printer),
        }
    }

    /// Makes sure that what is addressed can be used so.
    fn check_method(&self) -> Result<(), StatusError> {
        let kind = self.kind;
        let has_name = self.target.name.is_some();
        let is_placed = !kind.namespaced || self.target.namespace.is_some();
        let is_allowed = match (self.verb, self.target.subresource) {
            (verb, subresource) if is_review(kind) => verb == Verb::Create && subresource.is_none() && !has_name,
            (Verb::Create, Some("binding" | "token")) | (Verb::Get, Some("log")) => true,
            (_, Some("binding" | "log" | "token")) => false,
            (Verb::Get | Verb::Update | Verb::Patch, Some(_)) => has_name,
            (_, Some(_)) => false,
            (Verb::Create, None) => !has_name && is_placed,
            (Verb::Update | Verb::Patch, None) => has_name,
            (Verb::DeleteCollection, None) => is_placed,
            (Verb::Get | Verb::List | Verb::Watch | Verb::Delete, None) => true,
        };
        if is_allowed { Ok(()) } else { Err(StatusError::method_not_allowed(Some(kind))) }
    }

    fn filter(&self) -> Result<Filter, StatusError> {
        let kind = self.kind;
        let mut filter = Filter::parse(kind, self.query.get("labelSelector"), self.query.get("fieldSelector"))?;
        // Cluster-scoped objects have an empty namespace, so a lookup of that key range suffices.
        let namespace = if kind.namespaced { self.target.namespace } else { Some("") };
        filter.namespace = namespace.map(str::to_owned);
        if let Some(name) = self.target.name {
            filter.name = Some(name.to_owned());
        }
        Ok(filter)
    }

    fn place(&self, server: &Inner, dry_run: bool) -> WriteContext<'_> {
        WriteContext {
            collection: self.collection,
            kind: self.kind,
            namespace: self.target.namespace.unwrap_or_default(),
            name: self.target.name.unwrap_or_default(),
            is_status: self.target.subresource == Some("status"),
            now: server.clock.now(),
            dry_run,
            is_strict: self.query.get("fieldValidation") == "Strict",
            gate: self.gate(),
        }
    }

    fn gate(&self) -> Option<Gate<'_>> {
        let (agent, verb, subresource) = (self.agent, self.verb, self.target.subresource);
        self.admitter.map(|admitter| Gate { admitter, agent, user: &self.user.name, verb, subresource })
    }

    fn get(&self, server: &Inner, printer: &Printer) -> Answer {
        let place = self.place(server, false);
        let store = server.store();
        list::check_version(&store, self.query.version()?)?;
        let object = Arc::clone(place.find(&store)?);
        drop(store);
        Ok(Reply::full(200, printer.object(&object)))
    }

    /// The output of a pod's container.
    fn log(&self, server: &Inner) -> Answer {
        let place = self.place(server, false);
        let pod = Arc::clone(place.find(&server.store())?);
        let tail = self.query.number("tailLines")?;
        Ok(Reply::text(server.pod_logs.read(&pod.value, self.query.get("container"), tail)?))
    }

    fn list(&self, server: &Inner, printer: &Printer) -> Answer {
        let filter = self.filter()?;
        let list = list::list(&server.store(), self.collection, &filter, self.query)?;
        Ok(Reply::full(200, list.print(printer)))
    }

    fn write(&self, server: &Inner, printer: &Printer) -> Answer {
        let place = self.place(server, self.query.dry_run(self.verb)?);
        self.query.field_validation(self.verb)?;
        let headers = &self.parts.headers;
        if self.verb == Verb::Patch {
            let patch = Patch::parse(self.kind, negotiate::content_type(headers), self.body)?;
            let object = patch::patch(&mut server.store(), &place, &patch)?;
            server.refresh();
            return Ok(Reply::full(200, printer.object(&object)));
        }
        let mut body: Value = negotiate::decode(headers, self.body, self.kind.name)?;
        if matches!(self.target.subresource, Some("binding" | "token")) {
            place.admit(place.name, Some(&body), None)?;
        }
        if self.target.subresource == Some("binding") {
            let status = bind::bind(&mut server.store(), &place, &body)?;
            return Ok(Reply::full(201, status.to_string()));
        }
        if self.target.subresource == Some("token") {
            return Ok(Reply::full(201, tokens::request(server, &place, &body)?.to_string()));
        }
        if is_review(self.kind) {
            write::check_types(self.kind, &mut body)?;
            prune_and_default(&place, &mut body)?;
            let answer = reviews::answer(&server.store(), self.user, self.kind, body)?;
            return Ok(Reply::full(201, answer.to_string()));
        }
        match self.verb {
            Verb::Create => self.check_strategy(server, &body)?,
            _ => self.check_creation(server, &place)?,
        }
        let (object, is_new) = match self.verb {
            Verb::Create => (write::create(&mut server.store(), &place, body)?, true),
            _ => write::replace(&mut server.store(), &place, body)?,
        };
        server.refresh();
        Ok(Reply::full(if is_new { 201 } else { 200 }, printer.object(&object)))
    }

    /// Makes sure that who updates what is not there, which creates it, may create it.
    fn check_creation(&self, server: &Inner, place: &WriteContext<'_>) -> Result<(), StatusError> {
        if !self.kind.create_on_update || server.store().get(self.collection, &place.key()).is_some() {
            return Ok(());
        }
        let update = Attributes::of(self.parts, Some(self.target), self.query);
        authorize(server, self.user, &Attributes { verb: Verb::Create.as_str(), ..update })
    }

    /// Makes sure that who creates a Build may use its strategy, which OpenShift asks for beside.
    fn check_strategy(&self, server: &Inner, build: &Value) -> Result<(), StatusError> {
        if self.kind.name != BUILD {
            return Ok(());
        }
        let strategy = meta::text(&build["spec"]["strategy"], "type");
        let name = meta::metadata(build, "name");
        let creation = Attributes::of(self.parts, Some(self.target), self.query);
        let attributes = Attributes { subresource: &strategy.to_lowercase(), name, ..creation };
        authorize(server, self.user, &attributes)
            .map_err(|_| StatusError::forbidden(self.kind, name, &format!("build strategy {strategy} is not allowed")))
    }

    fn delete(&self, server: &Inner, printer: &Printer) -> Answer {
        let options = self.delete_options()?;
        let place = self.place(server, delete::is_dry_run(&options));
        let deleted = gc::delete(&mut server.store(), &place, &options)?;
        server.refresh();
        Ok(match deleted {
            Deleted::Gone(status) => Reply::full(200, status.to_string()),
            Deleted::Object(object) => Reply::full(200, printer.object(&object)),
        })
    }

    fn delete_collection(&self, server: &Inner, printer: &Printer) -> Answer {
        let options = self.delete_options()?;
        let place = self.place(server, delete::is_dry_run(&options));
        let filter = self.filter()?;
        let mut store = server.store();
        let list = list::list(&store, self.collection, &filter, self.query)?;
        // All of them are tried before the first is deleted, so that a refusal leaves all of them.
        for dry_run in [true, place.dry_run] {
            for key in list.keys() {
                let place = WriteContext { namespace: &key.namespace, name: &key.name, dry_run, ..place };
                match gc::delete(&mut store, &place, &options) {
                    // One that an earlier one took along is no failure.
                    Err(failure) if failure.code != 404 => return Err(failure),
                    _ => {}
                }
            }
        }
        drop(store);
        server.refresh();
        Ok(Reply::full(200, list.print(printer)))
    }

    fn delete_options(&self) -> Result<DeleteOptions, StatusError> {
        let body = match self.body.is_empty() {
            true => Value::Null,
            false => negotiate::decode(&self.parts.headers, self.body, "DeleteOptions")?,
        };
        delete::options(body, self.query)
    }
}
