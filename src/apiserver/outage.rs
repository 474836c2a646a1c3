//! An API server that is unavailable for a while, as during a restart.

use std::sync::atomic::Ordering;

use super::state::ApiServer;

impl ApiServer {
    /// Stops the server: watches end, and the stored changes are dropped. A client that resumes a watch from an earlier
    /// version gets 410 and has to list.
    ///
    /// Clients in the same process wait until the server is back, like clients that retry until they get an answer. A
    /// client that should be refused instead checks [`is_up`](Self::is_up) first.
    pub fn stop(&self) {
        self.0.is_away.store(true, Ordering::SeqCst);
        self.0.store().drop_changes();
    }

    /// The server is back.
    pub fn start(&self) {
        self.0.is_away.store(false, Ordering::SeqCst);
        self.0.back.notify_waiters();
    }

    /// Whether the server is there.
    pub fn is_up(&self) -> bool {
        !self.0.is_away.load(Ordering::SeqCst)
    }

    /// Waits until the server is there.
    pub(super) async fn up(&self) {
        while !self.is_up() {
            self.0.back.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::apiserver::{ResponseBody, ServerOptions};
    use crate::clock::Clock;

    fn watch(server: &ApiServer) -> ResponseBody {
        let request = Request::get("/api/v1/namespaces?watch=true&resourceVersion=1&timeoutSeconds=600");
        server.handle(request.body(Bytes::new()).unwrap()).into_body()
    }

    async fn line(body: &mut ResponseBody) -> Option<String> {
        let line = body.frame().await?.unwrap().into_data().unwrap();
        Some(String::from_utf8(line.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn watches_end_and_whoever_comes_back_has_to_list() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
        let server = ApiServer::new(ServerOptions::new(clock, 1));
        let mut before = watch(&server);
        for _ in 0..2 {
            assert!(line(&mut before).await.unwrap().contains("ADDED"));
        }
        let rest = tokio::spawn(async move { line(&mut before).await });
        tokio::task::yield_now().await;
        server.stop();
        assert_eq!(rest.await.unwrap(), None);
        assert!(!server.is_up());
        server.start();
        assert!(server.is_up() && line(&mut watch(&server)).await.unwrap().contains("\"code\":410"));
    }
}
