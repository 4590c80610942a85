//! Reading `headstart.toml`.

use toml::de::{DeInteger, DeTable, DeValue};

use super::node::{Description, Entry, Field, Node, Value};
use super::problem::{BundleError, BundleProblem, ProblemKind};
use super::{DESCRIPTION_BYTES_MAX, read};
use crate::{Place, Suggestion};

const TABLES: &[&str] = &["app", "background-assets", "appGroups"];
const APP_KEYS: &[&str] =
    &["id", "version", "name", "icon", "executable", "extension", "languages"];

pub(super) fn read(bytes: &[u8]) -> Result<Description, BundleError> {
    if bytes.len() > DESCRIPTION_BYTES_MAX {
        return Err(BundleError::TooLarge { bytes: bytes.len() });
    }
    let text = std::str::from_utf8(bytes).map_err(BundleError::NotText)?;
    let table = DeTable::parse(text).map_err(BundleError::Toml)?;
    Ok(description(entries(&Lines::new(text), table.get_ref())))
}

fn description(mut top: Vec<Entry>) -> Description {
    let mut problems = Vec::new();
    let app_groups = take(&mut top, "appGroups");
    let mut app = read::table(&mut problems, "app", take(&mut top, "app"));
    let assets = take(&mut top, "background-assets");
    let assets = read::table(&mut problems, "background-assets", assets);
    let mut field = |key: &'static str, name: &str| Field { key, node: take(&mut app, name) };
    let (id, version) = (field("app.id", "id"), field("app.version", "version"));
    let (name, icon) = (field("app.name", "name"), field("app.icon", "icon"));
    let executable = field("app.executable", "executable");
    let extension = field("app.extension", "extension");
    let languages = field("app.languages", "languages");
    unknown(&mut problems, "", top, TABLES);
    unknown(&mut problems, "app.", app, APP_KEYS);
    Description {
        id,
        version,
        name,
        icon,
        executable,
        extension,
        languages,
        app_groups: Field { key: "appGroups", node: app_groups },
        assets,
        assets_prefix: "background-assets.",
        problems,
    }
}

fn take(entries: &mut Vec<Entry>, key: &str) -> Option<Node> {
    let at = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(at).node)
}

fn unknown(
    problems: &mut Vec<BundleProblem>,
    prefix: &str,
    left: Vec<Entry>,
    known: &'static [&'static str],
) {
    problems.extend(left.into_iter().map(|entry| {
        let kind = ProblemKind::Unknown(Suggestion::new(&entry.key, known));
        BundleProblem { key: format!("{prefix}{}", entry.key), place: entry.place, kind }
    }));
}

/// Where lines begin, so that places of many values are found without reading the text again for each.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start =
            line.checked_sub(1).and_then(|line| self.starts.get(line)).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }
}

fn entries(lines: &Lines<'_>, table: &DeTable<'_>) -> Vec<Entry> {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        place: Some(lines.place(key.span().start)),
        node: Node {
            place: Some(lines.place(value.span().start)),
            value: plain(lines, value.get_ref()),
        },
    });
    entries.collect()
}

/// The parser has limited the depth already.
fn plain(lines: &Lines<'_>, value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => Value::Integer(integer(number)),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(list) => Value::List(
            list.iter()
                .map(|item| Node {
                    place: Some(lines.place(item.span().start)),
                    value: plain(lines, item.get_ref()),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(lines, table)),
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}
