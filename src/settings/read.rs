//! Settings from YAML: a file's, or a flag's.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::Settings;

/// Why a file has no settings.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("failed to read {0}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is no YAML, or there is something in it that is no setting.
    #[error("failed to read {0} as settings: {1}")]
    Malformed(PathBuf, String),
}

/// The settings in a file, unchecked.
///
/// # Errors
/// If there are none; what is wrong is told with its field and line.
pub fn read(path: &Path) -> Result<Settings, ReadError> {
    let text = std::fs::read_to_string(path).map_err(|error| ReadError::Unreadable(path.into(), error))?;
    parse(&text).map_err(|error| ReadError::Malformed(path.into(), error))
}

/// What a text says; the default if it says nothing.
///
/// # Errors
/// What is wrong with it, with its field and line.
pub fn parse<T: DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    // Lines of the text are not quoted: there may be a proxy's password in one.
    let options = serde_saphyr::options! { with_snippet: false };
    let mut field = String::new();
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        serde_path_to_error::deserialize::<_, Option<T>>(deserializer).map_err(|error| {
            field = error.path().to_string();
            error.into_inner()
        })
    });
    let said =
        read.map_err(
            |error| if field.is_empty() || field == "." { error.to_string() } else { format!("{field}: {error}") },
        )?;
    Ok(said.unwrap_or_default())
}
