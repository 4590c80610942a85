//! Which file each URL becomes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use headstart_model::Failure;
use headstart_transfer::{FileRequest, ShownUrl};
use percent_encoding::percent_decode_str;
use url::Url;

use super::list::{self, Entry};
use super::{FILE_BYTES_MAX, Get};
use crate::failure;

impl Get {
    /// The downloads. Nothing was changed yet: mistakes are told before the first byte.
    pub(super) fn plan(&self) -> Result<Vec<FileRequest>, Failure> {
        let mut entries: Vec<_> = self.urls.iter().cloned().map(Entry::new).collect();
        if let Some(path) = &self.list {
            entries.extend(list::read(path)?);
        }
        let is_one = entries.len() == 1;
        if self.output.is_some() && !is_one {
            let message = "`--output` names one file, but several URLs are given";
            return Err(failure::usage(message).with_hint("use `-C DIR` for several"));
        }
        let hash = self.sha256.or(self.blake3);
        if (self.size.is_some() || hash.is_some()) && !is_one {
            let message = "a size or digest is that of one file, but several URLs are given";
            return Err(failure::usage(message)
                .with_hint("write them below each URL in a list (`-i FILE`)"));
        }
        let mut taken = BTreeSet::new();
        let mut requests = Vec::with_capacity(entries.len());
        for entry in entries {
            let path = self.path(&entry)?;
            if !taken.insert(path.clone()) {
                let message = format!("two of the URLs would be written to `{}`", path.display());
                return Err(failure::usage(message)
                    .with_hint("download one of them by itself with `-o FILE`"));
            }
            let mut request = FileRequest::new(entry.url, path, FILE_BYTES_MAX);
            request.expected_bytes = self.size.or(entry.size);
            request.hash = hash.or(entry.hash);
            requests.push(request);
        }
        requests.iter().try_for_each(|request| refuse_in_the_way(&request.path, &taken))?;
        Ok(requests)
    }

    fn path(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.output {
            return failure::output_place(path);
        }
        let folder = self.directory.as_deref().unwrap_or(Path::new(""));
        let name = match &entry.name {
            Some(name) if is_plain(name) => name.clone(),
            Some(name) => {
                return Err(failure::usage(format!("`{name}` is no plain file name"))
                    .with_hint("`out=` takes the name of a file in the folder of `-C`"));
            }
            None => file_name(&entry.url)?,
        };
        Ok(folder.join(name))
    }
}

/// Until a file is whole it lies beside its place, where no other may be written.
fn refuse_in_the_way(path: &Path, taken: &BTreeSet<PathBuf>) -> Result<(), Failure> {
    for ending in [".part", ".part.state"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        if taken.contains(Path::new(&beside)) {
            let (path, beside) = (path.display(), Path::new(&beside).display());
            let message = format!(
                "`{path}` lies in `{beside}` until it is whole, and that is to be another file"
            );
            return Err(failure::usage(message)
                .with_hint("download one of them by itself, or give it another name with `out=`"));
        }
    }
    Ok(())
}

/// The last part of the URL's path, if it is a file name.
fn file_name(url: &Url) -> Result<String, Failure> {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    let name = percent_decode_str(last).decode_utf8_lossy().into_owned();
    // What a server's address is called must not decide where a file is written.
    if is_plain(&name) && !name.starts_with('.') {
        return Ok(name);
    }
    let message = format!("`{}` does not end in a file name", ShownUrl::from(url));
    Err(failure::usage(message).with_hint("name the file with `-o FILE`"))
}

fn is_plain(name: &str) -> bool {
    headstart_model::PackPath::normalized(name).is_ok() && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> Result<String, Failure> {
        file_name(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn names_of_files_cannot_leave_the_folder() {
        assert_eq!(name("https://a/x/level%201.bin?token=1").expect("plain"), "level 1.bin");
        for url in [
            "https://a/",
            "https://a/x/..%2fy",
            "https://a/%2e%2e",
            "https://a/.profile",
            "https://a/c%3a",
        ] {
            assert!(name(url).is_err(), "{url}");
        }
    }

    #[test]
    fn no_file_is_written_where_another_one_lies_until_it_is_whole() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        refuse_in_the_way(Path::new("a/x"), &paths(&["a/x", "a/y.part", "x.part"])).expect("apart");
        for other in ["a/x.part", "a/x.part.state"] {
            refuse_in_the_way(Path::new("a/x"), &paths(&["a/x", other])).expect_err(other);
        }
    }

    #[test]
    fn secrets_of_an_address_are_not_told() {
        let told = name("https://me:secret@a/?secret").expect_err("no name");
        assert!(!told.message.contains("secret"), "{}", told.message);
    }
}
