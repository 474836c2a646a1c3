//! Circles of imports: files of which none can be understood without the others.
//!
//! A file imports from the file that defines an item, whichever modules re-export the item. So a module that declares
//! others and re-exports their items imports nothing from them, unless its own code uses those items. Code under
//! `#[cfg(test)]` does not count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use regex::Regex;
use syn::parse::{Parse, ParseStream};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, ItemMod, ItemUse, Macro, MetaList, Path, UseTree, Visibility};

/// The names in a path; for a module, its path from the root of the crate.
type Names = Vec<String>;

/// A string, or a path.
static STRING_OR_PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""(?:\\.|[^"\\])*"|(\w+(?: ?:: ?\w+)*)"#).unwrap());

/// A file.
#[derive(Default)]
struct Module {
    /// The items that it defines.
    items: BTreeSet<String>,
    /// The modules that it declares and that have files of their own.
    children: BTreeSet<String>,
    /// The paths of what it imports or re-exports, by the names that they get.
    names: BTreeMap<String, Names>,
    /// The paths that its code uses.
    used: BTreeSet<Names>,
    /// Whether the code that is visited now is in an inline module, whose parent is this file.
    is_inline: bool,
}

impl Module {
    fn uses(&mut self, mut path: Names) {
        if let Some(first) = path.first_mut().filter(|first| self.is_inline && *first == "super") {
            *first = "self".to_owned();
        }
        self.used.insert(path);
    }

    /// Adds the paths in tokens that are not parsed: the arguments of a macro or of an attribute.
    fn uses_in(&mut self, tokens: &impl ToString) {
        for path in STRING_OR_PATH.captures_iter(&tokens.to_string()).filter_map(|found| found.get(1)) {
            self.uses(path.as_str().split("::").map(|name| name.trim().to_owned()).collect());
        }
    }

    fn imports(&mut self, tree: &UseTree, parents: &[String], is_private: bool) {
        let extended = |last: &Ident| [parents, &[last.to_string()]].concat();
        let (path, name) = match tree {
            UseTree::Path(tree) => return self.imports(&tree.tree, &extended(&tree.ident), is_private),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.imports(tree, parents, is_private));
            }
            UseTree::Glob(_) => panic!("a glob import hides what a file imports from {parents:?}"),
            UseTree::Name(tree) if tree.ident == "self" => (parents.to_vec(), parents[parents.len() - 1].clone()),
            UseTree::Name(tree) => (extended(&tree.ident), tree.ident.to_string()),
            UseTree::Rename(tree) => (extended(&tree.ident), tree.rename.to_string()),
        };
        if is_private {
            // The compiler warns of an import that is not used.
            self.uses(path.clone());
        }
        self.names.insert(name, path);
    }
}

impl Parse for Module {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut module = Self::default();
        input.call(Attribute::parse_inner)?;
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            let item: Item = input.parse()?;
            let is_test =
                |it: &Attribute| it.path().is_ident("cfg") && it.parse_args::<Ident>().is_ok_and(|it| it == "test");
            if attributes.iter().any(is_test) {
                continue;
            }
            let name = match &item {
                Item::Mod(item) if item.content.is_none() => {
                    module.children.insert(item.ident.to_string());
                    None
                }
                Item::Const(item) => Some(&item.ident),
                Item::Enum(item) => Some(&item.ident),
                Item::Fn(item) => Some(&item.sig.ident),
                Item::Macro(item) => item.ident.as_ref(),
                Item::Mod(item) => Some(&item.ident),
                Item::Static(item) => Some(&item.ident),
                Item::Struct(item) => Some(&item.ident),
                Item::Trait(item) => Some(&item.ident),
                Item::Type(item) => Some(&item.ident),
                _ => None,
            };
            module.items.extend(name.map(Ident::to_string));
            attributes.iter().for_each(|attribute| module.visit_attribute(attribute));
            module.visit_item(&item);
        }
        Ok(module)
    }
}

impl Visit<'_> for Module {
    fn visit_item_mod(&mut self, item: &ItemMod) {
        self.is_inline = true;
        visit::visit_item_mod(self, item);
        self.is_inline = false;
    }

    fn visit_item_use(&mut self, item: &ItemUse) {
        self.imports(&item.tree, &[], matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &Path) {
        self.uses(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &Macro) {
        self.visit_path(&item.path);
        self.uses_in(&item.tokens);
    }

    fn visit_meta_list(&mut self, list: &MetaList) {
        self.uses_in(&list.tokens);
    }
}

/// The module that defines the item at a path in `module`, and the item's name; none for a module, and for what is not of
/// this crate.
fn definition(modules: &BTreeMap<Names, Module>, module: &Names, path: &Names) -> Option<(Names, String)> {
    let (mut module, mut path) = (module.clone(), VecDeque::from(path.clone()));
    // More steps than re-exports take. Names of other crates can lead to each other without an end.
    for _ in 0..64 {
        let name = path.pop_front()?;
        let Module { items, children, names, .. } = &modules[&module];
        let is_item = items.contains(&name) || names.contains_key(&name);
        match name.as_str() {
            "self" => {}
            "crate" => module.clear(),
            "super" => drop(module.pop()),
            // A module and a function can have the same name.
            _ if children.contains(&name) && !(path.is_empty() && is_item) => module.push(name),
            _ if items.contains(&name) => return Some((module, name)),
            _ => path = names.get(&name)?.iter().cloned().chain(path).collect(),
        }
    }
    None
}

/// The imports between files that are parts of circles: the importing file can be reached from the imported one.
fn circles(files: &[(String, String)]) -> Vec<String> {
    let names = |path: &str| -> Names {
        let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').filter(|name| *name != "lib").map(str::to_owned).collect()
    };
    let texts: BTreeMap<Names, &str> = files.iter().map(|(path, text)| (names(path), text.as_str())).collect();
    let (mut modules, mut open) = (BTreeMap::new(), vec![Names::new()]);
    while let Some(name) = open.pop() {
        let module: Module = syn::parse_str(texts[&name]).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        open.extend(module.children.iter().map(|child| name.iter().chain([child]).cloned().collect()));
        modules.insert(name, module);
    }
    let mut imports: BTreeMap<&Names, BTreeMap<Names, BTreeSet<String>>> = BTreeMap::new();
    for (file, module) in &modules {
        let imports = imports.entry(file).or_default();
        for (definer, item) in module.used.iter().filter_map(|path| definition(&modules, file, path)) {
            imports.entry(definer).or_default().insert(item);
        }
        imports.remove(file);
    }
    let reached = |file| {
        let (mut reached, mut open) = (BTreeSet::<&Names>::new(), vec![file]);
        while let Some(file) = open.pop() {
            open.extend(imports[file].keys().filter(|import| reached.insert(import)));
        }
        (file, reached)
    };
    let reached: BTreeMap<&Names, BTreeSet<&Names>> = imports.keys().copied().map(reached).collect();
    let mut circular = Vec::new();
    for (file, imports) in &imports {
        for (import, items) in imports.iter().filter(|(import, _)| reached[import].contains(file)) {
            circular.push(format!("{} imports from {}: {items:?}", file.join("::"), import.join("::")));
        }
    }
    circular
}

#[test]
fn no_two_files_import_each_other() {
    let circles = circles(&super::files(&["src"]));
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found_through_re_exports_and_not_because_of_them() {
    let found = |room: &str, leaf: &str| {
        let user = "use crate::room::{self, Leaf}; pub struct User(Leaf, room::Room);";
        let texts = [("lib", "mod room; mod user;"), ("room/mod", room), ("room/leaf", leaf), ("user", user)];
        circles(&texts.map(|(name, text)| (format!("src/{name}.rs"), text.to_owned())))
    };
    let (room, leaf) =
        ("mod leaf; pub use self::leaf::Leaf; pub struct Room;", "use super::Room; pub struct Leaf(Room);");
    for unused in ["", "#[cfg(test)] mod tests { use super::Leaf; }", "fn f() { g!(\"Leaf\") }"] {
        assert_eq!(found(&format!("{room} {unused}"), leaf), [""; 0], "{unused}");
    }
    let of_room = ["room imports from room::leaf: {\"Leaf\"}", "room::leaf imports from room: {\"Room\"}"];
    for used in ["pub type Other = Leaf;", "fn f() { g!(1, leaf::Leaf) }", "mod m { use super::leaf::Leaf; }"] {
        assert_eq!(found(&format!("{room} {used}"), leaf), of_room, "{used}");
    }
    let of_user = ["room::leaf imports from user: {\"User\"}", "user imports from room::leaf: {\"Leaf\"}"];
    assert_eq!(found(room, "pub struct Leaf(crate::user::User);"), of_user);
}
