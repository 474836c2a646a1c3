//! The front for clients in the same process.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::{HeaderValue, USER_AGENT};
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use tower::{BoxError, Service};

use super::body::ResponseBody;
use super::state::ApiServer;
use super::user::User;

/// A connection to an API server in the same process, as kube's client wants it.
#[derive(Clone)]
pub struct InProcess {
    server: ApiServer,
    agent: Option<HeaderValue>,
    user: Option<User>,
}

impl ApiServer {
    /// A client in the same process, that calls itself `user_agent`. Needs a runtime to be made and used in.
    pub fn client(&self, user_agent: &str) -> kube::Client {
        kube::Client::new(self.service().with_agent(user_agent), "default")
    }

    /// The service that a client in the same process talks to.
    pub fn service(&self) -> InProcess {
        InProcess { server: self.clone(), agent: None, user: None }
    }
}

impl InProcess {
    /// The same connection, for a client of this name; a request that names its client keeps that name.
    #[must_use]
    pub fn with_agent(self, agent: &str) -> Self {
        Self { agent: HeaderValue::from_str(agent).ok(), ..self }
    }

    /// The same connection, for a user who may do what rules allow; without one, everything is allowed.
    #[must_use]
    pub fn as_user(self, user: User) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Whether the server at the other end is there.
    pub fn is_up(&self) -> bool {
        self.server.is_up()
    }
}

impl Service<Request<Body>> for InProcess {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(agent) = &self.agent {
            request.headers_mut().entry(USER_AGENT).or_insert_with(|| agent.clone());
        }
        if let Some(user) = &self.user {
            request.extensions_mut().insert(user.clone());
        }
        let server = self.server.clone();
        Box::pin(async move {
            server.up().await;
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(server.handle(Request::from_parts(parts, body)))
        })
    }
}
