//! A bearer token in a file, which the kubelet or another program replaces before it expires.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio::time::Instant;

/// How long a token is taken to be the one that is in the file.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A file with a token; copies share what was read last.
#[derive(Clone)]
pub(super) struct TokenFile {
    path: Arc<Path>,
    last: Arc<Mutex<(HeaderValue, Instant)>>,
}

/// There is no token in the file.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("failed to read the token file {0} that the kubeconfig names")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It holds something else.
    #[error(
        "the token file {0} that the kubeconfig names holds no token: it has to be one line of printable characters"
    )]
    Malformed(PathBuf),
}

impl TokenFile {
    /// The token that is in the file now.
    pub(super) fn open(path: impl Into<PathBuf>) -> Result<Self, TokenFileError> {
        let path = path.into();
        let header = read(&path)?;
        Ok(Self { path: path.into(), last: Arc::new(Mutex::new((header, Instant::now()))) })
    }

    /// Puts the token into a request. If it cannot be read again, the last one goes on being used.
    pub(super) fn authorize(&self, headers: &mut HeaderMap) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.elapsed() >= READ_AGAIN_AFTER {
            match read(&self.path) {
                Ok(header) => last.0 = header,
                Err(error) => tracing::warn!(error = crate::causes::with_causes(&error), "the token is an old one"),
            }
            last.1 = Instant::now();
        }
        headers.insert(AUTHORIZATION, last.0.clone());
    }
}

/// The token, without the line break that most programs write after it.
fn read(path: &Path) -> Result<HeaderValue, TokenFileError> {
    let text = std::fs::read_to_string(path).map_err(|error| TokenFileError::Unreadable(path.into(), error))?;
    let token = Some(text.trim()).filter(|token| !token.is_empty());
    let header = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
    let mut header = header.ok_or_else(|| TokenFileError::Malformed(path.into()))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(file: &TokenFile) -> String {
        let mut headers = HeaderMap::new();
        file.authorize(&mut headers);
        headers[AUTHORIZATION].to_str().unwrap().to_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_read_again_and_its_line_break_is_not_sent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "first\n").unwrap();
        let file = TokenFile::open(&path).unwrap();
        assert_eq!(sent(&file), "Bearer first");
        std::fs::write(&path, "second\r\n").unwrap();
        assert_eq!(sent(&file), "Bearer first");
        tokio::time::advance(READ_AGAIN_AFTER).await;
        assert_eq!(sent(&file), "Bearer second");
        std::fs::remove_file(&path).unwrap();
        tokio::time::advance(READ_AGAIN_AFTER).await;
        assert_eq!(sent(&file), "Bearer second");
    }

    #[test]
    fn a_file_without_a_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        assert!(TokenFile::open(&path).err().unwrap().to_string().starts_with("failed to read the token file"));
        for text in ["", "\n", "two\nlines"] {
            std::fs::write(&path, text).unwrap();
            assert!(TokenFile::open(&path).err().unwrap().to_string().contains("holds no token"), "{text:?}");
        }
    }
}
