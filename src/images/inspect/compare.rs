//! One expectation against the files of an image.

use std::collections::HashMap;

use super::accounts::Accounts;
use super::expect::{Asked, Contents, Expectation, Owner};
use super::presets;
use super::report::Difference;
use crate::api::names::sha256_hex;
use crate::images::{Content, Node, NodeKind, Tree};

/// Where a masked unit's link leads.
const NOWHERE: &str = "/dev/null";

/// Where the image with the files `tree` differs from what is expected.
pub(super) fn differences(expectation: &Expectation, tree: &Tree, accounts: &Accounts) -> Vec<Difference> {
    let Expectation { path, asked } = expectation;
    let mut found = Differences { path, list: Vec::new() };
    match asked {
        Asked::NotMasked => found.not_masked(tree),
        Asked::Preset { unit, enabled } => found.preset(tree, unit, *enabled),
        Asked::HardLink(target) => found.same_as(tree, target),
        Asked::File { contents, mode, owners } => {
            if let Some((node, content)) = found.node(tree, "a file", file_of) {
                found.contents(contents, content);
                found.mode(*mode, node);
                found.owners(owners, node, accounts);
            }
        }
        Asked::Directory { mode, owners } => {
            if let Some((node, ())) = found.node(tree, "a directory", directory_of) {
                found.mode(*mode, node);
                found.owners(owners, node, accounts);
            }
        }
        Asked::Symlink { target, owners } => {
            if let Some((node, leads_to)) = found.node(tree, &format!("a link to {target}"), target_of) {
                found.check("target", target, leads_to);
                found.owners(owners, node, accounts);
            }
        }
    }
    found.list
}

/// The difference at one path.
struct Differences<'p> {
    path: &'p str,
    list: Vec<Difference>,
}

impl Differences<'_> {
    fn add(&mut self, aspect: &'static str, asked: impl Into<String>, found: impl Into<String>) {
        let (asked, found) = (asked.into(), found.into());
        self.list.push(Difference { path: self.path.to_owned(), aspect, asked, found });
    }

    fn check(&mut self, aspect: &'static str, asked: &str, found: &str) {
        if asked != found {
            self.add(aspect, asked, found);
        }
    }

    /// The node at the path, if it is of the right kind.
    fn node<'t, T>(&mut self, tree: &'t Tree, asked: &str, of: fn(&'t NodeKind) -> Option<T>) -> Option<(&'t Node, T)> {
        let node = tree.get(self.path);
        let found = node.and_then(|node| Some((node, of(&node.kind)?)));
        if found.is_none() {
            self.add("kind", asked, node.map_or_else(|| "nothing".into(), describe));
        }
        found
    }

    fn contents(&mut self, asked: &Contents, found: &Content) {
        match asked {
            Contents::Any => {}
            Contents::Exactly(size, sha256) => {
                if size.is_some_and(|size| size != found.size) || *sha256 != found.sha256_hex() {
                    let size = size.map_or_else(|| "any number of bytes".into(), |size| format!("{size} bytes"));
                    self.add("contents", format!("{size}, sha256 {sha256}"), sized(found));
                }
            }
            Contents::EndsWith(end) => {
                if !found.kept.as_ref().is_some_and(|kept| kept.ends_with(end)) {
                    let asked = format!("to end with {} bytes, sha256 {}", end.len(), sha256_hex(end));
                    self.add("contents", asked, sized(found));
                }
            }
        }
    }

    fn mode(&mut self, asked: Option<u32>, found: &Node) {
        if let Some(asked) = asked.filter(|asked| *asked != found.mode) {
            self.add("mode", octal(asked), octal(found.mode));
        }
    }

    fn owners(&mut self, [user, group]: &[Owner; 2], found: &Node, accounts: &Accounts) {
        self.owner("user", &accounts.users, user, found.uid);
        self.owner("group", &accounts.groups, group, found.gid);
    }

    fn owner(&mut self, aspect: &'static str, known: &HashMap<String, u64>, asked: &Owner, found: u64) {
        match asked {
            Owner::Any => {}
            Owner::Id(id) => self.check(aspect, &id.to_string(), &found.to_string()),
            Owner::Name(name) => match known.get(name) {
                Some(id) if *id == found => {}
                Some(id) => self.add(aspect, format!("{name} ({id})"), found.to_string()),
                None => self.add(aspect, format!("{name}, which the image does not know"), found.to_string()),
            },
        }
    }

    fn same_as(&mut self, tree: &Tree, target: &str) {
        let found = tree.get(self.path);
        if found.is_none() || found != tree.get(target) {
            let found = found.map_or_else(|| "nothing".into(), describe);
            self.add("kind", format!("the same as {target}"), found);
        }
    }

    fn not_masked(&mut self, tree: &Tree) {
        if let Some(NOWHERE) = tree.get(self.path).and_then(|node| target_of(&node.kind)) {
            self.add("kind", "not masked", format!("a link to {NOWHERE}"));
        }
    }

    fn preset(&mut self, tree: &Tree, unit: &str, enabled: bool) {
        let word = |enabled| if enabled { "enabled" } else { "disabled" };
        let kept = tree.get(self.path).and_then(|node| file_of(&node.kind)?.kept.as_deref());
        let state = kept.and_then(|kept| presets::state(&String::from_utf8_lossy(kept), unit));
        if state != Some(enabled) {
            let found = state.map_or("no word of it", word);
            self.add("preset", format!("{unit} {}", word(enabled)), found);
        }
    }
}

fn file_of(kind: &NodeKind) -> Option<&Content> {
    if let NodeKind::File(content) = kind { Some(content) } else { None }
}

fn directory_of(kind: &NodeKind) -> Option<()> {
    (*kind == NodeKind::Directory).then_some(())
}

fn target_of(kind: &NodeKind) -> Option<&str> {
    if let NodeKind::Symlink(target) = kind { Some(target) } else { None }
}

fn describe(node: &Node) -> String {
    match &node.kind {
        NodeKind::File(content) => format!("a file of {}", sized(content)),
        NodeKind::Directory => "a directory".into(),
        NodeKind::Symlink(target) => format!("a link to {target}"),
        NodeKind::Other => "a device, socket or pipe".into(),
    }
}

/// Contents in a form that may be printed: they can be keys and passwords.
fn sized(content: &Content) -> String {
    format!("{} bytes, sha256 {}", content.size, content.sha256_hex())
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
