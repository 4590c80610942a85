//! What the tools are tried on: folders of consecutive versions.

use std::path::{Path, PathBuf};

use crate::error::BenchError;
use crate::process::{measure, shell};
use crate::{game, run, say};

/// How a tar of a version is made for the tools that need one.
pub(crate) const TAR: &str =
    "tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C $DIR -cf $TAR .";

/// One version, as a folder and as a tar; both lie in the folder of the input under short names without spaces.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) label: String,
    /// Name of the folder; the tar has `.tar` behind it.
    pub(crate) name: String,
    /// Of the tar, hexadecimal.
    pub(crate) digest: String,
    /// Of the tar.
    pub(crate) bytes: u64,
}

impl Version {
    pub(crate) fn tar(&self) -> String {
        format!("{}.tar", self.name)
    }
}

/// Consecutive versions of one thing.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: String,
    /// The folder that everything lies in, and that commands run in.
    pub(crate) folder: PathBuf,
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
    /// Each: the wanted version's place in `versions`, and the places of those that devices hold.
    pub(crate) updates: Vec<(usize, Vec<usize>)>,
}

/// Which inputs are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Named {
    /// npm `cesium`: text, scripts, 3D models, images
    Cesium,
    /// npm `emoji-datasource-google`: PNG sheets and images
    Emoji,
    /// Zip files of scripts and of images, as games and office programs ship them
    Zips,
    /// Generated: containers of 1 GiB with about 1 % edits
    Game,
}

impl Named {
    pub(crate) const ALL: [Self; 4] = [Self::Cesium, Self::Emoji, Self::Zips, Self::Game];

    /// Brings it into `folder`, which holds nothing else.
    pub(crate) fn prepare(self, folder: &Path, real_input: &Path) -> Result<Input, BenchError> {
        match self {
            Self::Cesium => {
                let labels = ["1.143.0", "1.144.0", "1.145.0"];
                let updates = vec![(1, vec![0]), (2, vec![1, 0])];
                releases("cesium", &labels, updates, (folder, real_input))
            }
            Self::Emoji => {
                let labels = ["15.1.2", "16.0.0"];
                releases(
                    "emoji-datasource-google",
                    &labels,
                    vec![(1, vec![0])],
                    (folder, real_input),
                )
            }
            Self::Zips => zips(folder, real_input),
            Self::Game => generated(folder),
        }
    }
}

/// A pair of folders that somebody named.
pub(crate) fn pair(folder: &Path, old: &Path, new: &Path) -> Result<Input, BenchError> {
    run::fresh_folder(folder)?;
    let name = new.file_name().map_or_else(|| "folder".into(), |name| name.to_string_lossy());
    let mut versions = Vec::new();
    for (number, (label, source)) in (1..).zip([("old", old), ("new", new)]) {
        let place = format!("v{number}");
        alike(source, &folder.join(&place))?;
        versions.push(finish(folder, place, label)?);
    }
    let updates = vec![(1, vec![0])];
    Ok(Input { name: name.into_owned(), folder: folder.to_owned(), versions, updates })
}

fn releases(
    package: &str,
    labels: &[&str],
    updates: Vec<(usize, Vec<usize>)>,
    (folder, real_input): (&Path, &Path),
) -> Result<Input, BenchError> {
    run::fresh_folder(folder)?;
    let mut versions = Vec::new();
    for (number, label) in (1..).zip(labels) {
        let name = format!("v{number}");
        alike(&real_input.join(format!("{package}-{label}")), &folder.join(&name))?;
        versions.push(finish(folder, name, label)?);
    }
    Ok(Input { name: package.to_owned(), folder: folder.to_owned(), versions, updates })
}

/// The scripts and the images of cesium as zip files. `zip -X` leaves out what differs from machine to machine.
pub(crate) const ZIPS: &str = "mkdir $DIR; for part in Source Build/CesiumUnminified Build/Cesium/Assets; do \
     (cd $SOURCE/$part && find . -type f | LC_ALL=C sort | zip -q -X -@ $OLDPWD/$DIR/$(echo $part | tr / -).zip); done";

fn zips(folder: &Path, real_input: &Path) -> Result<Input, BenchError> {
    run::fresh_folder(folder)?;
    let mut versions = Vec::new();
    for (number, label) in (1..).zip(["1.143.0", "1.144.0", "1.145.0"]) {
        let name = format!("v{number}");
        let source = folder.join("source");
        alike(&real_input.join(format!("cesium-{label}")), &source)?;
        measure(&mut shell(ZIPS, folder, &[("DIR", name.as_str()), ("SOURCE", "source")]))?;
        run::remove(&source)?;
        touch(&folder.join(&name))?;
        versions.push(finish(folder, name, label)?);
    }
    let updates = vec![(2, vec![1, 0])];
    Ok(Input { name: "zips".to_owned(), folder: folder.to_owned(), versions, updates })
}

fn generated(folder: &Path) -> Result<Input, BenchError> {
    run::fresh_folder(folder)?;
    let mut versions = Vec::new();
    for revision in 0..4 {
        let name = format!("v{}", revision + 1);
        say(&format!("  game: version {} is generated", revision + 1));
        game::generate(&folder.join(&name), revision)?;
        touch(&folder.join(&name))?;
        versions.push(finish(folder, name, &(revision + 1).to_string())?);
    }
    let updates = vec![(3, vec![2, 1, 0])];
    Ok(Input { name: "game".to_owned(), folder: folder.to_owned(), versions, updates })
}

/// A copy in which all times are equal: casync stores them, and should not pay for when a release was fetched.
pub(crate) fn alike(source: &Path, copy: &Path) -> Result<(), BenchError> {
    run::run(std::process::Command::new("cp").arg("-r").args([source, copy]))?;
    touch(copy)
}

fn touch(folder: &Path) -> Result<(), BenchError> {
    let mut find = std::process::Command::new("find");
    run::run(find.arg(folder).args(["-exec", "touch", "-d", "@0", "{}", "+"])).map(drop)
}

fn finish(folder: &Path, name: String, label: &str) -> Result<Version, BenchError> {
    let tar = format!("{name}.tar");
    let script = format!("{TAR}; sha256sum $TAR; stat -c %s $TAR");
    let mut command = shell(&script, folder, &[("DIR", &name), ("TAR", &tar)]);
    let (said, _) = measure(&mut command)?;
    let mut words = said.split_whitespace();
    let digest = words.next().unwrap_or_default().to_owned();
    let bytes = words.nth(1).and_then(|bytes| bytes.parse().ok());
    let bytes = bytes.ok_or_else(|| run::silent(&command, "how large the tar is"))?;
    Ok(Version { label: label.to_owned(), name, digest, bytes })
}

/// Puts half of the files of two versions into a folder: in the order of their paths, every second one of each.
pub(crate) fn mix(
    input: &Input,
    (one, other): (&Version, &Version),
) -> Result<Version, BenchError> {
    let name = "mixture".to_owned();
    let place = input.folder.join(&name);
    run::fresh_folder(&place)?;
    let folders = [input.folder.join(&one.name), input.folder.join(&other.name)];
    let mut paths = Vec::new();
    for folder in &folders {
        files(folder, Path::new(""), &mut paths)?;
    }
    paths.sort();
    paths.dedup();
    for (path, folder) in paths.iter().zip(folders.iter().cycle()) {
        let (source, copy) = (folder.join(path), place.join(path));
        if let Some(parent) = copy.parent().filter(|_| source.exists()) {
            std::fs::create_dir_all(parent).map_err(BenchError::file(parent))?;
            std::fs::copy(&source, &copy).map_err(BenchError::file(&copy))?;
        }
    }
    touch(&place)?;
    finish(&input.folder, name, &format!("half {}, half {}", one.label, other.label))
}

fn files(root: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<(), BenchError> {
    let folder = root.join(below);
    for entry in std::fs::read_dir(&folder).map_err(BenchError::file(&folder))? {
        let entry = entry.map_err(BenchError::file(&folder))?;
        let path = below.join(entry.file_name());
        if entry.path().is_dir() {
            files(root, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}
