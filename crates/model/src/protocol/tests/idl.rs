//! A reader of Varlink's interface language, and a check of JSON values against it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

#[derive(Debug, Clone)]
pub(super) enum Type {
    Bool,
    Int,
    Float,
    Text,
    Object,
    Named(String),
    List(Box<Type>),
    Map(Box<Type>),
    Optional(Box<Type>),
    Struct(Vec<(String, Type)>),
    Enum(Vec<String>),
}

#[derive(Debug, Default)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) types: BTreeMap<String, Type>,
    pub(super) methods: BTreeMap<String, (Type, Type)>,
    pub(super) errors: BTreeMap<String, Type>,
}

pub(super) fn parse(text: &str) -> Interface {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let mut interface = Interface::default();
    reader.expect("interface");
    interface.name = reader.word();
    while reader.at < tokens.len() {
        let keyword = reader.word();
        let name = reader.word();
        assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
        let first = reader.members(&name);
        match keyword.as_str() {
            "type" => drop(interface.types.insert(name, first)),
            "error" => drop(interface.errors.insert(name, first)),
            "method" => {
                reader.expect("->");
                let reply = reader.members(&name);
                interface.methods.insert(name, (first, reply));
            }
            other => panic!("{other} is no member of an interface"),
        }
    }
    interface
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut word = String::new();
        let mut symbols = line.chars().peekable();
        while let Some(c) = symbols.next() {
            if c.is_ascii_alphanumeric() || c == '.' || c == '_' {
                word.push(c);
                continue;
            }
            if !word.is_empty() {
                tokens.push(std::mem::take(&mut word));
            }
            match c {
                ' ' => {}
                '-' => {
                    assert_eq!(symbols.next(), Some('>'), "{line}");
                    tokens.push("->".to_owned());
                }
                '(' | ')' | '[' | ']' | ':' | ',' | '?' => tokens.push(c.to_string()),
                _ => panic!("{c:?} in {line}"),
            }
        }
        if !word.is_empty() {
            tokens.push(word);
        }
    }
    tokens
}

struct Reader<'a> {
    tokens: &'a [String],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn word(&mut self) -> String {
        let word = self.peek().to_owned();
        assert!(word.starts_with(|c: char| c.is_ascii_alphabetic()), "a name, not `{word}`");
        self.at += 1;
        word
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) {
        assert!(self.takes(token), "`{token}`, not `{}`", self.peek());
    }

    /// `(a: T, b: T)` or `(a, b)`.
    fn members(&mut self, of: &str) -> Type {
        self.expect("(");
        let (mut fields, mut names) = (Vec::new(), Vec::new());
        while !self.takes(")") {
            if !fields.is_empty() || !names.is_empty() {
                self.expect(",");
            }
            let name = self.word();
            if self.takes(":") { fields.push((name, self.ty())) } else { names.push(name) }
        }
        assert!(fields.is_empty() || names.is_empty(), "{of} is half struct, half enum");
        if names.is_empty() { Type::Struct(fields) } else { Type::Enum(names) }
    }

    fn ty(&mut self) -> Type {
        if self.takes("?") {
            return Type::Optional(Box::new(self.ty()));
        }
        if self.takes("[") {
            let map = self.takes("string");
            self.expect("]");
            let inner = Box::new(self.ty());
            return if map { Type::Map(inner) } else { Type::List(inner) };
        }
        if self.peek() == "(" {
            return self.members("a nested type");
        }
        match self.word().as_str() {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "float" => Type::Float,
            "string" => Type::Text,
            "object" => Type::Object,
            name => Type::Named(name.to_owned()),
        }
    }
}

/// Compares values with types, and remembers which fields and names it has met.
#[derive(Default)]
pub(super) struct Checker {
    pub(super) seen: BTreeSet<String>,
}

impl Checker {
    /// Every difference between `value` and `ty`, which stands at `place`.
    pub(super) fn check(&mut self, of: &Interface, ty: &Type, value: &Value, place: &str) {
        match (ty, value) {
            (Type::Bool, Value::Bool(_))
            | (Type::Text, Value::String(_))
            | (Type::Object, _)
            | (Type::Optional(_), Value::Null) => {}
            (Type::Int, Value::Number(n)) => assert!(n.is_i64(), "{place}: {n} is no int"),
            (Type::Float, Value::Number(n)) => assert!(n.is_f64(), "{place}: {n} is no float"),
            (Type::Named(name), value) => {
                let ty = of.types.get(name);
                let ty = ty.unwrap_or_else(|| panic!("{place}: no type {name} is described"));
                self.check(of, ty, value, name);
            }
            (Type::Optional(inner), value) => self.check(of, inner, value, place),
            (Type::List(inner), Value::Array(items)) => {
                for item in items {
                    self.check(of, inner, item, place);
                }
            }
            (Type::Map(inner), Value::Object(entries)) => {
                for item in entries.values() {
                    self.check(of, inner, item, place);
                }
            }
            (Type::Enum(names), Value::String(name)) => {
                assert!(names.contains(name), "{place}: `{name}` is not described");
                self.seen.insert(format!("{place}.{name}"));
            }
            (Type::Struct(fields), Value::Object(values)) => {
                self.fields(of, (fields, place), values);
            }
            (ty, value) => panic!("{place}: {value} is no {ty:?}"),
        }
    }

    fn fields(
        &mut self,
        of: &Interface,
        (fields, place): (&[(String, Type)], &str),
        values: &serde_json::Map<String, Value>,
    ) {
        for name in values.keys() {
            let known = fields.iter().any(|(field, _)| field == name);
            assert!(known, "{place}: the field `{name}` is not described");
        }
        for (name, ty) in fields {
            let inner = format!("{place}.{name}");
            match values.get(name) {
                Some(value) => {
                    self.check(of, ty, value, &inner);
                    self.seen.insert(inner);
                }
                None => assert!(matches!(ty, Type::Optional(_)), "{inner} is missing"),
            }
        }
    }
}

/// Every field and name that `ty` describes at `place`, as a [`Checker`] remembers them.
pub(super) fn described(ty: &Type, place: &str, into: &mut BTreeSet<String>) {
    match ty {
        Type::Struct(fields) => {
            for (name, ty) in fields {
                let inner = format!("{place}.{name}");
                described(ty, &inner, into);
                into.insert(inner);
            }
        }
        Type::Enum(names) => into.extend(names.iter().map(|name| format!("{place}.{name}"))),
        Type::Optional(inner) | Type::List(inner) | Type::Map(inner) => {
            described(inner, place, into);
        }
        _ => {}
    }
}
