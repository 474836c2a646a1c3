use super::*;

fn node(kind: NodeKind) -> Added {
    Added::Node(Node { mode: 0o700, uid: 1, gid: 2, kind })
}

fn file(text: &str) -> Added {
    node(NodeKind::File(Content { size: text.len() as u64, sha256: [0; 32], kept: Some(text.as_bytes().into()) }))
}

fn link(target: &str) -> Added {
    node(NodeKind::Symlink(target.into()))
}

fn layer(added: Vec<(&str, Added)>, removed: &[&str], opaque: &[&str]) -> Layer {
    let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    Layer {
        added: added.into_iter().map(|(path, added)| (path.to_owned(), added)).collect(),
        removed: owned(removed),
        opaque: owned(opaque),
    }
}

fn tree(layers: Vec<Layer>) -> Tree {
    let mut tree = Tree::default();
    for layer in layers {
        tree.apply(layer).unwrap();
    }
    tree
}

fn paths(tree: &Tree) -> Vec<&str> {
    tree.0.keys().map(String::as_str).collect()
}

#[test]
fn whiteouts_are_about_lower_layers_only() {
    let below = || layer(vec![("/a/x", file("")), ("/a/y", file("")), ("/a0", file("")), ("/b", file(""))], &[], &[]);
    let removed = tree(vec![below(), layer(vec![], &["/a"], &[])]);
    assert_eq!(paths(&removed), ["/a0", "/b"]);
    let opaque = tree(vec![below(), layer(vec![("/a/z", file(""))], &[], &["/a"])]);
    assert_eq!(paths(&opaque), ["/a", "/a/z", "/a0", "/b"]);
    let both = tree(vec![below(), layer(vec![("/b", file("new"))], &["/b"], &[])]);
    assert!(both.get("/b").is_some());
    let everything = tree(vec![below(), layer(vec![("/c", file(""))], &[], &[""])]);
    assert_eq!(paths(&everything), ["/c"]);
}

#[test]
fn a_directory_keeps_its_contents_and_nothing_else_does() {
    let below = || layer(vec![("/a/x", file(""))], &[], &[]);
    let tree_of = |kind| tree(vec![below(), layer(vec![("/a", node(kind))], &[], &[])]);
    assert_eq!(paths(&tree_of(NodeKind::Directory)), ["/a", "/a/x"]);
    assert_eq!(tree_of(NodeKind::Directory).get("/a").unwrap().mode, 0o700);
    assert_eq!(paths(&tree_of(NodeKind::Other)), ["/a"]);
    let over_a_link = tree(vec![layer(vec![("/a", link("b"))], &[], &[]), below()]);
    assert_eq!(over_a_link.get("/a").unwrap().kind, NodeKind::Directory);
}

#[test]
fn links_are_followed_within_the_image() {
    let image = tree(vec![layer(
        vec![
            ("/var/usrlocal/bin/x", file("x")),
            ("/usr/local", link("../var/usrlocal")),
            ("/abs", link("/usr/local/bin")),
            ("/out", link("../../../var")),
            ("/loop", link("loop")),
            ("/last", link("/abs/x")),
        ],
        &[],
        &[],
    )]);
    for path in ["/usr/local/bin/x", "/abs/x", "/out/usrlocal/bin/x", "//usr/./local/bin/../bin/x"] {
        assert_eq!(image.resolve(path, false).as_deref(), Some("/var/usrlocal/bin/x"), "{path}");
    }
    assert_eq!(image.get("/last").unwrap().kind, NodeKind::Symlink("/abs/x".into()));
    assert!(matches!(image.follow("/last").unwrap().kind, NodeKind::File(_)));
    assert_eq!(image.resolve("/loop/x", false), None);
    assert!(image.get("/nowhere/x").is_none());
}

#[test]
fn hard_links_are_their_targets() {
    let linked = tree(vec![
        layer(vec![("/a", file("x"))], &[], &[]),
        layer(vec![("/b", Added::HardLink("/a".into()))], &[], &[]),
    ]);
    assert_eq!(linked.get("/a"), linked.get("/b"));
    assert!(Tree::default().apply(layer(vec![("/b", Added::HardLink("/a".into()))], &[], &[])).is_err());
}

#[test]
fn names_are_normalised_and_stay_inside() {
    assert_eq!(path_of("./etc//passwd").as_deref(), Ok("/etc/passwd"));
    assert_eq!(path_of("./").as_deref(), Ok(""));
    assert!(path_of("../etc/passwd").is_err());
}
