//! Pull specs: where an image is, or where it is to go.

use std::sync::LazyLock;

use regex::Regex;

/// Why a pull spec cannot be used; a sentence's end, for a fault's `problem`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullspecError {
    /// It does not follow the grammar of image references.
    #[error("{0:?} is not an image reference ({1})")]
    Malformed(String, &'static str),
    /// It has no registry host, and would be looked for wherever the reader's defaults say.
    #[error("{0:?} does not begin with a registry host")]
    NoRegistry(String),
    /// It names a digest, which nothing can be pushed to.
    #[error("{0:?} names a digest, and an image cannot be pushed to a digest")]
    Digested(String),
}

/// The grammar of image references (distribution/reference), in parts: a host, a path, a tag and a digest.
///
/// The host is one only if it has a dot or a port or is `localhost`: without, `org/os` is a path at whatever registry
/// the reader's defaults say. In ASCII throughout: with Unicode's letters in it, the repetitions of a tag's characters
/// alone make an automaton of 15 MB.
const GRAMMAR: &str = r"(?x-u)^
    (?: (?<host> (?: [a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])? (?: \. [a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])? )*
                   | \[ [a-fA-F0-9:]+ \] )
                 (?: : [0-9]+ )? ) / )??
    (?<path> [a-z0-9]+ (?: (?: \. | __? | -+ ) [a-z0-9]+ )* (?: / [a-z0-9]+ (?: (?: \. | __? | -+ ) [a-z0-9]+ )* )* )
    (?: : (?<tag> [a-zA-Z0-9_] [a-zA-Z0-9_.-]{0,127} ) )?
    (?: @ (?<digest> sha256: [a-f0-9]{64} | sha512: [a-f0-9]{128} ) )?
$";

/// Longest name of a repository, its registry included, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// An image reference, as it is written.
struct Reference<'t> {
    /// The registry and the path in it.
    name: &'t str,
    has_registry: bool,
    has_digest: bool,
}

impl<'t> Reference<'t> {
    fn parse(text: &'t str) -> Result<Self, PullspecError> {
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new(GRAMMAR).expect("the grammar is a constant"));
        let malformed = |why| PullspecError::Malformed(text.to_owned(), why);
        let captures = PATTERN.captures(text).ok_or_else(|| malformed(why_not(text)))?;
        let end = captures.name("path").map_or(0, |path| path.end());
        if end > NAME_BYTES_MAX {
            return Err(malformed("its name is longer than 255 bytes"));
        }
        let name = &text[..end];
        let (first, rest) = name.split_once('/').unwrap_or(("", name));
        let has_registry = !rest.is_empty() && (first == "localhost" || first.contains(['.', ':']));
        Ok(Self { name, has_registry, has_digest: captures.name("digest").is_some() })
    }
}

/// What most likely keeps a text from being an image reference.
fn why_not(text: &str) -> &'static str {
    if text.contains("://") {
        "leave out the scheme"
    } else if text.contains(char::is_whitespace) {
        "there is white space in it"
    } else if text.contains('@') {
        "after the @ there has to be sha256: and 64 lower-case hex digits"
    } else if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        "the repository has to be in lower case"
    } else {
        "write registry-host/repository:tag"
    }
}

/// Checks an image to build from, which may be named by tag or by digest.
pub fn check_image(text: &str) -> Result<(), PullspecError> {
    Reference::parse(text).map(drop)
}

/// Checks an image that is to be read from the registry that it names.
pub fn check_located_image(text: &str) -> Result<(), PullspecError> {
    if Reference::parse(text)?.has_registry {
        return Ok(());
    }
    Err(PullspecError::NoRegistry(text.to_owned()))
}

/// The repository, `registry/name`, of an image to push to; its tag is for the build to choose.
///
/// # Errors
/// If the text is no image reference, or has a digest or no registry.
///
/// ```
/// use machine_os_builder::reconcile::inputs::image_ref::repository;
///
/// assert_eq!(repository("registry.example.com:5000/fleet/os:latest")?, "registry.example.com:5000/fleet/os");
/// assert!(repository("fleet/os").is_err(), "an image to push to names its registry");
/// # Ok::<(), machine_os_builder::reconcile::inputs::image_ref::PullspecError>(())
/// ```
pub fn repository(text: &str) -> Result<String, PullspecError> {
    let reference = Reference::parse(text)?;
    if reference.has_digest {
        return Err(PullspecError::Digested(text.to_owned()));
    }
    if !reference.has_registry {
        return Err(PullspecError::NoRegistry(text.to_owned()));
    }
    Ok(reference.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_pullspec_without_its_tag() {
        for (text, expected) in [
            ("registry.test/org/os:latest", "registry.test/org/os"),
            ("registry.test/org/os", "registry.test/org/os"),
            ("registry.test:5000/os:v1", "registry.test:5000/os"),
            ("localhost/os", "localhost/os"),
            ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c"),
            ("[::1]:5000/os:x", "[::1]:5000/os"),
            ("REG.test/a__b/c--d.e:T_.-", "REG.test/a__b/c--d.e"),
        ] {
            assert_eq!(repository(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_pushed_to_is_refused() {
        let digested = format!("registry.test/os@sha256:{}", "0".repeat(64));
        assert!(matches!(repository(&digested), Err(PullspecError::Digested(_))));
        let both = format!("registry.test/os:v1@sha256:{}", "0".repeat(64));
        assert!(matches!(repository(&both), Err(PullspecError::Digested(_))));
        for text in ["os", "org/os:latest", "ubuntu:22.04"] {
            assert!(matches!(repository(text), Err(PullspecError::NoRegistry(_))), "{text}");
        }
        for text in [
            "",
            " ",
            "registry.test/",
            "registry.test/OS",
            "https://registry.test/os",
            "registry.test/os:bad tag",
            "a b/c",
            "registry.test/a..b",
            "registry.test/a___b",
            "registry.test/-a",
            "registry.test//a",
            "registry.test/os:täg",
            "registry.test/os@sha256:0a",
            &format!("registry.test/os:{}", "t".repeat(129)),
            &format!("registry.test/{}", "a".repeat(250)),
        ] {
            assert!(matches!(repository(text), Err(PullspecError::Malformed(..))), "{text:?}");
        }
    }
}
