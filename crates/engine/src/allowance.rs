//! What an app may download before its first launch. `Spec: concepts 14`. Pure: numbers in, decisions out.

use headstart_model::Failure;
use headstart_model::download::{BackgroundAssetsErrorCode as Code, UrlDownload};
use headstart_model::protocol::extension::AppExtensionInfo;
use url::Url;

use crate::effect::FileLimit;
use crate::record::{App, FileDownload, Spent};

/// The largest file whose size nobody has named, in bytes: 1 TiB. `Ours:` nothing from outside decides how much is written.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 40;
/// The largest manifest, in bytes. `Ours:` its format is the developer's business, but an extension has to read it with a few
/// megabytes of memory.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes that may still be scheduled; none in what nothing limits. `Spec: api 9`.
pub(crate) fn remaining(app: &App) -> AppExtensionInfo {
    let Some(restrictions) = app.restrictions() else { return AppExtensionInfo::default() };
    let left = |allowed: u64, spent: u64| Some(allowed.saturating_sub(spent));
    AppExtensionInfo {
        restricted_download_size_remaining: left(restrictions.allowance_bytes, app.spent.bytes),
        restricted_essential_download_size_remaining: left(
            restrictions.essential_allowance_bytes,
            app.spent.essential_bytes,
        ),
    }
}

fn left_for(app: &App, essential: bool) -> Option<u64> {
    let info = remaining(app);
    if essential {
        info.restricted_essential_download_size_remaining
    } else {
        info.restricted_download_size_remaining
    }
}

/// Whether the host of a download is allowed. `Spec: concepts 14`, error 202.
pub(crate) fn check_domain(app: &App, download: &UrlDownload) -> Result<(), Failure> {
    let Some(restrictions) = app.restrictions() else { return Ok(()) };
    let url: Option<Url> = download.url.parse().ok();
    if url.as_ref().is_some_and(|url| restrictions.allow(url)) {
        return Ok(());
    }
    let host = url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let message = format!(
        "`{}` comes from `{host}`, which is not in the app's list before its first launch",
        download.identifier
    );
    Err(Code::DisallowedByDomain
        .failure(message)
        .with_hint("add the host to BADownloadDomainAllowList"))
}

/// Whether a download fits into what is left. `Spec: concepts 14`, error 112 when it is scheduled.
pub(crate) fn check_size(app: &App, download: &UrlDownload) -> Result<(), Failure> {
    let Some(left) = left_for(app, download.essential) else { return Ok(()) };
    match download.file_size {
        Some(size) if size > left => {
            let message = format!(
                "`{}` has {size} bytes, and {left} are left of the app's allowance before its first launch",
                download.identifier
            );
            Err(Code::WouldExceedAllowance.failure(message).with_hint(hint(download.essential)))
        }
        None if left == 0 => Err(used_up(download)),
        _ => Ok(()),
    }
}

fn hint(essential: bool) -> &'static str {
    if essential { "raise BAEssentialDownloadAllowance" } else { "raise BADownloadAllowance" }
}

/// Nothing is left. `Spec: concepts 14`, error 203.
fn used_up(download: &UrlDownload) -> Failure {
    let message = format!(
        "`{}` cannot be fetched: the app's allowance before its first launch is used up",
        download.identifier
    );
    Code::DisallowedByAllowance.failure(message).with_hint(hint(download.essential))
}

/// Whether a download whose size was not known, or a manifest, may begin. `Spec: concepts 14`, error 203.
pub(crate) fn check_start(app: &App, file: &FileDownload) -> Result<(), Failure> {
    match limit_of(app, file) {
        FileLimit::Allowance(0) => Err(used_up(&file.download)),
        _ => Ok(()),
    }
}

/// Whether a file whose size nobody had named, and which has arrived, still fits into what is left. `Spec: concepts 14`,
/// error 204.
pub(crate) fn check_arrived(app: &App, file: &FileDownload, bytes: u64) -> Result<(), Failure> {
    let download = &file.download;
    let left = if file.is_manifest() {
        left_for_manifest(app)
    } else {
        left_for(app, download.essential).filter(|_| download.file_size.is_none())
    };
    match left {
        Some(left) if bytes > left => {
            let message = format!(
                "`{}` has {bytes} bytes, and {left} were left of the app's allowance before its first launch",
                download.identifier
            );
            Err(Code::AllowanceExceeded.failure(message).with_hint(hint(download.essential)))
        }
        _ => Ok(()),
    }
}

/// The most bytes that a download may have, and what says so.
///
/// `Ours:` a manifest is charged to the allowance of what is not essential, and what that lacks to the essential one: an app
/// with essential downloads alone has a manifest too.
pub(crate) fn limit_of(app: &App, file: &FileDownload) -> FileLimit {
    if file.is_manifest() {
        return match left_for_manifest(app) {
            Some(left) if left < MANIFEST_BYTES_MAX => FileLimit::Allowance(left),
            _ => FileLimit::Service(MANIFEST_BYTES_MAX),
        };
    }
    match (file.download.file_size, left_for(app, file.download.essential)) {
        (Some(size), _) => FileLimit::Exactly(size),
        (None, Some(left)) => FileLimit::Allowance(left),
        (None, None) => FileLimit::Service(FILE_BYTES_MAX),
    }
}

fn left_for_manifest(app: &App) -> Option<u64> {
    let (other, essential) = left_for(app, false).zip(left_for(app, true))?;
    Some(other.saturating_add(essential))
}

/// Counts bytes that are scheduled, or of a manifest that has arrived.
pub(crate) fn charge(app: &mut App, essential: bool, bytes: u64) {
    let spent = spent(&mut app.spent, essential);
    *spent = spent.saturating_add(bytes);
}

/// Gives back what was counted and not used.
pub(crate) fn refund(app: &mut App, essential: bool, bytes: u64) {
    let spent = spent(&mut app.spent, essential);
    *spent = spent.saturating_sub(bytes);
}

/// Charges a manifest where [`limit_of`] allowed it.
pub(crate) fn charge_manifest(app: &mut App, bytes: u64) {
    let other = left_for(app, false).map_or(bytes, |left| left.min(bytes));
    charge(app, false, other);
    charge(app, true, bytes - other);
}

fn spent(spent: &mut Spent, essential: bool) -> &mut u64 {
    if essential { &mut spent.essential_bytes } else { &mut spent.bytes }
}
