//! Every public item of a crate as a line, with all that a program can see of it.

use std::collections::{BTreeMap, BTreeSet};

use quote::quote;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Fields, FnArg, GenericParam, Generics, ImplItem, Item, ItemImpl, Meta, Path,
    ReturnType, Signature, Token, TraitBoundModifier, TraitItem, Type, TypeParamBound,
    WherePredicate, parse_quote,
};

use super::names::{Lifetimes, Names, Put, Reader, UNNAMED, given, line, segments};
use super::source::{Found, Source, attributes, is_public};

/// Where derived traits are, as far as not every program has them at hand.
const DERIVED: [(&str, &str); 2] = [("Debug", "std::fmt::Debug"), ("Hash", "std::hash::Hash")];

/// The public surface of a crate.
pub(crate) fn list(source: &Source) -> BTreeSet<String> {
    let names = Names::new(source);
    let mut lines: BTreeSet<_> = names.modules.iter().map(|name| format!("mod {name}")).collect();
    for (place, paths) in &names.public {
        let name = names.of(place).unwrap();
        let others = paths.iter().filter(|path| *path != name);
        lines.extend(others.map(|other| format!("use {other} = {name}")));
        let module = &place[..place.len() - 1];
        let mut lister = Lister {
            names: &names,
            module,
            name,
            this: None,
            put: Put::default(),
            lines: &mut lines,
        };
        lister.item(source.item(place));
    }
    for (module, content) in &source.modules {
        for item in &content.items {
            match item {
                Item::Impl(block) => block_of(source, &names, module, block, &mut lines),
                // What it makes cannot be seen.
                Item::Macro(call) if call.ident.is_none() => {
                    lines.insert(format!("macro {}!", line(&call.mac.path)));
                }
                _ => {}
            }
        }
    }
    lines
}

/// Lists what a block implements, for every name that programs have for the type.
fn block_of(
    source: &Source,
    names: &Names<'_>,
    module: &[String],
    block: &ItemImpl,
    lines: &mut BTreeSet<String>,
) {
    let mut this = (*block.self_ty).clone();
    names.reader(module).visit_type_mut(&mut this);
    let mut list = |this: Type, put: Put| {
        let name = line(&this);
        let mut lister =
            Lister { names, module, name: &name, this: Some(this), put, lines: &mut *lines };
        lister.block(block);
    };
    let Type::Path(path) = &*block.self_ty else { return list(this, Put::default()) };
    let place = match source.find(module, &segments(&path.path)) {
        Found::Item(place, _) if names.of(&place).is_none() => place,
        _ => return list(this, Put::default()),
    };
    for alias in names.public.keys() {
        let Some((_, alias_of)) = names.hides(alias).filter(|(hidden, _)| *hidden == place) else {
            continue;
        };
        let Type::Path(target) = &*alias_of.ty else { continue };
        let parameters = given(&path.path).into_iter().map(|parameter| line(&parameter));
        let mut types = given(&target.path);
        let mut reader = names.reader(&alias[..alias.len() - 1]);
        for ty in &mut types {
            reader.visit_type_mut(ty);
        }
        let put = Put(parameters.zip(types).collect());
        let own = alias_of.generics.type_params().map(|parameter| &parameter.ident);
        let name: Path = syn::parse_str(names.of(alias).unwrap()).unwrap();
        let own: Punctuated<_, Token![,]> = own.collect();
        let this = if own.is_empty() { parse_quote!(#name) } else { parse_quote!(#name<#own>) };
        list(this, put);
    }
}

struct Lister<'a> {
    names: &'a Names<'a>,
    module: &'a [String],
    /// What the item is called.
    name: &'a str,
    this: Option<Type>,
    /// What stands for the parameters of a block.
    put: Put,
    lines: &'a mut BTreeSet<String>,
}

impl Lister<'_> {
    fn say(&mut self, line: String) {
        // An implementation that speaks of what no program can name is none for programs.
        if !(line.starts_with("impl ") && line.contains(UNNAMED)) {
            self.lines.insert(line);
        }
    }

    fn item(&mut self, item: &Item) {
        let name = self.name;
        self.attributes(name, attributes(item));
        match item {
            Item::Const(it) => {
                let ty = self.ty(&it.ty);
                self.say(format!("const {name}: {ty}"));
            }
            Item::Enum(it) => {
                let (parameters, rules) = (parameters(&it.generics), self.rules(&[&it.generics]));
                self.say(format!("enum {name}{parameters}{rules}"));
                for variant in &it.variants {
                    let path = format!("{name}::{}", variant.ident);
                    self.attributes(&path, &variant.attrs);
                    let fields = self.fields(&path, &variant.fields, |_| true);
                    let number = variant.discriminant.as_ref();
                    let number = number.map(|(_, it)| format!(" = {}", line(it)));
                    self.say(format!("variant {path}{fields}{}", number.unwrap_or_default()));
                }
            }
            Item::Fn(it) => self.function("fn", name, &it.sig, &Generics::default(), ""),
            Item::Struct(it) => {
                let (parameters, rules) = (parameters(&it.generics), self.rules(&[&it.generics]));
                let fields = self.fields(name, &it.fields, |field| is_public(&field.vis));
                self.say(format!("struct {name}{parameters}{rules}{fields}"));
            }
            Item::Trait(it) => {
                let above: BTreeSet<_> = it.supertraits.iter().map(|it| self.bound(it)).collect();
                let above = above.into_iter().collect::<Vec<_>>().join(" + ");
                let (parameters, rules) = (parameters(&it.generics), self.rules(&[&it.generics]));
                let above = if above.is_empty() { above } else { format!(": {above}") };
                self.say(format!("trait {name}{parameters}{above}{rules}"));
                for part in &it.items {
                    match part {
                        TraitItem::Fn(method) => {
                            let path = format!("{name}::{}", method.sig.ident);
                            let body = if method.default.is_some() { " {…}" } else { "" };
                            self.function("method", &path, &method.sig, &it.generics, body);
                        }
                        TraitItem::Type(it) => self.say(format!("type {name}::{}", it.ident)),
                        other => self.say(format!("in {name}: {}", line(other))),
                    }
                }
            }
            Item::Type(it) => {
                let (parameters, ty) = (parameters(&it.generics), self.ty(&it.ty));
                self.say(format!("type {name}{parameters} = {ty}"));
            }
            _ => panic!("{name} is of a kind that is not known here"),
        }
    }

    /// Lists public fields, each in a line, and says whether there are others.
    fn fields(
        &mut self,
        owner: &str,
        fields: &Fields,
        shown: impl Fn(&syn::Field) -> bool,
    ) -> &'static str {
        for (number, field) in fields.iter().enumerate().filter(|(_, field)| shown(field)) {
            let name = field.ident.as_ref().map_or(number.to_string(), ToString::to_string);
            let (path, ty) = (format!("{owner}.{name}"), self.ty(&field.ty));
            self.attributes(&path, &field.attrs);
            self.say(format!("field {path}: {ty}"));
        }
        match fields {
            Fields::Unit => "",
            _ if !fields.iter().all(shown) => " { private }",
            Fields::Named(_) => " {}",
            Fields::Unnamed(_) => " ()",
        }
    }

    fn block(&mut self, block: &ItemImpl) {
        let this = self.name;
        let Some((_, path, _)) = &block.trait_ else {
            for part in &block.items {
                match part {
                    ImplItem::Const(it) if is_public(&it.vis) => {
                        let ty = self.ty(&it.ty);
                        self.say(format!("const {this}::{}: {ty}", it.ident));
                    }
                    ImplItem::Fn(it) if is_public(&it.vis) => {
                        let path = format!("{this}::{}", it.sig.ident);
                        self.function("fn", &path, &it.sig, &block.generics, "");
                    }
                    _ => {}
                }
            }
            return;
        };
        let types = block.items.iter().filter_map(|part| match part {
            ImplItem::Type(it) => Some(format!("; {} = {}", it.ident, self.ty(&it.ty))),
            _ => None,
        });
        let types: String = types.collect();
        let (path, rules) = (self.path(path), self.rules(&[&block.generics]));
        // What happens at the end of a value no program can name or ask for.
        if path == "Drop" {
            return;
        }
        self.say(format!("impl {path} for {this}{rules}{types}"));
    }

    /// `around` is what the trait or the block says of parameters.
    fn function(
        &mut self,
        kind: &str,
        path: &str,
        signature: &Signature,
        around: &Generics,
        end: &str,
    ) {
        let mut signature = signature.clone();
        Lifetimes::default().visit_signature_mut(&mut signature);
        let inputs = signature.inputs.iter().map(|input| match input {
            FnArg::Receiver(it) if it.colon_token.is_none() => match &it.reference {
                Some((and, lifetime)) => {
                    let mutability = it.mutability;
                    line(quote!(#and #lifetime #mutability self))
                }
                None => "self".to_owned(),
            },
            FnArg::Receiver(it) => self.ty(&it.ty),
            FnArg::Typed(it) => self.ty(&it.ty),
        });
        let inputs = inputs.collect::<Vec<_>>().join(", ");
        let output = match &signature.output {
            ReturnType::Default => "()".to_owned(),
            ReturnType::Type(_, ty) => self.ty(ty),
        };
        let Signature { constness, asyncness, unsafety, abi, generics, .. } = &signature;
        let before = line(quote!(#constness #asyncness #unsafety #abi));
        let before = if before.is_empty() { before } else { format!("{before} ") };
        let (parameters, rules) = (parameters(generics), self.rules(&[around, generics]));
        self.say(format!("{before}{kind} {path}{parameters}({inputs}) -> {output}{rules}{end}"));
    }

    /// What parameters have to be, wherever the source says it.
    fn rules(&self, generics: &[&Generics]) -> String {
        let mut rules = BTreeMap::<String, BTreeSet<String>>::new();
        let mut note = |name: String, bounds: &Punctuated<TypeParamBound, Token![+]>| {
            if !bounds.is_empty() {
                let bounds = bounds.iter().map(|bound| self.bound(bound));
                rules.entry(name).or_default().extend(bounds);
            }
        };
        for parameter in generics.iter().flat_map(|generics| generics.type_params()) {
            let name = &parameter.ident;
            note(self.ty(&parse_quote!(#name)), &parameter.bounds);
        }
        let clauses = generics.iter().filter_map(|generics| generics.where_clause.as_ref());
        for predicate in clauses.flat_map(|clause| &clause.predicates) {
            let WherePredicate::Type(it) = predicate else { panic!("a rule about a lifetime") };
            note(self.ty(&it.bounded_ty), &it.bounds);
        }
        let rules = rules.into_iter().map(|(name, bounds)| {
            format!("{name}: {}", bounds.into_iter().collect::<Vec<_>>().join(" + "))
        });
        let rules = rules.collect::<Vec<_>>().join(", ");
        if rules.is_empty() { rules } else { format!(" where {rules}") }
    }

    fn attributes(&mut self, name: &str, attributes: &[Attribute]) {
        for attribute in attributes {
            let Some(kind) = attribute.path().get_ident().map(ToString::to_string) else {
                continue;
            };
            let parts = || {
                attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap()
            };
            match kind.as_str() {
                "derive" => {
                    for derived in parts() {
                        let path = self.path(derived.path());
                        let known = DERIVED.iter().find(|(name, _)| *name == path);
                        let path = known.map_or(path.as_str(), |(_, full)| full);
                        self.say(format!("impl {path} for {name}"));
                    }
                }
                "repr" | "serde" => {
                    for part in parts() {
                        self.say(format!("{kind} {name}: {}", line(part)));
                    }
                }
                "deprecated" | "non_exhaustive" => self.say(format!("{kind} {name}")),
                _ => {}
            }
        }
    }

    fn reader(&self) -> Reader<'_> {
        let mut reader = self.names.reader(self.module);
        reader.this.clone_from(&self.this);
        reader
    }

    fn ty(&self, ty: &Type) -> String {
        let mut ty = ty.clone();
        self.reader().visit_type_mut(&mut ty);
        self.put.clone().visit_type_mut(&mut ty);
        line(ty)
    }

    fn path(&self, path: &Path) -> String {
        let mut path = path.clone();
        self.reader().visit_path_mut(&mut path);
        self.put.clone().visit_path_mut(&mut path);
        line(path)
    }

    fn bound(&self, bound: &TypeParamBound) -> String {
        match bound {
            TypeParamBound::Trait(it) => {
                let maybe = if let TraitBoundModifier::Maybe(_) = it.modifier { "?" } else { "" };
                format!("{maybe}{}", self.path(&it.path))
            }
            other => line(other),
        }
    }
}

fn parameters(generics: &Generics) -> String {
    let names = generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(it) => it.ident.to_string(),
        other => line(other),
    });
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { names } else { format!("<{names}>") }
}
