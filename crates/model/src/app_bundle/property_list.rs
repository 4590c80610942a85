//! Reading `Info.plist`.

mod value;

use std::io::Cursor;

use self::value::Plain;
use super::node::{Description, Entry, Field, Node, Value};
use super::problem::{BundleError, BundleProblem, ProblemKind, ValueError};
use super::read::At;
use super::{DESCRIPTION_BYTES_MAX, read};

/// Names of the extension point that are reported; which one is right is open. `Spec: app-bundle 2`.
const EXTENSION_POINTS: [&str; 2] = [
    "com.apple.background-asset-downloader-extension",
    "com.apple.background-assets.content-request",
];

pub(super) fn read(bytes: &[u8]) -> Result<Description, BundleError> {
    if bytes.len() > DESCRIPTION_BYTES_MAX {
        return Err(BundleError::TooLarge { bytes: bytes.len() });
    }
    // The library knows a third form, which nobody writes any more; a text in it would be taken for something else.
    let Plain(value) = if bytes.starts_with(b"bplist") {
        plist::from_reader(Cursor::new(bytes)).map_err(BundleError::PropertyList)?
    } else {
        plist::from_reader_xml(bytes).map_err(BundleError::PropertyList)?
    };
    let mut problems = Vec::new();
    let top = read::table(&mut problems, "Info.plist", Some(Node { place: None, value }));
    Ok(description(top, problems))
}

fn description(top: Vec<Entry>, mut problems: Vec<BundleProblem>) -> Description {
    let mut ours = Vec::new();
    let mut assets = Vec::new();
    for entry in top {
        if entry.key.starts_with("BA") {
            assets.push(entry);
        } else {
            ours.push(entry);
        }
    }
    let mut take = |key: &'static str| {
        let at = ours.iter().position(|entry| entry.key == key)?;
        Some(ours.swap_remove(at).node)
    };
    let id = Field { key: "CFBundleIdentifier", node: take("CFBundleIdentifier") };
    let version =
        Field { key: "CFBundleShortVersionString", node: take("CFBundleShortVersionString") };
    let display_name = take("CFBundleDisplayName").filter(says_something);
    let short_name = take("CFBundleName").filter(says_something);
    let name = match display_name {
        Some(node) => Field { key: "CFBundleDisplayName", node: Some(node) },
        None => Field { key: "CFBundleName", node: short_name },
    };
    let icon = take("CFBundleIconFile").filter(says_something);
    let icon = Field { key: "CFBundleIconFile", node: icon };
    let executable = Field { key: "CFBundleExecutable", node: take("CFBundleExecutable") };
    let languages = Field { key: "CFBundleLocalizations", node: take("CFBundleLocalizations") };
    let app_groups = Field { key: "appGroups", node: take("appGroups") };
    let extension = Field {
        key: "EXAppExtensionAttributes.EXExtensionExecutable",
        node: extension(&mut problems, take("EXAppExtensionAttributes")),
    };
    Description {
        id,
        version,
        name,
        icon,
        executable,
        extension,
        languages,
        app_groups,
        assets,
        assets_prefix: "",
        problems,
    }
}

/// Tools write keys that nobody filled in as empty texts.
fn says_something(node: &Node) -> bool {
    !matches!(&node.value, Value::Text(text) if text.is_empty())
}

/// The program of the extension. `Ours:` the attributes describe the extension from inside the app's own list, with the key
/// `EXExtensionExecutable` for its program; Apple's other keys may stand beside it.
fn extension(problems: &mut Vec<BundleProblem>, attributes: Option<Node>) -> Option<Node> {
    const TABLE: &str = "EXAppExtensionAttributes";
    attributes.as_ref()?;
    let mut program = None;
    for entry in read::table(problems, TABLE, attributes) {
        match entry.key.as_str() {
            "EXExtensionExecutable" => program = Some(entry.node),
            "EXExtensionPointIdentifier" => {
                let mut at = At { problems, key: format!("{TABLE}.{}", entry.key) };
                at.text(&entry.node, extension_point);
            }
            _ => {}
        }
    }
    if program.is_none() {
        let key = format!("{TABLE}.EXExtensionExecutable");
        let kind = ProblemKind::Missing { why: "" };
        problems.push(BundleProblem { key, place: None, kind });
    }
    program
}

fn extension_point(text: &str) -> Result<(), ValueError> {
    if EXTENSION_POINTS.contains(&text) {
        Ok(())
    } else {
        Err(ValueError::ExtensionPoint { text: text.chars().take(80).collect() })
    }
}
