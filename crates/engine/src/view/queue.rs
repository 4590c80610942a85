//! The queue as listings show it. `Spec: cli`, `downloads list`.

use headstart_model::download::{
    BackgroundAssetsErrorCode as Code, DownloadPriority, DownloadStatus, UrlDownload,
};
use headstart_model::{AppId, ErrorKind, Failure, PackId};

use crate::class::Class;
use crate::id::DownloadId;
use crate::live::Course;
use crate::record::{FileDownload, FileStage, Outcome, Stage};
use crate::state::State;

/// Bytes of the downloads of one page, roughly: a reply is bounded.
const PAGE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a download is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A pack.
    Pack(PackId),
    /// A single download, by its identifier.
    File(String),
}

/// A download of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadView {
    /// Its number.
    pub id: DownloadId,
    /// The app.
    pub app: AppId,
    /// What it is for.
    pub subject: Subject,
    /// Where it is in its life.
    pub status: DownloadStatus,
    /// Its present class.
    pub class: Class,
    /// Its place among the app's downloads; packs have none of their own.
    pub priority: DownloadPriority,
    /// Whether the app waits for it before it may be launched.
    pub essential: bool,
    /// Whether a person has paused it.
    pub paused: bool,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all, once that is known.
    pub bytes_total: Option<u64>,
}

/// A single download as its app sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileView {
    /// Its number.
    pub id: DownloadId,
    /// What was asked for.
    pub download: UrlDownload,
    /// Where it is in its life.
    pub status: DownloadStatus,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all, once that is known.
    pub bytes_total: Option<u64>,
}

/// Every download of a pack that has not concluded, oldest first.
#[must_use]
pub fn downloads(state: &State) -> Vec<DownloadView> {
    let ids = state.records.downloads().map(|(id, _)| id);
    ids.filter_map(|id| pack_view(state, id)).collect()
}

/// At most `limit` downloads with higher numbers than `after`, of one app or of all, oldest first. Manifests are left out.
#[must_use]
pub fn queue(
    state: &State,
    app: Option<&AppId>,
    after: Option<DownloadId>,
    limit: usize,
) -> Vec<DownloadView> {
    let from = DownloadId(after.map_or(0, |id| id.0.saturating_add(1)));
    let packs = state.records.downloads.range(from..).map(|(id, _)| *id);
    let packs = packs.filter_map(|id| pack_view(state, id));
    let files = state.records.files.range(from..);
    let files = files.filter(|(_, file)| !file.is_manifest());
    let files = files.filter_map(|(id, _)| file_view(state, *id));
    let of_app = |view: &DownloadView| app.is_none_or(|app| *app == view.app);
    // Both are in order already, and no more than a page of each is wanted.
    let mut views: Vec<_> = packs.filter(of_app).take(limit).collect();
    views.extend(files.filter(of_app).take(limit));
    views.sort_by_key(|view| view.id);
    views.truncate(limit);
    views
}

fn pack_view(state: &State, id: DownloadId) -> Option<DownloadView> {
    let download = state.records.download(id)?;
    let progress = state.live.progress.get(&id).copied().unwrap_or_default();
    let class = state.live.class_of(id, download.demand.class());
    let status = match download.stage {
        Stage::Planning(_) | Stage::Transferring(_) if is_running(state, id) => {
            DownloadStatus::Downloading
        }
        Stage::Waiting | Stage::Planning(_) | Stage::Transferring(_) => DownloadStatus::Waiting,
        Stage::Built | Stage::Switching(_) => DownloadStatus::Finished,
    };
    Some(DownloadView {
        id,
        app: download.key.app.clone(),
        subject: Subject::Pack(download.key.pack.clone()),
        status,
        class,
        priority: DownloadPriority::DEFAULT,
        essential: class == Class::Essential,
        paused: download.paused,
        bytes_done: progress.shown(),
        bytes_total: Some(progress.total),
    })
}

fn file_view(state: &State, id: DownloadId) -> Option<DownloadView> {
    let file = state.records.file(id)?;
    Some(DownloadView {
        id,
        app: file.app.clone(),
        subject: Subject::File(file.download.identifier.clone()),
        status: status_of(state, id, file),
        class: state.live.class_of(id, file.class()),
        priority: file.download.priority,
        essential: file.download.essential,
        paused: file.paused,
        bytes_done: bytes_done(state, id, file),
        bytes_total: file.download.file_size,
    })
}

fn bytes_done(state: &State, id: DownloadId, file: &FileDownload) -> u64 {
    match file.outcome() {
        Some(Outcome::Finished { bytes }) => *bytes,
        _ => state.live.progress.get(&id).map_or(0, |progress| progress.done),
    }
}

/// Where a single download is in its life.
pub(crate) fn status_of(state: &State, id: DownloadId, file: &FileDownload) -> DownloadStatus {
    match &file.stage {
        FileStage::Transferring(_) if is_running(state, id) => DownloadStatus::Downloading,
        FileStage::Installing { .. } => DownloadStatus::Downloading,
        FileStage::Waiting | FileStage::Transferring(_) => DownloadStatus::Waiting,
        FileStage::Concluded(Outcome::Finished { .. }) => DownloadStatus::Finished,
        FileStage::Concluded(Outcome::Failed(_)) => DownloadStatus::Failed,
    }
}

fn is_running(state: &State, id: DownloadId) -> bool {
    state.live.order_of(id).is_some_and(|(_, active)| active.course == Course::Running)
}

/// At most `limit` single downloads of `app` that have not ended, with higher numbers than `after`, oldest first.
/// `Spec: api 5`, `fetchCurrentDownloads`.
#[must_use]
pub fn current(
    state: &State,
    app: &AppId,
    after: Option<DownloadId>,
    limit: usize,
) -> Vec<FileView> {
    let from = DownloadId(after.map_or(0, |id| id.0.saturating_add(1)));
    let ids = state.live.files.of_app.get(app).into_iter().flat_map(|ids| ids.range(from..));
    let open = ids.filter_map(|id| {
        let file = state.records.file(*id)?;
        (file.outcome().is_none() && !file.is_manifest()).then(|| FileView {
            id: *id,
            download: file.download.clone(),
            status: status_of(state, *id, file),
            bytes_done: bytes_done(state, *id, file),
            bytes_total: file.download.file_size,
        })
    });
    let mut bytes = 0;
    open.take(limit)
        .take_while(|view| {
            // The first is always told, however much it says.
            let fits = bytes < PAGE_BYTES_MAX;
            bytes += view.download.weight_bytes();
            fits
        })
        .collect()
}

/// The download that a person names: by its number, or by its identifier where only one app has such a download.
///
/// # Errors
/// A [`Failure`] when there is none, or several.
pub fn find_download(
    state: &State,
    app: Option<&AppId>,
    name: &str,
) -> Result<DownloadId, Failure> {
    if let Ok(number) = name.parse::<u64>() {
        let id = DownloadId(number);
        let of = state.records.download(id).map(|download| &download.key.app);
        let of = of.or_else(|| state.records.file(id).map(|file| &file.app));
        if of.is_some_and(|of| app.is_none_or(|app| app == of)) {
            return Ok(id);
        }
    }
    let apps = state.live.files.of_app.keys().filter(|of| app.is_none_or(|app| app == *of));
    let found: Vec<_> = apps
        .filter_map(|of| {
            let open = state.live.files.find(of, name);
            let ended = || ended(state, of, name);
            Some((of, open.or_else(ended)?))
        })
        .collect();
    match &found[..] {
        [] if is_gone(state, name) => Err(Code::DoesNotExist
            .failure(format!("the download number {name} does not exist any more"))
            .with_hint("`headstart downloads list` shows what there is")),
        [] => {
            let shown: String = name.chars().take(80).collect();
            Err(Code::NotScheduled
                .failure(format!("there is no download `{shown}`"))
                .with_hint("`headstart downloads list` shows what there is"))
        }
        [(_, id)] => Ok(*id),
        several => {
            let apps: Vec<_> = several.iter().map(|(app, _)| app.as_str()).collect();
            let message = format!("several apps have a download `{name}`: {}", apps.join(", "));
            Err(Failure::new(ErrorKind::Usage, "ambiguousDownload", message)
                .with_hint("name the app with --app"))
        }
    }
}

/// Whether this is the number of a download that there was once. `Spec: api 10`, error 113.
fn is_gone(state: &State, name: &str) -> bool {
    let Ok(number) = name.parse::<u64>() else { return false };
    let (id, records) = (DownloadId(number), &state.records);
    let was_given = (1..records.counters.next_download).contains(&number);
    was_given && records.download(id).is_none() && records.file(id).is_none()
}

fn ended(state: &State, app: &AppId, identifier: &str) -> Option<DownloadId> {
    let concluded = state.live.files.concluded.get(app)?;
    let named = |id: &&DownloadId| {
        state.records.file(**id).is_some_and(|file| file.download.identifier == identifier)
    };
    concluded.iter().find(named).copied()
}
