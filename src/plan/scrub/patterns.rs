//! Credentials that are told by what stands around them: no Secret knows them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::needles::{decode, runs};

/// What names of variables, fields and parameters say of their values. Names may have more before and after it.
const NAME: &str = "[a-z0-9_.-]*(?:passw(?:or)?d|passphrase|token|secret|credential|signature|api[_-]?key|\
    access[_-]?key|auth[_-]?key|private[_-]?key|activation[_-]?key|encryption[_-]?key|[_-]pass|[_-]pwd|[_-]auth)\
    [a-z0-9_.-]*";
/// A value in quotes, or up to white space.
const VALUE: &str = r#"(?:"((?:\\.|[^"\\\r\n])*)|'([^'\r\n]*)|((?:\\.|[^\s"'\\=]|"[a-z0-9$][^"\s]*"|'[a-z0-9$][^'\s]*')(?:\\.|[^\s"'\\]|"[a-z0-9$][^"\s]*"|'[a-z0-9$][^'\s]*')*))"#;
/// Commands that take a password by `-p` or `-w`.
const LOGINS: &str = "login|register|sshpass|useradd|usermod|mysql|mysqldump|mariadb|htpasswd|ldapsearch";

/// Shortest base64 in which a file with credentials is looked for, in digits.
const FILE_DIGITS_MIN: usize = 24;

/// A pattern, whose groups are what must not be shown, and what looks like it and is none.
struct Pattern {
    regex: Regex,
    is_harmless: fn(&[u8], &Range<usize>) -> bool,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let name = NAME;
    let value = VALUE;
    let never: fn(&[u8], &Range<usize>) -> bool = |_, _| false;
    let all = [
        // Headers.
        (
            r#"\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["'\[]*\s*(digest\s[^\r\n]+|(?:(?:basic|bearer|token|negotiate|ntlm)\s+)?[^\s"'\]\\][^\r\n"'\]\\]*)"#.to_owned(),
            never,
        ),
        (
            r#"\b(?:x-[a-z-]*(?:token|key|secret|auth)[a-z-]*|private-token|job-token|(?:set-)?cookie)\s*:\s+([^\r\n"'\\]+)"#.to_owned(),
            never,
        ),
        (r"\b(?:bearer|basic)\s+([a-z0-9._~+/-]{8,}=*)".to_owned(), is_of_challenge as fn(&[u8], &Range<usize>) -> bool),
        // Parameters of addresses.
        (
            format!(r#"[?&;](?:{name}|sig|key|auth|jwt|pass|pwd|awsaccesskeyid)=([^&\s"'<>\\#]+)"#),
            never,
        ),
        (r#"(?:^|[\s"'=])([a-z0-9_.$-]+:[^\s"'@/:]+)@[a-z0-9\[]"#.to_owned(), is_of_image),
        // Variables, fields and options.
        (format!(r"(?:^|[^a-z0-9_.&?;-])(?:{name}|pass|passwd|pwd)\s*:?=\s*{value}"), is_path),
        (
            format!(r#"["'](?:{name}|auth|pass|pwd)["']\s*:\s*(?:"((?:\\.|[^"\\])+)|'([^']+))"#),
            is_name,
        ),
        (format!(r#"(?m)^[\s-]*(?:{name}|auth|pass|pwd)[ \t]*:[ \t]+(?:"([^"\r\n]+)|'([^'\r\n]+)|([^\s"'\[{{]+)[ \t]*\r?$)"#), is_name),
        (r#"\b(?:password|passwd|passphrase)\s*:\s+["']?([^\s"',;]+)"#.to_owned(), is_word),
        (
            r#"(?-i)\b[A-Za-z]*(?:Password|Passwd|Token|Secret|Auth|SecretKey|AccessKey|PrivateKey):\\*"?([^\s"{}\[\],\\]+)"#.to_owned(),
            is_name,
        ),
        (format!(r#"(?:^|[\s"',\[])--?{name}(?:["'],?\s*|=|\s+){value}"#), is_option),
        (format!(r#"\b(?:{LOGINS})\b[^\r\n|;&]*?[\s"',](?-i:-[pw])["',=\s]*{value}"#), never),
        (
            r#"(?:^|[\s"',])(?:-u|--(?:proxy-)?user|--(?:src-|dest-|s|d)?creds)["',=\s]*([^\s"':=,]+:[^\s"']+)"#.to_owned(),
            is_of_ids,
        ),
        (r"\blogin\s+\S+\s+password\s+(\S+)".to_owned(), never),
        (
            r"\b(?:echo|printf)\s+([^\r\n|]+?)\s*\|\s*(?:sudo\s+)?(?:\S*chpasswd|passwd|(?:docker|podman|buildah|skopeo|helm|oras)\s[^\r\n|]*login)".to_owned(),
            never,
        ),
        // The environment of a build step, as buildah prints it.
        (
            r#"(?sm)\benv"?\s*:\s*(?:\[\]string\s*\{|\[)(.*?)(?:\]\s*command:|\]\s+(?-i:[A-Z][A-Za-z]*):|\}\s*,\s*(?-i:[A-Z][A-Za-z]*):|\]\s*[,}]|[\]}]\s*$|\z)"#.to_owned(),
            never,
        ),
        // Keys, and tokens that begin like no word.
        (
            r"(?s)(-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|\z))".to_owned(),
            never,
        ),
        (r"((?:[a-z0-9+/=]{16,}(?:\s|\\[nr])+)*[a-z0-9+/=]*(?:\s|\\[nr])*-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----)".to_owned(), never),
        (r"\b((?-i:eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*))".to_owned(), never),
        (
            r"\b((?-i:gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|gl[a-z]{2,6}-[A-Za-z0-9_.-]{16,}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}|ya29\.[A-Za-z0-9_.-]+|AIza[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{16,}|xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}|hv[sbr]\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|sk_live_[A-Za-z0-9]{16,}|sha256~[A-Za-z0-9_-]{16,}))".to_owned(),
            never,
        ),
    ];
    let compile = |regex: &str| Regex::new(&format!("(?i-u){regex}")).expect("patterns are constants");
    all.into_iter().map(|(regex, is_harmless)| Pattern { regex: compile(&regex), is_harmless }).collect()
});

/// Adds what looks like a credential.
pub(super) fn find(text: &[u8], found: &mut Vec<Range<usize>>) {
    found.extend(matches(text));
    for run in runs(text).into_iter().filter(|run| run.len() >= FILE_DIGITS_MIN) {
        let decoded = decode(&text[run.clone()]);
        if decoded.starts_with(b"{") && matches(&decoded).next().is_some() {
            found.push(run);
        }
    }
}

fn matches(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let groups = move |pattern: &'static Pattern| {
        let captures = pattern.regex.captures_iter(text);
        captures.flat_map(move |captures| {
            let whole = captures.get(0).map(|whole| whole.range()).unwrap_or_default();
            let groups = captures.iter().skip(1).flatten().map(|group| group.range());
            groups.filter(|group| !(pattern.is_harmless)(text, &(whole.start..group.end))).collect::<Vec<_>>()
        })
    };
    PATTERNS.iter().flat_map(groups)
}

/// The value at the end of a match, and what stands before it.
fn split<'t>(text: &'t [u8], part: &Range<usize>, is_between: fn(&u8) -> bool) -> (&'t [u8], &'t [u8]) {
    let matched = &text[part.clone()];
    let at = matched.iter().position(is_between).unwrap_or(0);
    let (name, rest) = matched.split_at(at);
    let value = rest.iter().position(|byte| !b"\\\"':= \t[".contains(byte)).map_or(&rest[..0], |at| &rest[at..]);
    (name, value)
}

fn ends_with(name: &[u8], words: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_ascii_end();
    let name = name.strip_suffix(b"\"").or_else(|| name.strip_suffix(b"'")).unwrap_or(name);
    words.iter().any(|word| name.ends_with(word.as_bytes()))
}

/// The name of a Secret, or of a file.
fn is_name(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, part, |byte| *byte == b':');
    ends_with(name, &["name"]) || is_file(name, value)
}

fn is_path(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, part, |byte| *byte == b'=');
    ends_with(name, &["name"]) || is_file(name, value)
}

fn is_file(name: &[u8], value: &[u8]) -> bool {
    ends_with(name, &["file", "path", "dir"]) && value.starts_with(b"/")
}

/// A build secret is named by an option, and a file by another; neither says what is in it.
fn is_option(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, &(part.start + 1..part.end), |byte| b"= \t".contains(byte));
    value.starts_with(b"id=") || ends_with(name, &["name", "-stdin"]) || is_file(name, value)
}

/// A word of a language, as far as that can be told: letters alone, of which only the first may be large.
fn is_word(text: &[u8], part: &Range<usize>) -> bool {
    const BYTES_MAX: usize = 20;
    let (_, value) = split(text, part, |byte| byte.is_ascii_whitespace());
    let value = value.trim_ascii();
    value.len() < BYTES_MAX
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value[1..].iter().all(u8::is_ascii_lowercase)
}

/// A part of a challenge, or a word: `Bearer realm="…"`, `Basic authentication`.
fn is_of_challenge(text: &[u8], part: &Range<usize>) -> bool {
    let is_parameter = text[part.clone()].ends_with(b"=") && matches!(text.get(part.end), Some(b'"' | b'\\'));
    is_parameter || is_word(text, part)
}

/// The tag of an image that is named by digest too, or an address of mail after a word.
fn is_of_image(text: &[u8], part: &Range<usize>) -> bool {
    let after = text.get(part.end + 1..).unwrap_or_default();
    after.starts_with(b"sha256:") || after.starts_with(b"sha512:") || text[part.clone()].ends_with(b"mailto")
}

/// Numbers of a user and a group.
fn is_of_ids(text: &[u8], part: &Range<usize>) -> bool {
    let value = text[part.clone()].rsplit(|byte| b" \t=\"',".contains(byte)).next().unwrap_or_default();
    value.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
}
