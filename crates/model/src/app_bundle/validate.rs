//! From a description to a bundle: every mistake of `Spec: app-bundle 7`, all at once.

mod assets;

use std::collections::BTreeMap;

use super::bundle::AppBundle;
use super::node::{Description, Field};
use super::problem::{BundleError, BundleProblem, ProblemKind, ValueError};
use super::read::{At, table};
use super::version::AppVersion;
use crate::{AppGroupId, AppId, Language, PackPath};

/// Most characters of a name that people read.
const NAME_CHARACTERS_MAX: usize = 100;

pub(super) fn bundle(description: Description) -> Result<AppBundle, BundleError> {
    let mut problems = description.problems;
    let id = required(&mut problems, &description.id, |text| AppId::new(text));
    let version = required(&mut problems, &description.version, AppVersion::new);
    let name = optional(&mut problems, &description.name, name);
    let icon = optional(&mut problems, &description.icon, |text| PackPath::new(text));
    let executable = required(&mut problems, &description.executable, |text| PackPath::new(text));
    let extension = optional(&mut problems, &description.extension, |text| PackPath::new(text));
    if extension.is_some() && extension == executable {
        problem(&mut problems, &description.extension, ProblemKind::SameProgram);
    }
    let languages = languages(&mut problems, &description.languages);
    let app_groups = app_groups(&mut problems, description.app_groups);
    let extension_key = description.extension.node.is_none().then_some(description.extension.key);
    let prefix = description.assets_prefix;
    let background_assets =
        assets::assets(&mut problems, prefix, description.assets, extension_key);
    match (id, version, executable) {
        (Some(id), Some(version), Some(executable)) if problems.is_empty() => Ok(AppBundle {
            id,
            version,
            name,
            executable,
            extension,
            icon,
            languages,
            background_assets,
            app_groups,
        }),
        _ => Err(BundleError::Problems(problems)),
    }
}

fn problem(problems: &mut Vec<BundleProblem>, field: &Field, kind: ProblemKind) {
    let place = field.node.as_ref().and_then(|node| node.place);
    problems.push(BundleProblem { key: field.key.to_owned(), place, kind });
}

fn required<T, E: Into<ValueError>>(
    problems: &mut Vec<BundleProblem>,
    field: &Field,
    new: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    if field.node.is_none() {
        problem(problems, field, ProblemKind::Missing { why: "" });
    }
    optional(problems, field, new)
}

fn optional<T, E: Into<ValueError>>(
    problems: &mut Vec<BundleProblem>,
    field: &Field,
    new: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    let node = field.node.as_ref()?;
    At { problems, key: field.key.to_owned() }.text(node, new)
}

/// What stands under an icon: one line.
fn name(text: &str) -> Result<String, ValueError> {
    let long = text.chars().nth(NAME_CHARACTERS_MAX).is_some();
    if long || text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(ValueError::Name { limit: NAME_CHARACTERS_MAX });
    }
    Ok(text.trim().to_owned())
}

fn languages(problems: &mut Vec<BundleProblem>, field: &Field) -> Vec<Language> {
    let Some(node) = &field.node else { return Vec::new() };
    At { problems, key: field.key.to_owned() }.texts(node, Language::new)
}

fn app_groups(problems: &mut Vec<BundleProblem>, field: Field) -> BTreeMap<AppGroupId, Vec<AppId>> {
    let mut groups = BTreeMap::new();
    for entry in table(problems, field.key, field.node) {
        let mut at = At { problems, key: format!("{}.{}", field.key, entry.key) };
        let apps = at.texts(&entry.node, |text| AppId::new(text));
        match AppGroupId::new(entry.key) {
            Ok(group) => {
                groups.insert(group, apps);
            }
            Err(error) => at.problem(entry.place, ValueError::from(error)),
        }
    }
    groups
}
