//! JSON with comments, as values that know where they stand.

use std::collections::HashSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::error::{JsonProblem, ManifestError, ManifestProblem};
use super::manifest::{MANIFEST_BYTES_MAX, NESTING_MAX};
use crate::{Place, Suggestion};

/// A text that was parsed.
#[derive(Debug)]
pub(super) struct Document<'a> {
    text: &'a str,
    root: Value<'a>,
}

/// JSON but for comments and trailing commas: what else the parser could let pass is more often a mistake than meant.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, ManifestError> {
        // Some editors begin a file with a byte order mark; it is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let fail =
            |problem: JsonProblem| ManifestError { place: Place::START, problem: problem.into() };
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(fail(JsonProblem::TooLarge {
                bytes: text.len(),
                limit: MANIFEST_BYTES_MAX,
            }));
        }
        let parsed = parse_to_ast(text, &CollectOptions::default(), &OPTIONS)
            .map_err(|error| syntax(text, &error))?;
        let root = parsed
            .value
            .ok_or_else(|| fail(JsonProblem::Syntax { reason: "it holds no value".to_owned() }))?;
        Ok(Self { text, root })
    }

    pub(super) fn root(&self) -> &Value<'a> {
        &self.root
    }

    /// The error `problem` at the place of `node`.
    pub(super) fn error(
        &self,
        node: &impl Ranged,
        problem: impl Into<ManifestProblem>,
    ) -> ManifestError {
        ManifestError { place: Place::of(self.text, node.start()), problem: problem.into() }
    }

    /// The properties of an object, each key once.
    pub(super) fn object<'d>(
        &'d self,
        value: &'d Value<'a>,
        what: &str,
    ) -> Result<Fields<'d, 'a>, ManifestError> {
        let Value::Object(object) = value else {
            return Err(self.wrong_type(value, what, "an object"));
        };
        self.check_duplicates(object)?;
        Ok(Fields { document: self, object, what: what.to_owned() })
    }

    pub(super) fn text<'d>(
        &self,
        value: &'d Value<'a>,
        what: &str,
    ) -> Result<&'d str, ManifestError> {
        match value {
            Value::StringLit(text) => Ok(&text.value),
            _ => Err(self.wrong_type(value, what, "text in double quotes")),
        }
    }

    pub(super) fn list<'d>(
        &self,
        value: &'d Value<'a>,
        what: &str,
    ) -> Result<&'d [Value<'a>], ManifestError> {
        match value {
            Value::Array(array) => Ok(&array.elements),
            _ => Err(self.wrong_type(value, what, "a list")),
        }
    }

    /// The value as plain JSON, checked at every depth.
    pub(super) fn plain(&self, value: &Value<'a>) -> Result<serde_json::Value, ManifestError> {
        self.plain_at(value, 1)
    }

    fn plain_at(
        &self,
        value: &Value<'a>,
        depth: usize,
    ) -> Result<serde_json::Value, ManifestError> {
        if depth > NESTING_MAX {
            return Err(self.error(value, JsonProblem::TooDeep { limit: NESTING_MAX }));
        }
        Ok(match value {
            Value::NullKeyword(_) => serde_json::Value::Null,
            Value::BooleanLit(literal) => literal.value.into(),
            Value::StringLit(text) => text.value.as_ref().into(),
            Value::NumberLit(literal) => number(literal.value).ok_or_else(|| {
                let text = literal.value.chars().take(40).collect();
                self.error(value, JsonProblem::Number { text })
            })?,
            Value::Array(array) => {
                let elements =
                    array.elements.iter().map(|element| self.plain_at(element, depth + 1));
                serde_json::Value::Array(elements.collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                self.check_duplicates(object)?;
                let entries = object.properties.iter().map(|property| {
                    let value = self.plain_at(&property.value, depth + 1)?;
                    Ok((property.name.as_str().to_owned(), value))
                });
                serde_json::Value::Object(entries.collect::<Result<_, _>>()?)
            }
        })
    }

    fn check_duplicates(&self, object: &Object<'a>) -> Result<(), ManifestError> {
        let mut seen = HashSet::new();
        match object.properties.iter().find(|property| !seen.insert(property.name.as_str())) {
            None => Ok(()),
            Some(second) => {
                let key = second.name.as_str().to_owned();
                Err(self.error(second, JsonProblem::DuplicateKey { key }))
            }
        }
    }

    fn wrong_type(&self, value: &Value<'a>, what: &str, expected: &'static str) -> ManifestError {
        let found = match value {
            Value::NullKeyword(_) => "null",
            Value::BooleanLit(_) => "true or false",
            Value::StringLit(_) => "text",
            Value::NumberLit(_) => "a number",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        self.error(value, ManifestProblem::Type { what: what.to_owned(), expected, found })
    }
}

/// The properties of one object.
pub(super) struct Fields<'d, 'a> {
    document: &'d Document<'a>,
    object: &'d Object<'a>,
    what: String,
}

impl<'d, 'a> Fields<'d, 'a> {
    pub(super) fn properties(&self) -> &'d [ObjectProp<'a>] {
        &self.object.properties
    }

    pub(super) fn optional(&self, key: &str) -> Option<&'d Value<'a>> {
        let properties = &self.object.properties;
        properties.iter().find(|property| property.name.as_str() == key).map(|found| &found.value)
    }

    pub(super) fn required(&self, key: &'static str) -> Result<&'d Value<'a>, ManifestError> {
        self.optional(key).ok_or_else(|| {
            self.document
                .error(self.object, ManifestProblem::MissingKey { key, within: self.what.clone() })
        })
    }

    /// Refuses every key outside `known`.
    pub(super) fn only(&self, known: &'static [&'static str]) -> Result<(), ManifestError> {
        let unknown = |property: &&ObjectProp<'_>| !known.contains(&property.name.as_str());
        let Some(property) = self.object.properties.iter().find(unknown) else {
            return Ok(());
        };
        let key: String = property.name.as_str().chars().take(80).collect();
        let suggestion = Suggestion::new(&key, known);
        let within = self.what.clone();
        Err(self.document.error(property, ManifestProblem::UnknownKey { key, within, suggestion }))
    }

    /// The error `problem` at the place of the object.
    pub(super) fn error(&self, problem: ManifestProblem) -> ManifestError {
        self.document.error(self.object, problem)
    }
}

fn syntax(text: &str, error: &ParseError) -> ManifestError {
    let problem = match error.kind() {
        ParseErrorKind::NestingDepthExceeded => JsonProblem::TooDeep { limit: NESTING_MAX },
        kind => {
            let reason = kind.to_string();
            let mut chars = reason.chars();
            let first = chars.next().map(|first| first.to_ascii_lowercase());
            JsonProblem::Syntax { reason: first.into_iter().chain(chars).collect() }
        }
    };
    ManifestError { place: Place::of(text, error.range().start), problem: problem.into() }
}

/// A number in the type that keeps it exactly where there is one; `None` when it is out of every range.
fn number(text: &str) -> Option<serde_json::Value> {
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    serde_json::Number::from_f64(number).map(serde_json::Value::Number)
}
