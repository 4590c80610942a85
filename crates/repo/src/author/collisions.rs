//! Paths that several packs of a channel have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headstart_model::catalog::IndexRef;
use headstart_model::{ChannelName, Language, PackId, PackPath, Platform, Verified};
use headstart_pack::section::{self, Structure};
use headstart_pack::{FormatError, Node, Tree};

use crate::author::prepared::PreparedPack;
use crate::author::reader::Reader;
use crate::disk;

/// A path that several packs have, of which only one is read where no pack is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The path.
    pub path: PackPath,
    /// The packs that have it, by id; the first is read.
    pub packs: Vec<PackId>,
}

/// A pack as a device with the channel would see it.
struct Offered {
    id: PackId,
    language: Option<Language>,
    platforms: Vec<Platform>,
    index: (PathBuf, IndexRef),
}

impl Reader {
    /// The paths that a pack of `packs` would share with another pack of `channel`, by path. `Spec: packs 2.2`.
    ///
    /// Folders that several packs have are no collision, nor are packs of different languages or for different platforms: no
    /// reader meets both unasked. A pack whose index cannot be read is passed over: that is for `repo verify` to tell.
    ///
    /// Memory: every path of the channel.
    #[must_use]
    pub fn collisions(&self, channel: &ChannelName, packs: &[PreparedPack]) -> Vec<Collision> {
        let live = self.published.catalogs.get(channel).into_iter().flat_map(|live| &live.packs);
        let others = live.filter(|live| packs.iter().all(|pack| pack.id != live.id));
        let others = others.map(|live| Offered {
            id: live.id.clone(),
            language: live.language.clone(),
            platforms: live.platforms.clone(),
            index: (self.path_of(&live.index_path()), live.index.clone()),
        });
        let incoming = packs.iter().map(|pack| Offered {
            id: pack.id.clone(),
            language: pack.language.clone(),
            platforms: pack.platforms.clone(),
            index: (pack.index.path.clone(), pack.index.named.clone()),
        });
        let mut offered: Vec<Offered> = others.chain(incoming).collect();
        offered.sort_by(|a, b| a.id.cmp(&b.id));
        let is_new = |pack: &Offered| packs.iter().any(|new| new.id == pack.id);
        let mut paths: BTreeMap<PackPath, Vec<(usize, Kind)>> = BTreeMap::new();
        for (number, pack) in offered.iter().enumerate() {
            let (path, index) = &pack.index;
            match read_tree(path, index) {
                Ok(tree) => tree.entries().iter().for_each(|entry| {
                    let kind = match entry.node {
                        Node::Folder => Kind::Folder,
                        Node::File(_) => Kind::File,
                    };
                    paths.entry(entry.path.clone()).or_default().push((number, kind));
                }),
                Err(error) => tracing::warn!(%error, pack = %pack.id, "its files are not known"),
            }
        }
        let found = paths.into_iter().filter_map(|(path, holders)| {
            let holders = colliding(&offered, &holders);
            let told = holders.iter().any(|pack| is_new(pack));
            told.then(|| Collision { path, packs: holders.iter().map(|p| p.id.clone()).collect() })
        });
        found.collect()
    }
}

/// What a pack has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

/// Those of the packs with one path that collide with another of them.
fn colliding<'a>(offered: &'a [Offered], holders: &[(usize, Kind)]) -> Vec<&'a Offered> {
    let known = |(number, kind): &(usize, Kind)| offered.get(*number).map(|pack| (pack, *kind));
    let holders: Vec<(&Offered, Kind)> = holders.iter().filter_map(known).collect();
    let collides = |(one, kind): &(&'a Offered, Kind)| {
        holders.iter().any(|(other, others)| {
            one.id != other.id
                && hide(one, other)
                && (*kind, *others) != (Kind::Folder, Kind::Folder)
        })
    };
    holders.iter().filter(|holder| collides(holder)).map(|(pack, _)| *pack).collect()
}

/// Whether a reader may meet both.
fn hide(one: &Offered, other: &Offered) -> bool {
    let languages = match (&one.language, &other.language) {
        (Some(one), Some(other)) => one.is_same_as_tag(other.as_str()),
        _ => true,
    };
    let all = one.platforms.is_empty() || other.platforms.is_empty();
    languages && (all || one.platforms.iter().any(|platform| other.platforms.contains(platform)))
}

fn read_tree(path: &Path, index: &IndexRef) -> Result<Tree, FormatError> {
    let mut bytes = disk::read(path).map_err(|error| FormatError::Io(error.into()))?;
    let head = usize::try_from(index.structure_bytes).unwrap_or(usize::MAX);
    bytes.truncate(head);
    let damaged = |source| FormatError::Damaged { what: "the index", source };
    let structure = Verified::check(bytes.as_slice(), &index.digest).map_err(damaged)?;
    let Structure { tree, .. } = section::decode_full_kept(&structure)?;
    Ok(tree)
}
