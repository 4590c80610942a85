//! One name for each thing of a crate, wherever and under whatever name its source speaks of it.

use std::collections::{BTreeMap, BTreeSet};

use quote::{ToTokens, format_ident};
use syn::visit_mut::{self, VisitMut};
use syn::{GenericArgument, Ident, Item, Lifetime, Path, PathArguments, PathSegment, Type};

use super::source::{Found, Place, Source, What};

/// Where the standard library keeps what every program has without a `use`.
const PRELUDE: [&str; 20] = [
    "std::boxed::Box",
    "std::clone::Clone",
    "std::cmp::Eq",
    "std::cmp::Ord",
    "std::cmp::PartialEq",
    "std::cmp::PartialOrd",
    "std::convert::From",
    "std::convert::TryFrom",
    "std::default::Default",
    "std::future::Future",
    "std::marker::Copy",
    "std::marker::Send",
    "std::marker::Sync",
    "std::marker::Unpin",
    "std::ops::Drop",
    "std::ops::FnOnce",
    "std::option::Option",
    "std::result::Result",
    "std::string::String",
    "std::vec::Vec",
];

/// In front of the name of what no program can name.
pub(crate) const UNNAMED: &str = "unnamed_";

/// The names under which programs find things.
pub(crate) struct Names<'a> {
    source: &'a Source,
    /// The paths of each item, as a program writes them behind the crate's name.
    pub(crate) public: BTreeMap<Place, BTreeSet<String>>,
    /// Public modules.
    pub(crate) modules: BTreeSet<String>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(source: &'a Source) -> Self {
        let mut names = Self { source, public: BTreeMap::new(), modules: BTreeSet::new() };
        names.look_into(&[]);
        names
    }

    fn look_into(&mut self, module: &[String]) {
        for (name, declared) in &self.source.modules[module].names {
            let place = [module, std::slice::from_ref(name)].concat();
            let path = place.join("::");
            if !declared.is_public {
                continue;
            }
            match &declared.what {
                What::Module => {
                    self.modules.insert(path);
                    self.look_into(&place);
                }
                What::Item => {
                    self.public.entry(place).or_default().insert(path);
                }
                What::Import(imported) => match self.source.find(module, imported) {
                    Found::Item(place, _) => {
                        self.public.entry(place).or_default().insert(path);
                    }
                    Found::Module(_) | Found::Foreign(_) => {
                        panic!("{path}: only items of the crate are given under other names")
                    }
                },
            }
        }
    }

    /// The shortest name of an item.
    pub(crate) fn of(&self, place: &[String]) -> Option<&str> {
        let paths = self.public.get(place)?.iter();
        paths.map(String::as_str).min_by_key(|path| (path.matches("::").count(), *path))
    }

    /// Whether an item is another name of what no program can name otherwise.
    pub(crate) fn hides(&self, place: &[String]) -> Option<(Place, &syn::ItemType)> {
        let Item::Type(alias) = self.source.item(place) else { return None };
        let Type::Path(target) = &*alias.ty else { return None };
        match self.source.find(&place[..place.len() - 1], &segments(&target.path)) {
            Found::Item(target, _) if self.of(&target).is_none() => {
                self.of(place).map(|_| (target, alias))
            }
            _ => None,
        }
    }

    /// Something that a module says, in the names that programs have.
    pub(crate) fn reader<'b>(&'b self, module: &'b [String]) -> Reader<'b> {
        Reader { names: self, module, this: None }
    }
}

pub(crate) fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// A parameter of an alias, and what it is when nothing is given for it.
type Parameter = (String, Option<Type>);

/// Puts the names that programs have in the place of those of a module.
pub(crate) struct Reader<'a> {
    names: &'a Names<'a>,
    module: &'a [String],
    /// What `Self` is.
    pub(crate) this: Option<Type>,
}

impl Reader<'_> {
    /// The type that an alias is for, if it is no name of its own, and the alias's parameters.
    fn aliased(&self, ty: &Type) -> Option<(Type, Vec<Parameter>)> {
        let Type::Path(path) = ty else { return None };
        let Found::Item(place, rest) = self.names.source.find(self.module, &segments(&path.path))
        else {
            return None;
        };
        let Item::Type(alias) = self.names.source.item(&place) else { return None };
        if !rest.is_empty() || self.names.hides(&place).is_some() {
            return None;
        }
        let mut reader = self.names.reader(&place[..place.len() - 1]);
        let mut meant = (*alias.ty).clone();
        reader.visit_type_mut(&mut meant);
        let parameters = alias.generics.type_params().map(|parameter| {
            let mut otherwise = parameter.default.clone();
            if let Some(ty) = &mut otherwise {
                reader.visit_type_mut(ty);
            }
            (parameter.ident.to_string(), otherwise)
        });
        Some((meant, parameters.collect()))
    }
}

/// The types between the angles of a path.
pub(crate) fn given(path: &Path) -> Vec<Type> {
    let Some(PathArguments::AngleBracketed(given)) =
        path.segments.last().map(|last| &last.arguments)
    else {
        return Vec::new();
    };
    let types = given.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.collect()
}

impl VisitMut for Reader<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let (Type::Path(path), Some(this)) = (&*ty, &self.this)
            && path.path.is_ident("Self")
        {
            *ty = this.clone();
            return;
        }
        let aliased = self.aliased(ty);
        visit_mut::visit_type_mut(self, ty);
        if let (Some((mut meant, parameters)), Type::Path(path)) = (aliased, &*ty) {
            let mut given = given(&path.path).into_iter();
            let parameters = parameters.into_iter();
            let all = parameters
                .filter_map(|(name, otherwise)| Some((name, given.next().or(otherwise)?)));
            Put(all.collect()).visit_type_mut(&mut meant);
            *ty = meant;
        }
    }

    fn visit_path_mut(&mut self, path: &mut Path) {
        visit_mut::visit_path_mut(self, path);
        let name = match self.names.source.find(self.module, &segments(path)) {
            Found::Foreign(path) => foreign(path),
            Found::Module(place) => place,
            Found::Item(place, rest) => {
                let name = match self.names.of(&place) {
                    Some(name) => name.split("::").map(str::to_owned).collect(),
                    None => vec![format!("{UNNAMED}{}", place.last().unwrap())],
                };
                [name, rest].concat()
            }
        };
        let arguments = path.segments.pop().unwrap().into_value().arguments;
        path.leading_colon = None;
        path.segments =
            name.iter().map(|segment| PathSegment::from(format_ident!("{segment}"))).collect();
        path.segments.last_mut().unwrap().arguments = arguments;
    }
}

/// `core`, `alloc` and `std` are one, and what is at hand everywhere needs no path.
fn foreign(mut path: Vec<String>) -> Vec<String> {
    if ["core", "alloc"].contains(&path[0].as_str()) {
        "std".clone_into(&mut path[0]);
    }
    if PRELUDE.contains(&path.join("::").as_str()) {
        path.drain(..path.len() - 1);
    }
    path
}

/// Puts types in the place of parameters.
#[derive(Clone, Default)]
pub(crate) struct Put(pub(crate) BTreeMap<String, Type>);

impl VisitMut for Put {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let parameter = match ty {
            Type::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        match parameter.and_then(|name| self.0.get(&name)) {
            Some(given) => *ty = given.clone(),
            None => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// Names lifetimes by their order.
#[derive(Default)]
pub(crate) struct Lifetimes(Vec<Ident>);

impl VisitMut for Lifetimes {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "static" || lifetime.ident == "_" {
            return;
        }
        let known = self.0.iter().position(|known| *known == lifetime.ident);
        let number = known.unwrap_or_else(|| {
            self.0.push(lifetime.ident.clone());
            self.0.len() - 1
        });
        lifetime.ident = format_ident!("l{number}");
    }
}

/// Code as a line, however it was laid out.
pub(crate) fn line(tokens: impl ToTokens) -> String {
    let mut line = tokens.to_token_stream().to_string();
    for (wide, narrow) in [
        (" :: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (",>", ">"),
        ("& ", "&"),
        (" :", ":"),
        ("( ", "("),
        (" (", "("),
        (" )", ")"),
    ] {
        line = line.replace(wide, narrow);
    }
    line
}
