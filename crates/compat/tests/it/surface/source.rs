//! The source of a crate: its modules, as they are with some features, and what names mean in them.

use std::collections::BTreeMap;
use std::path::Path;

use syn::punctuated::Punctuated;
use syn::{
    Attribute, Expr, ExprLit, Field, Fields, ImplItem, Item, Lit, Meta, Token, TraitItem, UseTree,
    Visibility,
};

/// Where something is: the modules from the root on, and its name.
pub(crate) type Place = Vec<String>;

pub(crate) struct Source {
    pub(crate) modules: BTreeMap<Place, Module>,
}

#[derive(Default)]
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    pub(crate) names: BTreeMap<String, Name>,
}

pub(crate) struct Name {
    pub(crate) is_public: bool,
    pub(crate) what: What,
}

pub(crate) enum What {
    Item,
    Module,
    /// A path, as it is written where it is imported.
    Import(Vec<String>),
}

/// What a path leads to.
pub(crate) enum Found {
    /// An item of the crate, and what of the path follows.
    Item(Place, Vec<String>),
    Module(Place),
    /// Something of another crate, or nothing that has a place: a parameter, a primitive type.
    Foreign(Vec<String>),
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl Source {
    pub(crate) fn read(folder: &Path, features: &[&str]) -> Self {
        let mut source = Self { modules: BTreeMap::new() };
        source.read_file(&folder.join("lib.rs"), folder, &[], features);
        source
    }

    /// `below` has the files of modules that this one declares.
    fn read_file(&mut self, file: &Path, below: &Path, place: &[String], features: &[&str]) {
        let text = std::fs::read_to_string(file).unwrap();
        let mut module = Module::default();
        for mut item in syn::parse_file(&text).unwrap().items {
            if !keep(attributes(&item), features) {
                continue;
            }
            prune(&mut item, features);
            match &item {
                Item::Mod(declared) => {
                    assert!(declared.content.is_none(), "{}: a module within", file.display());
                    let name = declared.ident.to_string();
                    let (beside, within) =
                        (below.join(format!("{name}.rs")), below.join(&name).join("mod.rs"));
                    let file = if beside.exists() { beside } else { within };
                    self.read_file(
                        &file,
                        &below.join(&name),
                        &[place, std::slice::from_ref(&name)].concat(),
                        features,
                    );
                    module.name(name, &declared.vis, What::Module);
                }
                Item::Use(import) => module.import(&import.tree, &mut Vec::new(), &import.vis),
                item => {
                    if let Some((name, visibility)) = declared(item) {
                        module.name(name, visibility, What::Item);
                    }
                }
            }
            module.items.push(item);
        }
        self.modules.insert(place.to_vec(), module);
    }

    /// What a path means in a module.
    pub(crate) fn find(&self, module: &[String], path: &[String]) -> Found {
        let Some((first, rest)) = path.split_first() else {
            return Found::Module(module.to_vec());
        };
        match first.as_str() {
            "crate" => return self.find(&[], rest),
            "self" => return self.find(module, rest),
            "super" => return self.find(&module[..module.len() - 1], rest),
            _ => {}
        }
        let within = [module, std::slice::from_ref(first)].concat();
        match self.modules[module].names.get(first).map(|name| &name.what) {
            None => Found::Foreign(path.to_vec()),
            Some(What::Module) => self.find(&within, rest),
            Some(What::Item) => Found::Item(within, rest.to_vec()),
            // `use serde::serde` and the like: the first is another crate.
            Some(What::Import(path)) if path[0] == *first => {
                Found::Foreign([path.as_slice(), rest].concat())
            }
            Some(What::Import(path)) => self.find(module, &[path.as_slice(), rest].concat()),
        }
    }

    pub(crate) fn item(&self, place: &[String]) -> &Item {
        let (name, module) = place.split_last().unwrap();
        let mut items = self.modules[module].items.iter();
        items.find(|item| declared(item).is_some_and(|(declared, _)| declared == *name)).unwrap()
    }
}

impl Module {
    fn name(&mut self, name: String, visibility: &Visibility, what: What) {
        self.names.insert(name, Name { is_public: is_public(visibility), what });
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, visibility: &Visibility) {
        let mut named = |path: &[String], name: String| {
            // `use folder::{self}` names the folder.
            let path = path.strip_suffix(&["self".to_owned()]).unwrap_or(path);
            self.name(name, visibility, What::Import(path.to_vec()));
        };
        match tree {
            UseTree::Path(step) => {
                path.push(step.ident.to_string());
                self.import(&step.tree, path, visibility);
                path.pop();
            }
            UseTree::Name(last) if last.ident == "self" => {
                named(path, path.last().unwrap().clone());
            }
            UseTree::Name(last) => {
                let name = last.ident.to_string();
                named(&[path.as_slice(), std::slice::from_ref(&name)].concat(), name);
            }
            UseTree::Rename(last) => {
                let path = [path.as_slice(), &[last.ident.to_string()]].concat();
                named(&path, last.rename.to_string());
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, path, visibility));
            }
            UseTree::Glob(_) => panic!("{path:?}: what a glob brings cannot be seen in a source"),
        }
    }
}

fn declared(item: &Item) -> Option<(String, &Visibility)> {
    let (name, visibility) = match item {
        Item::Const(it) => (&it.ident, &it.vis),
        Item::Enum(it) => (&it.ident, &it.vis),
        Item::Fn(it) => (&it.sig.ident, &it.vis),
        Item::Static(it) => (&it.ident, &it.vis),
        Item::Struct(it) => (&it.ident, &it.vis),
        Item::Trait(it) => (&it.ident, &it.vis),
        Item::Type(it) => (&it.ident, &it.vis),
        Item::Union(it) => (&it.ident, &it.vis),
        _ => return None,
    };
    Some((name.to_string(), visibility))
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(it) => &it.attrs,
        Item::Enum(it) => &it.attrs,
        Item::Fn(it) => &it.attrs,
        Item::Impl(it) => &it.attrs,
        Item::Macro(it) => &it.attrs,
        Item::Mod(it) => &it.attrs,
        Item::Static(it) => &it.attrs,
        Item::Struct(it) => &it.attrs,
        Item::Trait(it) => &it.attrs,
        Item::Type(it) => &it.attrs,
        Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

/// Takes out of an item what is not there with these features.
fn prune(item: &mut Item, features: &[&str]) {
    match item {
        Item::Enum(it) => {
            let variants = std::mem::take(&mut it.variants).into_iter();
            it.variants = variants.filter(|variant| keep(&variant.attrs, features)).collect();
        }
        Item::Impl(it) => it.items.retain(|part| match part {
            ImplItem::Const(it) => keep(&it.attrs, features),
            ImplItem::Fn(it) => keep(&it.attrs, features),
            ImplItem::Type(it) => keep(&it.attrs, features),
            _ => true,
        }),
        Item::Struct(it) => {
            let fields = match &mut it.fields {
                Fields::Named(fields) => &mut fields.named,
                Fields::Unnamed(fields) => &mut fields.unnamed,
                Fields::Unit => return,
            };
            let all = std::mem::take(fields).into_iter();
            *fields = all.filter(|field: &Field| keep(&field.attrs, features)).collect();
        }
        Item::Trait(it) => it.items.retain(|part| match part {
            TraitItem::Const(it) => keep(&it.attrs, features),
            TraitItem::Fn(it) => keep(&it.attrs, features),
            TraitItem::Type(it) => keep(&it.attrs, features),
            _ => true,
        }),
        _ => {}
    }
}

fn keep(attributes: &[Attribute], features: &[&str]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.into_iter().all(|it| holds(&it.parse_args::<Meta>().unwrap(), features))
}

fn holds(condition: &Meta, features: &[&str]) -> bool {
    let parts = || {
        let list = condition.require_list().unwrap();
        let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        parts.unwrap().into_iter()
    };
    match condition.path().require_ident().unwrap().to_string().as_str() {
        "all" => parts().all(|part| holds(&part, features)),
        "any" => parts().any(|part| holds(&part, features)),
        "not" => !parts().any(|part| holds(&part, features)),
        "feature" => {
            let Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) =
                &condition.require_name_value().unwrap().value
            else {
                panic!("a feature has a name");
            };
            features.contains(&name.value().as_str())
        }
        "unix" => true,
        "test" | "windows" => false,
        other => panic!("{other}: a condition that is not known here"),
    }
}
