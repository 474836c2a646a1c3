//! Classifies the answers of a registry, or of a proxy before it, from the error text of buildah; knows a full disk by it.
//!
//! The script of a build pod goes by the same rules, in `templates/common.sh`, where each is explained; a test holds
//! both to the same list of answers.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

/// Why a retry would not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The registry or proxy denies the request to these credentials, or to this client.
    Denied,
    /// What is asked for is not there, or cannot be taken.
    Hopeless,
}

const ANSWERED: &str = r"(?:status(?: ?code)?(?: from registry)?:?|parsing HTTP)";
const END: &str = r"(?::|\]|$)";
/// What begins the text of an answer whose code buildah does not know, to the start of a word in it.
const UNCODED: &str = r": unknown: .*\b";

const OUTAGE: &str = r"ANSWERED (?:408|425|429|50[0-689]|5[1-9][0-9])\b|: (?:toomanyrequests|too many requests|unavailable)\b|: unknown: unknown error$|UNCODED(?:rates?|throttl\w*|too many|temporar\w*|slow down|time(?:d)? ?out|deadline exceeded|connection (?:refused|reset)|no such host|EOF|bad gateway|internal(?: server)? error|unavailable)\b";
const FIXED_OR_FULL: &str = r"(?:^|[ ,])(?:immutable|immutability)(?:$|[ ,.])|cannot be overwritten|does not allow updating|configured upper limit|\bquota\b|read[- ]only mode";
const DENIAL: &str = r"(?:^|: )(?:unauthorized|denied)END|: unauthorized to access |(?:^|: )unable to retrieve auth token: invalid|: (?:forbidden|proxy authentication required)END|(?:^|: )authentication requiredEND|: requested access to the resource is denied|access to the (?:requested )?resource is (?:denied|not authorized)|ANSWERED 40[137]\b|UNCODED(?:not permitted|not allowed|not authorized|forbidden|permissions?|access denied|credentials?|authenticat\w*|unauthorized|token|username|password)\b";
const BUSY: &str = r"UNCODED(?:limit(?:s|ed)?|try again)\b";
const HOPELESS: &str = r"ANSWERED (?:4[0-9][0-9]|507)\b|: (?:name|manifest)[ _]unknownEND|: (?:name|manifest|tag) invalidEND|: unsupportedEND|: the operation is unsupported|: repository name not known to registry|: unknown: .|: (?:invalid repository name|manifest tag did not match URI)|: x509: |: http: server gave HTTP response to HTTPS client|: tls: (?:first record does not look like a TLS handshake|failed to verify certificate|handshake failure)|: tls: server selected unsupported protocol version|: remote error: tls: (?:bad certificate|certificate required|handshake failure|(?:unknown|expired|revoked|unsupported) certificate|unknown certificate authority|unrecognized name|protocol version not supported|access denied)|\binvalid reference format\b|did not resolve to an alias|: no image found in (?:image index|manifest list) for|: source image rejected: ";

/// The rules, in the order in which they are asked.
static RULES: LazyLock<[(Regex, Option<Verdict>); 5]> = LazyLock::new(|| {
    [
        (rule(OUTAGE), None),
        (rule(FIXED_OR_FULL), Some(Verdict::Hopeless)),
        (rule(DENIAL), Some(Verdict::Denied)),
        (rule(BUSY), None),
        (rule(HOPELESS), Some(Verdict::Hopeless)),
    ]
});

/// What may be the name of an image, host, blob or tag, and what is left in its place.
static NAMES: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    [
        (r#""[^"]*""#, ""),
        (r"(manifest|blob|layer) [^ ]+ (in|to|at) ", "$1 "),
        (r"'[^' ]*'", ""),
        (r"[^ ]*/[^ ]*[^ :]", "x"),
        (r"\b(in|at|registry|lookup) [^ ]*[.:][^ ]*[^ :]", "$1 x"),
    ]
    .map(|(text, left)| (Regex::new(text).expect("the pattern is a constant"), left))
});

fn rule(text: &str) -> Regex {
    let text = text.replace("ANSWERED", ANSWERED).replace("UNCODED", UNCODED).replace("END", END);
    RegexBuilder::new(&text).case_insensitive(true).build().expect("the pattern is a constant")
}

/// Why no further try mends an error, on one line; `None` if one may. Where mirrors were asked too, one that may answer
/// later is enough.
pub fn verdict(error: &str) -> Option<Verdict> {
    static MIRRORS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\(Mirrors also failed: (.*)\]\): ").expect("the pattern is a constant"));
    if let Some(found) = MIRRORS.captures(error) {
        of_one(&found[1])?;
        return of_one(&error[found.get(0)?.end()..]);
    }
    of_one(error)
}

/// Whether an output says that a disk, or a quota of one, has no room left, in the words of the kernel.
pub fn is_disk_full(output: &str) -> bool {
    let output = output.to_lowercase();
    ["no space left on device", "disk quota exceeded"].iter().any(|words| output.contains(words))
}

fn of_one(error: &str) -> Option<Verdict> {
    let said =
        NAMES.iter().fold(format!(": {error}"), |text, (name, left)| name.replace_all(&text, *left).into_owned());
    RULES.iter().find(|(rule, _)| rule.is_match(&said))?.1
}
