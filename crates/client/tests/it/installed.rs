//! Installed packs as the service leaves them on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use headstart::{Language, PackVersion};
use headstart_model::PackPath;
use headstart_model::namespace::{Builder, CURRENT_FILE, EntryKind, NewPack, file_name};

use crate::samples::{app, pack_id};

/// Packs with their files, for one generation.
#[derive(Default)]
pub(crate) struct Packs {
    packs: BTreeMap<(String, u64), Content>,
}

struct Content {
    language: Option<Language>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Packs {
    pub(crate) fn with(self, id: &str, version: u64, files: &[(&str, &str)]) -> Self {
        self.with_language(id, version, None, files)
    }

    pub(crate) fn with_language(
        mut self,
        id: &str,
        version: u64,
        language: Option<&str>,
        files: &[(&str, &str)],
    ) -> Self {
        let language = language.map(|tag| Language::new(tag).unwrap());
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        let content = Content { language, files: files.iter().map(own).collect() };
        self.packs.insert((id.to_owned(), version), content);
        self
    }
}

pub(crate) fn namespace_folder(home: &Path) -> PathBuf {
    home.join("apps").join(app().as_str()).join("namespace")
}

pub(crate) fn snapshot_file(home: &Path, generation: u64) -> PathBuf {
    namespace_folder(home).join(file_name(generation))
}

pub(crate) fn pack_folder(home: &Path, id: &str, version: u64) -> PathBuf {
    home.join("packs").join(app().as_str()).join(id).join(version.to_string())
}

/// Writes files, snapshot, and then, at once, that this is the newest generation.
pub(crate) fn install(home: &Path, generation: u64, packs: &Packs) {
    let mut builder = Builder::new(generation);
    for ((id, version), Content { language, files }) in &packs.packs {
        let folder = pack_folder(home, id, *version);
        for (path, bytes) in files {
            let at = folder.join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, bytes).unwrap();
        }
        let pack = NewPack {
            id: pack_id(id),
            version: PackVersion(*version),
            language: language.clone(),
            root: format!("packs/{}/{id}/{version}", app()),
        };
        let entry = |(path, bytes): (&String, &Vec<u8>)| {
            let kind = EntryKind::File { size_bytes: bytes.len() as u64, executable: false };
            (PackPath::new(path.as_str()).unwrap(), kind)
        };
        builder.add(pack, files.iter().map(entry)).unwrap();
    }
    fs::create_dir_all(namespace_folder(home)).unwrap();
    fs::write(snapshot_file(home, generation), builder.finish().unwrap()).unwrap();
    let new = namespace_folder(home).join("current.new");
    fs::write(&new, format!("{generation}\n")).unwrap();
    fs::rename(new, namespace_folder(home).join(CURRENT_FILE)).unwrap();
}
