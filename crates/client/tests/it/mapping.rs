//! The page that maps the original's names to ours names what there is, and tests that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use headstart::blocking::AssetPackManager as Blocking;
use headstart::{
    ArrivingFile, AssetPack, AssetPackManager, AssetPackManifest, DownloadProgress,
    DownloadStatusUpdate, EnsureOptions, Error, Listening, LocalAvailabilityError, Namespace,
    Require, SizeCalculationMethod, Status, UpdateCheck, recent,
};

/// The names of items; each has to be there for this to compile.
macro_rules! items {
    ($($item:path),* $(,)?) => {{
        $(let _item = $item;)*
        [$(stringify!($item)),*]
    }};
}

/// The names of types.
macro_rules! types {
    ($($item:ty),* $(,)?) => {{
        $(let _size = size_of::<$item>();)*
        [$(stringify!($item)),*]
    }};
}

/// The names of fields that everybody may read.
macro_rules! fields {
    ($($item:ident::$field:ident),* $(,)?) => {{
        $(let _size = |value: &$item| size_of_val(&value.$field);)*
        [$(concat!(stringify!($item), "::", stringify!($field))),*]
    }};
}

/// The names of methods that both managers have.
macro_rules! on_both {
    ($($method:ident),* $(,)?) => {{
        $(let _item = AssetPackManager::$method; let _item = Blocking::$method;)*
        [$(concat!("AssetPackManager::", stringify!($method))),*]
    }};
}

/// The names of methods of both that take packs, and options of any kind that says the terms.
macro_rules! on_both_with_options {
    ($($method:ident($packs:ty)),* $(,)?) => {{
        $(
            let _call = |on: &AssetPackManager, packs: $packs| {
                drop(on.$method(packs, EnsureOptions::new()));
            };
            let _call = |on: &Blocking, packs: $packs| {
                drop(on.$method(packs, EnsureOptions::new()));
            };
        )*
        [$(concat!("AssetPackManager::", stringify!($method))),*]
    }};
}

mod downloads;

fn of_both_managers() -> Vec<&'static str> {
    let mut names = on_both![
        connect,
        shared,
        manifest,
        all_asset_packs,
        asset_pack,
        status_of,
        status_relative_to,
        local_status,
        asset_pack_is_available_locally,
        local_version,
        local_size,
        ensure_local_availability,
        check_for_updates,
        contents,
        contents_in,
        contents_for,
        descriptor,
        descriptor_in,
        descriptor_for,
        url,
        url_for,
        path,
        path_in,
        path_for,
        resolved_language,
        set_resolved_language,
        set_server_headers,
        locally_available_languages,
        reconcile_preferred_languages,
        remove,
        cancel,
        status_updates,
        status_updates_for,
        namespace,
        release_paths,
        consume,
        read_ahead,
        consume_in,
        consume_for,
        checkout,
    ]
    .to_vec();
    let listens = |on: &AssetPackManager, twin: &Blocking| {
        drop((on.listen(None, |_| ()), twin.listen(None, |_| ())));
    };
    let _compiled = size_of_val(&listens);
    names.push("AssetPackManager::listen");
    names.extend(on_both_with_options![
        ensure_local_availability_with(&AssetPack),
        ensure_local_availability_of(&[AssetPack]),
        ensure_any_local_availability(&[AssetPack]),
    ]);
    names
}

/// Every name that the page may have.
fn known() -> BTreeSet<&'static str> {
    let mut names: BTreeSet<_> = of_both_managers().into_iter().chain(downloads::known()).collect();
    names.extend(types![
        ArrivingFile,
        AssetPack,
        AssetPackManager,
        AssetPackManifest,
        DownloadStatusUpdate,
        Listening,
        LocalAvailabilityError,
        SizeCalculationMethod,
        Status,
    ]);
    names.extend(items![
        AssetPack::id,
        AssetPack::version,
        AssetPack::download_size,
        AssetPack::user_info,
        AssetPack::language,
        AssetPack::installed_size,
        AssetPack::policy,
        AssetPack::trust,
        AssetPack::archive_url,
        AssetPackManifest::from_url,
        AssetPackManifest::from_bytes,
        AssetPackManifest::asset_packs,
        AssetPackManifest::asset_pack,
        AssetPackManifest::localized_asset_packs,
        AssetPackManifest::localized_asset_packs_for,
        AssetPackManifest::primary_language,
        AssetPackManifest::available_languages,
        AssetPackManifest::resolved_language,
        Namespace::folder,
        Namespace::collisions,
        Error::code,
        Error::missing,
        Error::number,
        Require::LatestVersion,
        EnsureOptions::urgency,
    ]);
    names.extend(items![
        Status::DOWNLOAD_AVAILABLE,
        Status::UPDATE_AVAILABLE,
        Status::UP_TO_DATE,
        Status::OUT_OF_DATE,
        Status::OBSOLETE,
        Status::DOWNLOADING,
        Status::DOWNLOADED,
        DownloadStatusUpdate::Began,
        DownloadStatusUpdate::Paused,
        DownloadStatusUpdate::Downloading,
        DownloadStatusUpdate::Finished,
        DownloadStatusUpdate::Failed,
        DownloadStatusUpdate::Missed,
        DownloadProgress::fraction,
        DownloadProgress::cancel,
        DownloadProgress::bytes_per_second,
        DownloadProgress::eta_seconds,
    ]);
    let recent: fn(usize) -> (recent::Recorder<()>, recent::Recent<()>) = recent::channel;
    let _compiled = size_of_val(&recent);
    names.extend(types![recent::Place]);
    names.extend(["recent::channel", "recent::Recent"]);
    names.extend(fields![
        UpdateCheck::updating,
        UpdateCheck::withheld,
        UpdateCheck::removed,
        LocalAvailabilityError::successes,
        LocalAvailabilityError::failures,
    ]);
    names
}

/// What the original's packs can do: be compared, be keys of a map, be sent, shown, written and read.
const fn is_a_value<T>()
where
    T: Eq + std::hash::Hash + Clone + Send + Sync + std::fmt::Display + 'static,
    T: serde::Serialize + serde::de::DeserializeOwned,
{
}
const _: () = is_a_value::<AssetPack>();

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the page's tables: the names in the last two columns.
fn rows() -> Vec<(String, Vec<String>, Vec<String>)> {
    let page = std::fs::read_to_string(root().join("docs/spec/api-mapping.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Swift"));
    rows.filter(|line| !line.starts_with("| Ours |"))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').collect();
            let ours = if cells.len() == 4 { cells[2] } else { cells[0] };
            (line.to_owned(), quoted(ours), quoted(cells[cells.len() - 1]))
        })
        .collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_row_names_items_that_exist() {
    let known = known();
    let rows = rows();
    assert!(rows.len() > 150, "only {} rows were found", rows.len());
    let mut named = BTreeSet::new();
    for (row, ours, _) in &rows {
        assert!(!ours.is_empty(), "this row has no item: {row}");
        for name in ours {
            assert!(known.contains(name.as_str()), "`{name}` is no item: {row}");
            named.insert(name.as_str());
        }
    }
    let missing: Vec<_> = known.difference(&named).collect();
    assert!(missing.is_empty(), "the page does not have {missing:?}");
}

#[test]
fn every_row_names_tests_that_exist() {
    for (row, _, tests) in rows() {
        assert!(!tests.is_empty(), "this row has no test: {row}");
        for test in tests {
            let (file, name) = test.split_once('#').unwrap();
            let text = std::fs::read_to_string(root().join(file)).unwrap_or_default();
            let head = format!("#[test]\nfn {name}()");
            let dedented: Vec<_> = text.lines().map(str::trim_start).collect();
            assert!(dedented.join("\n").contains(&head), "there is no test `{test}`: {row}");
        }
    }
}
