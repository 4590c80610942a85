//! Every public item of the published crate is here, with its signature: a program is generated
//! from that crate's source that names each, and compiled against this one.

use std::fmt::Write as _;
use std::path::Path;

use quote::ToTokens;
use syn::{
    Attribute, Fields, FnArg, ImplItem, Item, ReturnType, Signature, TraitItem, Type, Visibility,
};

use crate::build::Built;
use crate::published::published;

/// The public modules; the others hold nothing that a program can name.
const MODULES: [&str; 6] = ["asset_pack", "download", "error", "extension", "manager", "manifest"];

/// Derived traits that a program may rely on.
const TRAITS: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "PartialEq", "Eq", "Hash", "Serialize", "Deserialize"];

/// Writes the program.
#[derive(Default)]
struct Program {
    text: String,
    items: usize,
}

fn text(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace("crate ::", "backgroundassets ::")
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether a program with the feature `async` has the item.
fn is_there(attributes: &[Attribute]) -> bool {
    attributes.iter().map(text).all(|attribute| {
        let without = attribute.contains("not (feature = \"async\")");
        let hidden = attribute.contains("doc (hidden)") || attribute.contains("cfg (test)");
        !(without || hidden)
    })
}

/// Whether a signature can be written as the type of a function pointer.
fn is_plain(signature: &Signature) -> bool {
    let shown = text(signature);
    signature.generics.params.is_empty()
        && signature.asyncness.is_none()
        && !shown.contains("impl ")
}

impl Program {
    fn line(&mut self, line: &str) {
        self.items += 1;
        let item = self.items;
        writeln!(self.text, "#[allow(unused)] fn item_{item}() {{ {line} }}").unwrap();
    }

    fn derives(&mut self, name: &str, attributes: &[Attribute]) {
        let derives: String =
            attributes.iter().map(text).filter(|it| it.contains("derive")).collect();
        for derived in TRAITS
            .iter()
            .filter(|name| derives.split(|c: char| !c.is_alphanumeric()).any(|word| word == **name))
        {
            let bound = match *derived {
                "Serialize" => "serde::Serialize",
                "Deserialize" => "serde::de::DeserializeOwned",
                "Debug" => "std::fmt::Debug",
                "Hash" => "std::hash::Hash",
                other => other,
            };
            self.line(&format!("fn has<T: {bound}>() {{}} has::<{name}>();"));
        }
    }

    fn function(&mut self, owner: Option<&str>, signature: &Signature) {
        // What the bridge to another language calls is nothing for programs.
        if signature.abi.is_some() {
            return;
        }
        let name = &signature.ident;
        let path = owner.map_or_else(|| name.to_string(), |owner| format!("{owner}::{name}"));
        if !is_plain(signature) {
            // Its arguments are checked where the examples and tests of the crate call it.
            let called = signature.inputs.iter().map(|_| "any()").collect::<Vec<_>>().join(", ");
            if signature.generics.params.is_empty() {
                self.line(&format!("let _ = || {{ let _ = {path}({called}); }};"));
            }
            return;
        }
        let receiver = |argument: &syn::Receiver| {
            let owner = owner.unwrap_or_default();
            match (&argument.reference, argument.mutability) {
                (None, _) => owner.to_owned(),
                (Some(_), None) => format!("&{owner}"),
                (Some(_), Some(_)) => format!("&mut {owner}"),
            }
        };
        let inputs: Vec<String> = signature
            .inputs
            .iter()
            .map(|input| match input {
                FnArg::Receiver(argument) => receiver(argument),
                FnArg::Typed(argument) => Self::of(owner, &argument.ty),
            })
            .collect();
        let output = match &signature.output {
            ReturnType::Default => "()".to_owned(),
            ReturnType::Type(_, output) => Self::of(owner, output),
        };
        self.line(&format!("let _: fn({}) -> {output} = {path};", inputs.join(", ")));
    }

    fn of(owner: Option<&str>, ty: &Type) -> String {
        let words = text(ty);
        let owner = owner.unwrap_or("Self");
        words
            .split(' ')
            .map(|word| if word == "Self" { owner } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Struct(it) if is_public(&it.vis) && is_there(&it.attrs) => {
                let name = it.ident.to_string();
                if !it.generics.params.is_empty() {
                    return;
                }
                self.derives(&name, &it.attrs);
                self.line(&format!("let _ = size_of::<{name}>();"));
                if let Fields::Named(fields) = &it.fields {
                    for field in fields.named.iter().filter(|field| is_public(&field.vis)) {
                        let (field, ty) = (field.ident.as_ref().unwrap(), text(&field.ty));
                        self.line(&format!(
                            "let _ = |it: {name}| {{ let _: {ty} = it.{field}; }};"
                        ));
                    }
                }
            }
            Item::Enum(it) if is_public(&it.vis) && is_there(&it.attrs) => {
                let name = it.ident.to_string();
                self.derives(&name, &it.attrs);
                let arms: Vec<String> =
                    it.variants.iter().map(|variant| Self::arm(&name, variant)).collect();
                self.line(&format!("let _ = |it: {name}| match it {{ {} }};", arms.join(" ")));
            }
            Item::Trait(it) if is_public(&it.vis) && is_there(&it.attrs) => self.declared(it),
            Item::Fn(it) if is_public(&it.vis) && is_there(&it.attrs) => {
                self.function(None, &it.sig);
            }
            Item::Type(it) if is_public(&it.vis) && is_there(&it.attrs) => {
                let (name, ty) = (&it.ident, text(&it.ty));
                self.line(&format!("let _: fn({name}) -> {ty} = |it| it;"));
            }
            Item::Impl(it) if it.trait_.is_none() && is_there(&it.attrs) => {
                let owner = text(&it.self_ty);
                if !it.generics.params.is_empty() {
                    return;
                }
                for part in &it.items {
                    match part {
                        ImplItem::Fn(it) if is_public(&it.vis) && is_there(&it.attrs) => {
                            self.function(Some(&owner), &it.sig);
                        }
                        ImplItem::Const(it) if is_public(&it.vis) => {
                            let ty = Self::of(Some(&owner), &it.ty);
                            self.line(&format!("let _: {ty} = {owner}::{};", it.ident));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// Says which type each field of a variant has.
    fn typed<'a>(fields: impl Iterator<Item = (&'a syn::Field, &'a String)>) -> String {
        let lines = fields.map(|(field, name)| format!("let _: {} = {name};", text(&field.ty)));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// An arm that takes a variant apart; together they are all that there is.
    fn arm(name: &str, variant: &syn::Variant) -> String {
        let case = &variant.ident;
        match &variant.fields {
            Fields::Unit => format!("{name}::{case} => {{}}"),
            Fields::Unnamed(fields) => {
                let names: Vec<_> = (0..fields.unnamed.len()).map(|n| format!("f{n}")).collect();
                let types = fields.unnamed.iter().zip(&names);
                let types = Self::typed(types);
                format!("{name}::{case}({}) => {{ {types} }}", names.join(", "))
            }
            Fields::Named(fields) => {
                let names: Vec<_> =
                    fields.named.iter().map(|f| f.ident.as_ref().unwrap().to_string()).collect();
                let types = fields.named.iter().zip(&names);
                let types = Self::typed(types);
                format!("{name}::{case} {{ {} }} => {{ {types} }}", names.join(", "))
            }
        }
    }

    /// Implements a trait twice: all of it, and what has to be.
    fn declared(&mut self, declared: &syn::ItemTrait) {
        let name = &declared.ident;
        let methods = declared.items.iter().filter_map(|item| match item {
            TraitItem::Fn(method) if is_there(&method.attrs) => Some(method),
            _ => None,
        });
        let methods: Vec<_> = methods.collect();
        let body = |method: &&syn::TraitItemFn| format!("{} {{ any() }}", text(&method.sig));
        let all: String = methods.iter().map(body).collect();
        let required: String =
            methods.iter().filter(|method| method.default.is_none()).map(body).collect();
        self.line(&format!("struct All; impl {name} for All {{ {all} }}"));
        self.line(&format!("struct Required; impl {name} for Required {{ {required} }}"));
    }
}

/// The program for a version.
fn program(crate_folder: &Path) -> Program {
    let mut program = Program::default();
    program.text.push_str("#![allow(warnings)]\n");
    program.text.push_str("use backgroundassets::*; use backgroundassets::async_api::*;\n");
    program.text.push_str("use std::collections::BTreeMap; use std::os::fd::OwnedFd;\n");
    program.text.push_str("use std::time::SystemTime; use std::future::Future;\n");
    program.text.push_str("fn any<T>() -> T { loop {} }\n");
    let source = crate_folder.join("src");
    let mut files: Vec<_> = MODULES.iter().map(|name| source.join(format!("{name}.rs"))).collect();
    let asynchronous = std::fs::read_dir(source.join("async_api")).unwrap();
    files.extend(asynchronous.map(|entry| entry.unwrap().path()));
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for item in &syn::parse_file(&text).unwrap().items {
            program.item(item);
        }
    }
    // What the root gives is what `use backgroundassets::*` brings; each name has to be there.
    program.text.push_str("fn main() {}\n");
    program
}

fn compare(version: &str, feature: &'static str, items_min: usize) {
    let Some(crate_folder) = published(version) else { return };
    let program = program(&crate_folder);
    assert!(program.items >= items_min, "only {} checks were generated", program.items);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("surface.rs");
    std::fs::write(&source, &program.text).unwrap();
    let built = Built::with(feature);
    let kind = ["--crate-type", "bin", "--emit", "metadata"];
    let output = built.compile(&source, &kind, folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_public_item_of_the_published_crate_is_here() {
    compare("0.4.2", "async", 200);
}

#[test]
fn every_public_item_of_the_version_before_is_here_with_its_feature() {
    compare("0.3.0", "v0_3", 200);
}
