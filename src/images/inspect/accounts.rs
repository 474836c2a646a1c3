//! Users and groups of an image, by name (passwd(5), group(5)).

use std::collections::HashMap;

use crate::images::{NodeKind, Tree};

/// Where they are; the second of a pair is where ostree-based systems keep their own (nss-altfiles).
pub(super) const PATHS: [&str; 4] = ["/etc/passwd", "/usr/lib/passwd", "/etc/group", "/usr/lib/group"];

/// The numbers of users and groups.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub users: HashMap<String, u64>,
    pub groups: HashMap<String, u64>,
}

impl Accounts {
    pub(super) fn of(tree: &Tree) -> Self {
        let text = |path: &str| match &tree.follow(path)?.kind {
            NodeKind::File(content) => content.kept.as_deref().map(|kept| String::from_utf8_lossy(kept).into_owned()),
            _ => None,
        };
        let [own_users, system_users, own_groups, system_groups] = PATHS.map(|path| text(path).unwrap_or_default());
        Self { users: numbers(&system_users, &own_users), groups: numbers(&system_groups, &own_groups) }
    }
}

/// The third field of each line, by the first; of two lines of one name, that of the later text, and there the first.
fn numbers(first: &str, then: &str) -> HashMap<String, u64> {
    let lines = first.lines().rev().chain(then.lines().rev());
    let pairs = lines.filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_numbers() {
        let known = numbers(
            "core:x:7:7::/:\nsys:x:3:3::/:\n",
            "root:x:0:0:r:/root:/bin/sh\n\n#\ncore:x:1000:1::/:\ncore:x:9:9::/:",
        );
        assert_eq!(known, HashMap::from([("root".into(), 0), ("core".into(), 1000), ("sys".into(), 3)]));
    }
}
