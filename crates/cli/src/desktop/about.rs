//! What a bundle tells people about its app.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use headstart::AppId;
use headstart::apps::AppDetails;
use headstart_model::PackPath;
use headstart_model::app_bundle::{AppBundle, DESCRIPTION_BYTES_MAX, PLIST_FILE, TOML_FILE};

/// Endings of images that desktops show as an icon.
const IMAGES: [&str; 3] = ["png", "svg", "xpm"];

/// An app, as people are shown it.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) id: AppId,
    pub(super) version: String,
    /// What people call it: its id where the bundle says nothing.
    pub(super) name: String,
    icon: Option<PackPath>,
    executable: PackPath,
    /// Where the app's files lie.
    folder: PathBuf,
}

impl About {
    /// What the bundle in this folder says; none when it cannot be read, about which the service has more to say.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        let bundle = match bytes(&folder.join(TOML_FILE)) {
            Some(bytes) => AppBundle::from_toml(&bytes),
            None => AppBundle::from_info_plist(&bytes(&folder.join(PLIST_FILE))?),
        };
        let bundle = bundle.ok()?;
        Some(Self {
            name: bundle.name.unwrap_or_else(|| bundle.id.to_string()),
            version: bundle.version.to_string(),
            icon: bundle.icon,
            executable: bundle.executable,
            id: bundle.id,
            folder,
        })
    }

    /// The app lies where the service says: a copied one elsewhere than its bundle.
    pub(super) fn installed(&mut self, details: &AppDetails) {
        let parts = self.executable.as_str().split('/').count();
        let folder = Path::new(&details.executable).ancestors().nth(parts);
        if let Some(folder) = folder.filter(|folder| folder.is_absolute()) {
            folder.clone_into(&mut self.folder);
        }
    }

    /// Its icon, absolute; none when it is not there or desktops cannot show it.
    pub(super) fn icon_file(&self) -> Option<String> {
        let path = self.folder.join(self.icon.as_ref()?.as_str());
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let shown = IMAGES.contains(&ending.as_str()) && path.is_file();
        let path = path.to_str().filter(|path| !path.contains(char::is_control))?;
        shown.then(|| path.to_owned())
    }
}

/// A file of a size that a description may have.
fn bytes(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(DESCRIPTION_BYTES_MAX).ok()?.saturating_add(1);
    std::fs::File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str =
        "[app]\nid = \"com.example.game\"\nversion = \"1.0\"\nexecutable = \"bin/game\"\n";

    fn about(folder: &Path, more: &str) -> Option<About> {
        std::fs::write(folder.join(TOML_FILE), format!("{BUNDLE}{more}")).expect("a file");
        About::read(folder)
    }

    #[test]
    fn an_app_without_a_name_is_called_by_its_id() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(about(folder.path(), "").expect("good").name, "com.example.game");
        let named = about(folder.path(), "name = \"The Game\"\n").expect("good");
        assert_eq!(named.name, "The Game");
        assert!(about(folder.path(), "nonsense = 1\n").is_none());
        assert!(About::read(&folder.path().join("nowhere")).is_none());
    }

    #[test]
    fn an_icon_counts_only_if_it_is_there_and_desktops_can_show_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, shown) in [("icon.png", true), ("icon.SVG", true), ("icon.icns", false)] {
            let app = about(folder.path(), &format!("icon = \"{name}\"\n")).expect("good");
            assert_eq!(app.icon_file(), None, "{name}");
            std::fs::write(folder.path().join(name), "").expect("a file");
            assert_eq!(app.icon_file().is_some(), shown, "{name}");
        }
    }
}
