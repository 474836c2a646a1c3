//! Credentials that no Secret holds, recognised by their context.

mod harmless;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use self::harmless::{
    is_certificate, is_digits, is_instruction, is_name, is_of_challenge, is_of_ids, is_of_image, is_option, is_path,
    is_word,
};
use super::needles::{decode, runs};

/// What names of variables, fields and parameters say of their values. Names may have more before and after it.
const NAME: &str = "[a-z0-9_.-]*(?:passw(?:or)?d|passphrase|token|secret|credential|signature|api[_-]?key|\
    access[_-]?key|account[_-]?key|auth[_-]?key|deploy[_-]?key|master[_-]?key|preshared[_-]?key|private[_-]?key|\
    signing[_-]?key|activation[_-]?key|encryption[_-]?key|(?:db|root|user)pass|[_-]pass|[_-]pwd|[_-]auth|[_-]psk)\
    [a-z0-9_.-]*";
/// A value in quotes, over several lines if they are closed soon, or up to white space.
const VALUE: &str = r#"(?:"((?:\\.|[^"\\]){0,160})"|'([^']{0,160})'|"((?:\\.|[^"\\\r\n])*)|'([^'\r\n]*)|((?:\\.|[^\s"'\\=]|"[a-z0-9$][^"\s]*"|'[a-z0-9$][^'\s]*')(?:\\.|[^\s"'\\]|"[a-z0-9$][^"\s]*"|'[a-z0-9$][^'\s]*')*))"#;
/// Commands that take a password by `-p` or `-w`.
const LOGINS: &str = "login|register|sshpass|useradd|usermod|mysql|mysqldump|mariadb|htpasswd|ldapsearch";

/// Shortest base64 in which a file with credentials is looked for, in digits.
const FILE_DIGITS_MIN: usize = 24;

/// Whether a part of a text only looks like a credential. The part is a match up to the end of the value.
type Harmless = fn(&[u8], &Range<usize>) -> bool;

/// A pattern, whose groups are what must not be shown, and what looks like it and is none.
struct Pattern {
    regex: Regex,
    is_harmless: Harmless,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let name = NAME;
    let value = VALUE;
    let never: Harmless = |_, _| false;
    let all = [
        // Headers.
        (
            r#"\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["'\[]*\s*(digest\s[^\r\n]+|(?:(?:basic|bearer|token|negotiate|ntlm)\s+)?[^\s"'\]\\][^\r\n"'\]\\]*)"#.to_owned(),
            never,
        ),
        (
            r#"\b(?:x-[a-z-]*(?:token|key|secret|auth)[a-z-]*|x-jfrog-art-api|private-token|job-token|api-?key|ocp-apim-subscription-key|(?:set-)?cookie)\s*:\s*([^\s:"'\\][^\r\n"'\\]*)"#.to_owned(),
            never,
        ),
        (r"\b(?:bearer|basic)(?:\s*[:=]\s*|\s+)([a-z0-9._~+/-]{8,}=*)".to_owned(), is_of_challenge as Harmless),
        // Parameters of addresses.
        (
            format!(r#"[?&;](?:{name}|sig|key|auth|jwt|pass|pwd|awsaccesskeyid|hdnts|hmac)=([^&\s"'<>\\#]+)"#),
            never,
        ),
        (r#"[?&](?:verify|policy|code)=([^&\s"'<>\\#]+)"#.to_owned(), is_digits),
        (r#"(?:^|[\s"'(])(?:sig|hdnts|hmac)=([^&\s"'<>\\#]+)"#.to_owned(), never),
        (r#"(?:^|[\s"'=(\[<,])([a-z0-9_.$+-]+:[^\s"'@/:]+)@[a-z0-9\[]"#.to_owned(), is_of_image),
        // Variables, fields and options.
        (format!(r"(?:^|[^a-z0-9_.&?;-])(?:{name}|pass|passwd|pwd|psk)\s*:?=\s*{value}"), is_path),
        // Instructions of a Containerfile that need no equals sign.
        (format!(r#"(?m)(?:^|[:"'])[ \t]*(?:env|label|arg)[ \t]+["']?{name}["']?[ \t]+([^\s=][^\r\n]*)"#), is_instruction),
        // XML.
        (format!(r"<(?:[a-z0-9]+:)?(?:{name}|pass|pwd)(?:\s[^<>]*)?>([^<>]+)<"), never),
        (format!(r#"\bkey\s*=\s*["']{name}["']\s+value\s*=\s*["']([^"']+)"#), never),
        (
            format!(r#"["'](?:{name}|auth|pass|pwd)["']\s*:\s*(?:"((?:\\.|[^"\\])+)|'([^']+))"#),
            is_name,
        ),
        (format!(r#"(?m)^[\s-]*(?:{name}|auth|pass|pwd)[ \t]*:[ \t]+(?:"([^"\r\n]+)|'([^'\r\n]+)|([^\s"'\[{{]+)[ \t]*\r?$)"#), is_name),
        // Values in the lines after their names.
        (format!(r"(?m)^[\s-]*(?:{name}|auth|pass|pwd)[ \t]*:[ \t]*[|>][-+0-9]*[ \t]*\r?\n((?:[ \t]+[^\r\n]*(?:\r?\n|\z)|[ \t]*\r?\n)+)"), never),
        (format!(r#"(?m)^[\s-]*(?:{name}|auth|pass|pwd)[ \t]*:[ \t]*\r?\n[ \t]+["']?([^\s"':#-][^\r\n:]*)$"#), is_word),
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
        (format!(r"\b(?:chpasswd|passwd|login|gpg|cryptsetup)\b[^\r\n|;&]*?<<<\s*{value}"), never),
        (r"\bopenssl\s+passwd(?:\s+-(?:salt\s+\S+|[a-z0-9]+))*\s+([^\s|;&)-][^\r\n|;&)]*)".to_owned(), never),
        // With -b, the password is an argument.
        (r"\bhtpasswd(?:\s+-\S+)*?\s+-[a-z]*b[a-z]*(?:\s+-C\s*\d+|\s+-\S+)*\s+([^\s|;&-][^\r\n|;&]*)".to_owned(), never),
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
        // A key file in base64, which begins with `-----BEGIN `.
        (r"((?-i:LS0tLS1CRUdJTi)[a-z0-9+/=]+(?:(?:\s|\\[nr])+[a-z0-9+/]{16,}=*)*)".to_owned(), is_certificate),
        (r"\b((?-i:eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*))".to_owned(), never),
        (
            r"\b((?-i:gh[a-z]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|gl[a-z]{2,6}-[A-Za-z0-9_.-]{16,}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}|ya29\.[A-Za-z0-9_.-]+|AIza[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{16,}|xox[a-z]-[A-Za-z0-9-]{8,}|xapp-[A-Za-z0-9-]{8,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{16,}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}|hv[sbr]\.[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|SG\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|do[opr]_v1_[A-Za-z0-9]{16,}|AKCp[0-9][A-Za-z0-9]{10,}|ATATT3[A-Za-z0-9_=-]{16,}|AGE-SECRET-KEY-1[A-Za-z0-9]+|sha256~[A-Za-z0-9_-]{16,}))".to_owned(),
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
