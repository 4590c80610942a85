//! A download as an app describes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::priority::DownloadPriority;
use super::problem::DownloadProblem;
use crate::{AppGroupId, PackId, PackVersion, UrlPolicy};

/// Bytes of an identifier, at most. `Ours:` enough for a path.
pub const IDENTIFIER_BYTES_MAX: usize = 512;
/// Bytes of a unique identifier, at most.
pub const UNIQUE_BYTES_MAX: usize = 64;
/// Bytes of a URL, at most. `Ours:` signed addresses are long, but servers take no longer ones.
pub const URL_BYTES_MAX: usize = 8 * 1024;
/// Headers of one download, at most.
pub const HEADERS_MAX: usize = 32;
/// Bytes of the names and values of its headers together, at most.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;

/// What a download is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum DownloadKind {
    /// A file of the app's own.
    #[default]
    Url,
    /// The archive of a pack that the app manages by itself. `Spec: api 1`, `download(for:)`.
    AssetPack,
    /// The manifest that the service fetches before it wakes the extension; never scheduled by anybody. `Spec: concepts 4.4`.
    Manifest,
}

/// A file to fetch and to hand over once. `Spec: api 7`, `BAURLDownload`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UrlDownload {
    /// What the developer calls it; unique among the downloads of an app that have not concluded. 1 to
    /// [`IDENTIFIER_BYTES_MAX`] bytes.
    pub identifier: String,
    /// What it is called for good: another download with the same identifier has another one.
    pub unique_identifier: String,
    /// What it is for.
    #[serde(default)]
    pub kind: DownloadKind,
    /// Where the file lies.
    pub url: String,
    /// The method of the request: `GET`.
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// Headers of the request. They may hold secrets: `Debug` shows their names only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The exact size of the file in bytes; another one fails. None only where the download is not essential.
    /// `Spec: concepts 6 and 14`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_size: Option<u64>,
    /// Whether the app may not be launched before it has concluded.
    #[serde(default)]
    pub essential: bool,
    /// The group in whose container the file is handed over.
    pub app_group: AppGroupId,
    /// Its place among the app's downloads.
    #[serde(default)]
    pub priority: DownloadPriority,
    /// The version of the pack whose archive it is, as the download manifest says: an archive does not know its own. Needed
    /// for [`DownloadKind::AssetPack`], whose identifier is the pack's id. `Spec: packs 4.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_version: Option<PackVersion>,
}

fn get() -> String {
    "GET".to_owned()
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

/// Headers that the transfer sets itself: another value would break ranges, resuming or the framing of the request.
const OWN_HEADERS: [&str; 12] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "if-match",
    "if-none-match",
    "if-range",
    "proxy-authorization",
    "range",
    "te",
    "transfer-encoding",
];

impl UrlDownload {
    /// Tells whether everything about it is as it has to be, but for the encryption of its URL, on which an installation
    /// decides: see [`Self::check_url`].
    ///
    /// # Errors
    /// The first [`DownloadProblem`].
    pub fn check(&self) -> Result<(), DownloadProblem> {
        let control = self.identifier.chars().any(char::is_control);
        if self.identifier.is_empty() || self.identifier.len() > IDENTIFIER_BYTES_MAX || control {
            return Err(DownloadProblem::Identifier { limit: IDENTIFIER_BYTES_MAX });
        }
        let unique = &self.unique_identifier;
        let plain = unique.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if unique.is_empty() || unique.len() > UNIQUE_BYTES_MAX || !plain {
            return Err(DownloadProblem::UniqueIdentifier { limit: UNIQUE_BYTES_MAX });
        }
        self.check_url(UrlPolicy::Insecure)?;
        if self.method != "GET" {
            let method = self.method.chars().take(20).collect();
            return Err(DownloadProblem::Method { method });
        }
        self.check_headers()?;
        match self.file_size {
            Some(0) => return Err(DownloadProblem::FileSize),
            Some(given) if i64::try_from(given).is_err() => {
                return Err(DownloadProblem::FileTooLarge { given });
            }
            None if self.essential => return Err(DownloadProblem::EssentialWithoutSize),
            _ => {}
        }
        let names_pack = self.asset_pack().is_some() && self.file_size.is_some();
        if self.kind == DownloadKind::AssetPack && !names_pack {
            return Err(DownloadProblem::AssetPack);
        }
        Ok(())
    }

    /// The pack and version whose archive it is; none when it is no archive of a pack.
    #[must_use]
    pub fn asset_pack(&self) -> Option<(PackId, PackVersion)> {
        if self.kind != DownloadKind::AssetPack {
            return None;
        }
        Some((PackId::new(self.identifier.as_str()).ok()?, self.pack_version?))
    }

    /// The URL, if `policy` allows it.
    ///
    /// # Errors
    /// [`DownloadProblem::NotAUrl`] and [`DownloadProblem::Url`].
    pub fn check_url(&self, policy: UrlPolicy) -> Result<Url, DownloadProblem> {
        let cut = || DownloadProblem::NotAUrl { url: self.url.chars().take(120).collect() };
        if self.url.len() > URL_BYTES_MAX {
            return Err(cut());
        }
        let url: Url = self.url.parse().map_err(|_| cut())?;
        policy.check_web(&url)?;
        Ok(url)
    }

    fn check_headers(&self) -> Result<(), DownloadProblem> {
        let given = self.headers.len();
        if given > HEADERS_MAX {
            return Err(DownloadProblem::Headers { given, limit: HEADERS_MAX });
        }
        let mut bytes = 0_usize;
        for (name, value) in &self.headers {
            let refused =
                |why| DownloadProblem::Header { name: name.chars().take(60).collect(), why };
            bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
            if name.is_empty() || !name.bytes().all(is_token) || !value.bytes().all(is_field) {
                return Err(refused(""));
            }
            if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(refused(": the transfer sets it itself"));
            }
            if bytes > HEADER_BYTES_MAX {
                return Err(refused(": the headers are too long"));
            }
        }
        Ok(())
    }

    /// Bytes that it takes in memory, roughly: what bounds how many of them somebody may hand in.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        const FIXED_BYTES: usize = 512;
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len() + 64);
        let texts = self.identifier.len() + self.unique_identifier.len() + self.url.len();
        (FIXED_BYTES + texts + headers.sum::<usize>()) as u64
    }

    /// The same download, not essential: what an extension schedules again when an essential one has failed. Who does so gives
    /// it a unique identifier of its own. `Spec: api 7`, `removingEssential`.
    #[must_use]
    pub fn removing_essential(&self) -> Self {
        Self { essential: false, ..self.clone() }
    }
}

/// Whether a byte may stand in the name of a header. `Spec: RFC 9110 5.6.2`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a byte may stand in the value of a header. `Spec: RFC 9110 5.5`.
fn is_field(byte: u8) -> bool {
    byte == b'\t' || (0x20..0x7f).contains(&byte)
}

/// Shows neither the values of headers nor the query of the URL, which may hold secrets.
impl std::fmt::Debug for UrlDownload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("UrlDownload")
            .field("identifier", &self.identifier)
            .field("unique_identifier", &self.unique_identifier)
            .field("kind", &self.kind)
            .field("url", &url)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("file_size", &self.file_size)
            .field("essential", &self.essential)
            .field("app_group", &self.app_group)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UrlProblem;

    fn download() -> UrlDownload {
        UrlDownload {
            identifier: "levels/1".to_owned(),
            unique_identifier: "0b9c-1".to_owned(),
            kind: DownloadKind::Url,
            url: "https://assets.example.com/levels/1?signature=abc".to_owned(),
            method: get(),
            headers: BTreeMap::from([("Authorization".to_owned(), "Bearer abc".to_owned())]),
            file_size: Some(1024),
            essential: true,
            app_group: AppGroupId::new("group.game").expect("a good id"),
            priority: DownloadPriority::DEFAULT,
            pack_version: None,
        }
    }

    fn problem(change: impl FnOnce(&mut UrlDownload)) -> DownloadProblem {
        let mut download = download();
        change(&mut download);
        download.check().expect_err("something is wrong with it")
    }

    #[test]
    fn a_download_as_it_has_to_be_has_no_problem() {
        assert_eq!(download().check(), Ok(()));
        assert!(!download().removing_essential().essential);
    }

    #[test]
    fn what_ends_the_process_elsewhere_is_a_problem_here() {
        assert_eq!(problem(|d| d.file_size = Some(0)), DownloadProblem::FileSize);
        let given = u64::MAX;
        let too_large = DownloadProblem::FileTooLarge { given };
        assert_eq!(problem(|d| d.file_size = Some(given)), too_large);
        assert_eq!(problem(|d| d.file_size = None), DownloadProblem::EssentialWithoutSize);
        assert!(matches!(problem(|d| d.identifier.clear()), DownloadProblem::Identifier { .. }));
        assert!(matches!(
            problem(|d| d.unique_identifier = "../x".to_owned()),
            DownloadProblem::UniqueIdentifier { .. }
        ));
        let url = |text: &str| problem(|d| d.url = text.to_owned());
        assert!(matches!(url("assets"), DownloadProblem::NotAUrl { .. }));
        assert!(matches!(
            url("ftp://example.com/x"),
            DownloadProblem::Url(UrlProblem::Scheme { .. })
        ));
        assert!(matches!(
            url("https://me:secret@example.com/x"),
            DownloadProblem::Url(UrlProblem::Credentials { .. })
        ));
        let plain = UrlDownload { url: "http://example.com/x".to_owned(), ..download() };
        assert!(matches!(
            plain.check_url(UrlPolicy::Secure),
            Err(DownloadProblem::Url(UrlProblem::Http { .. }))
        ));
        assert!(matches!(
            problem(|d| d.method = "POST".to_owned()),
            DownloadProblem::Method { .. }
        ));
    }

    #[test]
    fn an_archive_says_whose_it_is() {
        let archive = UrlDownload {
            identifier: "levels".to_owned(),
            kind: DownloadKind::AssetPack,
            pack_version: Some(PackVersion(3)),
            ..download()
        };
        assert_eq!(archive.check(), Ok(()));
        let id = PackId::new("levels").expect("a good id");
        assert_eq!(archive.asset_pack(), Some((id, PackVersion(3))));
        let other = |change: fn(&mut UrlDownload)| {
            let mut other = archive.clone();
            change(&mut other);
            other.check()
        };
        let refused = Err(DownloadProblem::AssetPack);
        assert_eq!(other(|d| d.pack_version = None), refused);
        assert_eq!(other(|d| d.identifier = "levels/1".to_owned()), refused);
        assert_eq!(other(|d| (d.essential, d.file_size) = (false, None)), refused);
        assert_eq!(download().asset_pack(), None);
    }

    #[test]
    fn headers_that_would_break_the_transfer_are_refused() {
        for (name, value) in [
            ("Range", "bytes=0-"),
            ("host", "x"),
            ("a b", "x"),
            ("X-A", "line\r\nbreak"),
            ("", "x"),
        ] {
            let problem = problem(|d| drop(d.headers.insert(name.to_owned(), value.to_owned())));
            assert!(matches!(problem, DownloadProblem::Header { .. }), "{name}: {problem}");
        }
        let many = |d: &mut UrlDownload| {
            d.headers = (0..=HEADERS_MAX).map(|n| (format!("x-{n}"), String::new())).collect();
        };
        assert!(matches!(problem(many), DownloadProblem::Headers { .. }));
        let long = |d: &mut UrlDownload| {
            d.headers = BTreeMap::from([("x".to_owned(), "y".repeat(HEADER_BYTES_MAX))]);
        };
        assert!(matches!(problem(long), DownloadProblem::Header { .. }));
    }

    #[test]
    fn what_is_shown_holds_no_secret() {
        let shown = format!("{:?}", download());
        assert!(!shown.contains("abc"), "{shown}");
        assert!(shown.contains("Authorization"));
    }

    #[test]
    fn json_is_that_of_the_socket() {
        let json = serde_json::to_value(download()).expect("plain data");
        assert_eq!(json["fileSize"], 1024);
        assert_eq!(json["appGroup"], "group.game");
        assert!(json.get("method").is_none(), "GET goes without saying");
        assert_eq!(serde_json::from_value::<UrlDownload>(json).expect("own output"), download());
    }
}
