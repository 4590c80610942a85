//! Values for scripted answers.

use headstart::packs::{Pack, PackState, Trust};
use headstart::{
    AppId, DownloadPolicy, ErrorKind, Failure, PackId, PackVersion, Phase, Progress, Status,
};

pub(crate) fn app() -> AppId {
    AppId::new("com.example.game").unwrap()
}

pub(crate) fn pack_id(id: &str) -> PackId {
    PackId::new(id).unwrap()
}

pub(crate) fn pack(id: &str) -> Pack {
    Pack {
        id: pack_id(id),
        version: PackVersion(2),
        download_size: 10,
        installed_size: 20,
        user_info: Some(serde_json::json!({ "title": id })),
        language: None,
        policy: DownloadPolicy::on_demand(),
        trust: Trust::Signed,
    }
}

pub(crate) fn state(id: &str, status: Status) -> PackState {
    PackState { app: app(), pack: pack(id), local_version: None, status }
}

pub(crate) fn progress(fraction: f64) -> Progress {
    Progress {
        phase: Phase::Download,
        pack: None,
        bytes_done: 1,
        bytes_total: 10,
        bytes_per_second: 5,
        eta_seconds: Some(2),
        fraction,
    }
}

/// With everything that a failure can have.
pub(crate) fn failure() -> Failure {
    let mut failure = Failure::new(ErrorKind::NoSpace, "diskFull", "`a` needs 3 bytes more")
        .with_hint("free some space");
    failure.causes = vec!["quota exceeded".to_owned(), "device full".to_owned()];
    failure
}

pub(crate) fn group() -> headstart::AppGroupId {
    headstart::AppGroupId::new("group.com.example.game").unwrap()
}

/// A download that a test may schedule.
pub(crate) fn url_download(identifier: &str) -> headstart::UrlDownload {
    let url = format!("https://assets.example.com/{identifier}");
    headstart::UrlDownload::new(identifier, &url, 70_000, &group()).unwrap()
}

/// The same as it travels.
pub(crate) fn on_the_wire(
    download: impl AsRef<headstart::Download>,
) -> headstart_model::download::UrlDownload {
    let mut json = serde_json::to_value(download.as_ref()).unwrap();
    for own in ["status", "bytesDone", "bytesTotal"] {
        json.as_object_mut().unwrap().remove(own);
    }
    serde_json::from_value(json).unwrap()
}
