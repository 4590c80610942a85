//! From a document to a manifest.

use std::collections::BTreeSet;

use jsonc_parser::ast::Value;

use super::document::{Document, Fields};
use super::error::{ManifestError, ManifestProblem};
use super::manifest::{LAUNCH_SET_MAX, PackagingManifest};
use super::pattern::Pattern;
use super::policy::{policy, unknown_name};
use super::selector::FileSelector;
use super::selector_path::{PackFolder, SelectorError, SelectorPath, SourceRoot};
use crate::{AppVersions, Language, PackId, PackPath, Platform};

const PLATFORMS: &[&str] = &["iOS", "macOS", "tvOS", "visionOS", "linux", "windows", "android"];

pub(super) fn manifest(document: &Document<'_>) -> Result<PackagingManifest, ManifestError> {
    let fields = document.object(document.root(), "the manifest")?;
    fields.only(PackagingManifest::KEYS)?;
    Ok(PackagingManifest {
        asset_pack_id: pack_id(document, fields.required("assetPackID")?)?,
        download_policy: policy(document, fields.required("downloadPolicy")?)?,
        file_selectors: selectors(document, fields.required("fileSelectors")?)?,
        platforms: platforms(document, fields.required("platforms")?)?,
        language: fields.optional("language").map(|value| language(document, value)).transpose()?,
        source_root: fields
            .optional("sourceRoot")
            .map(|value| path(document, value, "`sourceRoot`", SourceRoot::new))
            .transpose()?,
        app_versions: fields
            .optional("appVersions")
            .map(|value| app_versions(document, value))
            .transpose()?,
        launch_set: fields
            .optional("launchSet")
            .map(|value| launch_set(document, value))
            .transpose()?
            .unwrap_or_default(),
        user_info: fields
            .optional("userInfo")
            .map(|value| user_info(document, value))
            .transpose()?,
    })
}

fn pack_id(document: &Document<'_>, value: &Value<'_>) -> Result<PackId, ManifestError> {
    let text = document.text(value, "`assetPackID`")?;
    PackId::new(text).map_err(|problem| document.error(value, problem))
}

fn language(document: &Document<'_>, value: &Value<'_>) -> Result<Language, ManifestError> {
    let text = document.text(value, "`language`")?;
    Language::new(text).map_err(|problem| document.error(value, problem))
}

fn app_versions(document: &Document<'_>, value: &Value<'_>) -> Result<AppVersions, ManifestError> {
    let text = document.text(value, "`appVersions`")?;
    AppVersions::new(text).map_err(|problem| document.error(value, problem))
}

fn user_info(
    document: &Document<'_>,
    value: &Value<'_>,
) -> Result<serde_json::Value, ManifestError> {
    document.object(value, "`userInfo`")?;
    let mut info = document.plain(value)?;
    info.sort_all_objects();
    Ok(info)
}

fn launch_set(document: &Document<'_>, list: &Value<'_>) -> Result<Vec<PackPath>, ManifestError> {
    let values = document.list(list, "`launchSet`")?;
    if values.len() > LAUNCH_SET_MAX {
        let what = "`launchSet`".to_owned();
        let problem = ManifestProblem::TooMany { what, limit: LAUNCH_SET_MAX };
        return Err(document.error(list, problem));
    }
    let mut seen = BTreeSet::new();
    let mut paths = Vec::with_capacity(values.len());
    for (number, value) in values.iter().enumerate() {
        let what = format!("`launchSet[{number}]`");
        let path = path(document, value, &what, |text| Ok(PackPath::normalized(text)?))?;
        if !seen.insert(path.clone()) {
            let (what, name) = ("`launchSet`".to_owned(), path.to_string());
            return Err(document.error(value, ManifestProblem::Repeated { what, name }));
        }
        paths.push(path);
    }
    Ok(paths)
}

fn platforms(document: &Document<'_>, list: &Value<'_>) -> Result<Vec<Platform>, ManifestError> {
    let mut platforms = Vec::new();
    for value in document.list(list, "`platforms`")? {
        let name = document.text(value, "an entry of `platforms`")?;
        let platform = match name {
            "iOS" => Platform::Ios,
            "macOS" => Platform::Macos,
            "tvOS" => Platform::Tvos,
            "visionOS" => Platform::Visionos,
            "linux" => Platform::Linux,
            "windows" => Platform::Windows,
            "android" => Platform::Android,
            name if name.eq_ignore_ascii_case("iPadOS") => {
                return Err(document.error(value, ManifestProblem::IpadOs));
            }
            name => return Err(document.error(value, unknown_name("`platforms`", name, PLATFORMS))),
        };
        if platforms.contains(&platform) {
            let (what, name) = ("`platforms`".to_owned(), name.to_owned());
            return Err(document.error(value, ManifestProblem::Repeated { what, name }));
        }
        platforms.push(platform);
    }
    Ok(platforms)
}

fn selectors(
    document: &Document<'_>,
    list: &Value<'_>,
) -> Result<Vec<FileSelector>, ManifestError> {
    let values = document.list(list, "`fileSelectors`")?;
    if values.is_empty() {
        let problem = ManifestProblem::Empty { what: "`fileSelectors`".to_owned(), of: "selector" };
        return Err(document.error(list, problem));
    }
    let numbered = values.iter().enumerate();
    numbered.map(|(number, value)| selector(document, value, number)).collect()
}

fn selector(
    document: &Document<'_>,
    value: &Value<'_>,
    number: usize,
) -> Result<FileSelector, ManifestError> {
    let what = format!("`fileSelectors[{number}]`");
    let fields = document.object(value, &what)?;
    fields.only(FileSelector::KEYS)?;
    let at = SelectorFields { document, fields: &fields, number };
    let mut keys: Vec<&str> = fields.properties().iter().map(|field| field.name.as_str()).collect();
    keys.sort_unstable();
    Ok(match keys.as_slice() {
        ["file"] => FileSelector::File { file: at.path("file", SelectorPath::file)? },
        ["directory"] => {
            FileSelector::Directory { directory: at.path("directory", SelectorPath::folder)? }
        }
        ["filePattern"] => {
            FileSelector::FilePattern { file_pattern: at.path("filePattern", Pattern::new)? }
        }
        ["fileExclusion"] => {
            FileSelector::FileExclusion { file_exclusion: at.path("fileExclusion", Pattern::new)? }
        }
        ["fileDestination", "fileSource"] => FileSelector::PlacedFile {
            file_source: at.path("fileSource", SelectorPath::file)?,
            file_destination: at.path("fileDestination", file_destination)?,
        },
        ["directoryDestination", "directorySource"] => FileSelector::PlacedDirectory {
            directory_source: at.path("directorySource", SelectorPath::folder)?,
            directory_destination: at.path("directoryDestination", PackFolder::new)?,
        },
        keys => {
            let found = match keys {
                [] => "no key".to_owned(),
                keys => keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and "),
            };
            return Err(fields.error(ManifestProblem::SelectorShape { what, found }));
        }
    })
}

/// The keys of the selector with this number.
struct SelectorFields<'f, 'd, 'a> {
    document: &'d Document<'a>,
    fields: &'f Fields<'d, 'a>,
    number: usize,
}

impl SelectorFields<'_, '_, '_> {
    fn path<T>(
        &self,
        key: &'static str,
        new: impl FnOnce(&str) -> Result<T, SelectorError>,
    ) -> Result<T, ManifestError> {
        let what = format!("`fileSelectors[{}].{key}`", self.number);
        path(self.document, self.fields.required(key)?, &what, new)
    }
}

/// A file's destination keeps its last slash and `.` parts as mistakes: it names a file, so nothing is guessed.
fn file_destination(text: &str) -> Result<PackPath, SelectorError> {
    SelectorPath::file(text)?;
    Ok(PackPath::normalized(text)?)
}

fn path<T>(
    document: &Document<'_>,
    value: &Value<'_>,
    what: &str,
    new: impl FnOnce(&str) -> Result<T, SelectorError>,
) -> Result<T, ManifestError> {
    let text = document.text(value, what)?;
    new(text).map_err(|problem| {
        document.error(value, ManifestProblem::Path { what: what.to_owned(), problem })
    })
}
