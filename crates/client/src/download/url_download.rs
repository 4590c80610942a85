//! Making a download of a file.

use std::collections::BTreeMap;

use headstart_model::{AppGroupId, download as model};

use super::{Download, DownloadKind, DownloadPriority, new_unique_identifier};
use crate::error::Error;

/// A download of a file of the app's own, before it is scheduled. `Spec: api 7`, `BAURLDownload`.
///
/// ```
/// use headstart::{AppGroupId, DownloadPriority, UrlDownload};
///
/// let group = AppGroupId::new("group.com.example.game")?;
/// let level = UrlDownload::new("levels/2", "https://assets.example.com/2", 70_000, &group)?
///     .priority(DownloadPriority::MAX)
///     .header("Accept-Language", "pt-BR")?
///     .into_download();
/// assert_eq!((level.identifier(), level.file_size()), ("levels/2", Some(70_000)));
///
/// let plain = UrlDownload::new("levels/3", "http://assets.example.com/3", 1, &group);
/// assert_eq!(plain.unwrap_err().code(), "downloadInvalid", "not encrypted");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UrlDownload {
    download: Download,
}

impl UrlDownload {
    /// A download of `url`, whose file has exactly `file_size` bytes: another size fails.
    /// `Spec: concepts 14`.
    ///
    /// The file is handed over in the container of `app_group`. Not essential, with the default
    /// priority, without headers.
    ///
    /// # Errors
    /// `downloadInvalid`, naming what is wrong: the identifier, a size of 0 or that no file has, a URL that is none, or
    /// one that is not encrypted and leaves this machine. `Spec: concepts 16`. Whether `http` to
    /// this machine is allowed depends on how the app was installed; scheduling tells it.
    pub fn new(
        identifier: &str,
        url: &str,
        file_size: u64,
        app_group: &AppGroupId,
    ) -> Result<Self, Error> {
        Self::make(identifier, url, Some(file_size), app_group)
    }

    /// As [`new`](Self::new), where nobody knows the size. It cannot be essential, and before the
    /// app's first launch an allowance may refuse it. `Spec: api 7`, the deprecated initialisers.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn without_size(
        identifier: &str,
        url: &str,
        app_group: &AppGroupId,
    ) -> Result<Self, Error> {
        Self::make(identifier, url, None, app_group)
    }

    fn make(
        identifier: &str,
        url: &str,
        file_size: Option<u64>,
        app_group: &AppGroupId,
    ) -> Result<Self, Error> {
        let download = Download::created(model::UrlDownload {
            identifier: identifier.to_owned(),
            unique_identifier: new_unique_identifier(),
            kind: DownloadKind::Url,
            url: url.to_owned(),
            method: "GET".to_owned(),
            headers: BTreeMap::new(),
            file_size,
            essential: false,
            app_group: app_group.clone(),
            priority: DownloadPriority::DEFAULT,
            pack_version: None,
        });
        download.check()?;
        Ok(Self { download })
    }

    /// Whether the app may not be launched before it has concluded. Only an extension may give such
    /// a download, in answer to an installation or update. `Spec: concepts 6`.
    ///
    /// One without a size is refused when it is scheduled.
    #[must_use]
    pub fn essential(mut self, essential: bool) -> Self {
        self.download.description.essential = essential;
        self
    }

    /// Its place among the app's downloads.
    #[must_use]
    pub fn priority(mut self, priority: DownloadPriority) -> Self {
        self.download.description.priority = priority;
        self
    }

    /// Asks with this method, for a program that has requests of its own. `GET` is what is asked with
    /// anyway, and the only one.
    ///
    /// # Errors
    /// `downloadInvalid` for any other.
    pub fn method(mut self, method: &str) -> Result<Self, Error> {
        method.clone_into(&mut self.download.description.method);
        self.download.check()?;
        Ok(self)
    }

    /// Sends this header too, in place of one of the same name. It may hold a secret: it is shown
    /// nowhere.
    ///
    /// # Errors
    /// `downloadInvalid` when it is no header, is the transfer's own business (`Range`, `Host`), or
    /// the headers become too long.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let headers = &mut self.download.description.headers;
        // Names are the same whatever their case. `Spec: RFC 9110 5.1`.
        headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
        headers.insert(name.to_owned(), value.to_owned());
        self.download.check()?;
        Ok(self)
    }

    /// Sends these headers too, each as [`header`](Self::header) does.
    ///
    /// # Errors
    /// As [`header`](Self::header), of the first that fails.
    pub fn headers<N: AsRef<str>, V: AsRef<str>>(
        self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let mut headers = headers.into_iter();
        headers.try_fold(self, |made, (name, value)| made.header(name.as_ref(), value.as_ref()))
    }

    /// As what is scheduled.
    #[must_use]
    pub fn into_download(self) -> Download {
        self.download
    }
}

impl AsRef<Download> for UrlDownload {
    fn as_ref(&self) -> &Download {
        &self.download
    }
}
