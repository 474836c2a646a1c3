//! Why errors happened.

use std::error::Error;

use kube::runtime::watcher;

/// The most of what a server says that is repeated: it may be a page of HTML.
const WORDS_MAX: usize = 300;

/// An error and its causes, on one line; some of other crates' errors quote their causes themselves.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(cause(error), |error| cause(*error));
    causes.fold(words(error), |line, cause| match words(cause) {
        known if line.contains(&known) => line,
        cause => format!("{line}: {cause}"),
    })
}

/// What an error says of itself. That of kube is for its developers, where the API server has said what there is to say.
fn words(error: &(dyn Error + 'static)) -> String {
    if let Some(watch) = error.downcast_ref::<watcher::Error>() {
        return words_of_watch(watch);
    }
    let Some(status) = refusal(error) else {
        return match kube_error(error) {
            Some(kube::Error::Service(error)) => error.to_string(),
            _ => error.to_string(),
        };
    };
    let said = one_line(&status.message);
    let reason = if status.reason.is_empty() || status.reason == NO_STATUS { "an answer" } else { &status.reason };
    if said.is_empty() { format!("{reason} with code {}", status.code) } else { said }
}

/// What a watch says of itself: that of kube quotes its cause as developers read it.
fn words_of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(_) => "failed to list".to_owned(),
        watcher::Error::WatchStartFailed(_) | watcher::Error::WatchFailed(_) => "failed to watch".to_owned(),
        watcher::Error::WatchError(status) => one_line(&status.message),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

/// The reason by which kube marks an answer that it has made a status of itself.
const NO_STATUS: &str = "Failed to parse error data";

/// Whether a status is an API server's, and says what went wrong: others hold a page, or nothing.
pub fn is_said(status: &kube::core::Status) -> bool {
    status.reason != NO_STATUS && !status.message.trim().is_empty()
}

/// The API server's own words are the last cause.
fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let is_said = matches!(error.downcast_ref(), Some(watcher::Error::WatchError(_)));
    if is_said || refusal(error).is_some() { None } else { error.source() }
}

/// What the API server has said, where that is what went wrong.
fn refusal<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e kube::core::Status> {
    match kube_error(error)? {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}

fn kube_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e kube::Error> {
    let boxed = || error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
    error.downcast_ref().or_else(boxed)
}

/// A text on one line, and no more of it than can be read.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to list pods")]
    struct Outer(#[source] Box<kube::Error>);

    fn outer(message: &str, reason: &str, code: u16) -> String {
        let status = Status::failure(message, reason).with_code(code);
        with_causes(&Outer(Box::new(kube::Error::Api(status.boxed()))))
    }

    #[test]
    fn causes_are_told_once() {
        let inner = std::io::Error::other("the disk is full");
        let error = kube::Error::ReadEvents(std::io::Error::other(inner));
        assert_eq!(with_causes(&error).matches("the disk is full").count(), 1);
    }

    #[test]
    fn what_an_api_server_says_is_told_once_and_without_the_rest_of_it() {
        let said = "pods is forbidden: User \"viewer\" cannot list resource \"pods\"";
        assert_eq!(outer(said, "Forbidden", 403), format!("failed to list pods: {said}"));
        assert_eq!(outer("", "Unauthorized", 401), "failed to list pods: Unauthorized with code 401");
        assert_eq!(outer("", NO_STATUS, 502), "failed to list pods: an answer with code 502");
    }

    #[test]
    fn a_watch_that_fails_says_so_in_words_for_people() {
        let status = || Status::failure("the server is unavailable", "ServiceUnavailable").with_code(503).boxed();
        let list = watcher::Error::InitialListFailed(kube::Error::Api(status()));
        assert_eq!(with_causes(&list), "failed to list: the server is unavailable");
        assert_eq!(with_causes(&watcher::Error::WatchError(status())), "the server is unavailable");
    }

    #[test]
    fn a_page_is_cut_to_a_line() {
        let line = outer(&"<html>\n  <body>ü\n".repeat(100), NO_STATUS, 502);
        assert!(line.ends_with('…') && !line.contains('\n') && line.chars().count() < 400, "{line}");
    }
}
