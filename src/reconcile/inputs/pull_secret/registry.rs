//! The keys of entries: which registry, or path in one, an entry is for.
//!
//! buildah takes the entry of `host/path` for what is below that path, and one of `http://` or `https://` for the whole
//! host, whatever path follows. The kubelet reads more than that: patterns, and paths below the API's `/v1/` and `/v2/`.

use std::borrow::Cow;

/// Most that is quoted of a name, in bytes.
const NAME_SHOWN_BYTES_MAX: usize = 100;
/// Names of Docker Hub's API, which no image has.
const HUB_API: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// The key as buildah looks for it, or why it never does.
pub(super) fn canonical_key(key: &str) -> Result<Cow<'_, str>, String> {
    let Some((scheme, address)) = key.split_once("://") else { return path_key(key) };
    let schemes = ["http", "https"];
    if !schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("it is an address of a kind that buildah does not read; name the host alone".into());
    }
    let host = address.split('/').next().unwrap_or(address);
    check_host(host)?;
    // buildah knows the scheme in small letters alone.
    Ok(if schemes.contains(&scheme) { key.into() } else { host.into() })
}

fn path_key(key: &str) -> Result<Cow<'_, str>, String> {
    if key.starts_with("//") {
        return Err("it begins with slashes; name the host alone".into());
    }
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    check_host(host)?;
    let path = path.trim_end_matches('/');
    let path = match path.split_once('/') {
        Some(("v1" | "v2", below)) => below,
        None if path == "v1" || path == "v2" => "",
        _ => path,
    };
    if path.contains(['*', '?', '[']) {
        return Err(PATTERN.into());
    }
    if path.contains([':', '@']) {
        return Err("it has a tag or a digest, and buildah reads none there; name the repository alone".into());
    }
    if path.contains(is_blank) || path.split('/').any(str::is_empty) && !path.is_empty() {
        return Err("it is no path in a registry".into());
    }
    if path.is_empty() {
        return Ok(host.into());
    }
    let host = if HUB_API.contains(&host) { "docker.io" } else { host };
    let canonical = format!("{host}/{path}");
    Ok(if canonical == key { key.into() } else { canonical.into() })
}

const PATTERN: &str = "it is for more than one host, which buildah does not read; write one entry for each";

fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn check_host(host: &str) -> Result<(), String> {
    let is_ipv6 = host.starts_with('[') && host.contains(':');
    if host.contains('@') {
        return Err("it has a user in it, who is no part of a registry's name; name the host alone".into());
    }
    if host.is_empty() || host.contains(is_blank) {
        return Err("it is not named by a registry host".into());
    }
    // What follows a question mark may also be the query of an address.
    if host.contains('?') {
        return Err(
            "it has a question mark in it, and buildah reads neither patterns nor queries; name the host".into()
        );
    }
    if host.contains('*') || host.contains('[') && !is_ipv6 {
        return Err(PATTERN.into());
    }
    if host.contains('#') {
        return Err("it is not named by a registry host".into());
    }
    Ok(())
}

/// A name of a user's, quoted as far as it may be looked at: who logs in may stand before the host, and a token after a
/// question mark.
pub(super) fn shown(name: &str) -> String {
    let (mark, public) = name.rsplit_once('@').map_or(("", name), |(_, after)| ("…@", after));
    let public = public.split(['?', '#']).next().unwrap_or(public);
    let end = public.floor_char_boundary(NAME_SHOWN_BYTES_MAX);
    format!("{:?}", format!("{mark}{}", &public[..end]))
}
