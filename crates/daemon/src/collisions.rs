//! Files of installed packs that hide each other.

use headstart_model::namespace::Snapshot;
use headstart_model::protocol::packs::Collision;
use headstart_model::{AppId, PackId, PackPath};
use headstart_store::{Layout, Namespaces};
use headstart_sys::map::MappedFile;

/// The paths that several packs of `app` have, of `pack` or of any, at most `max`. Nothing where the namespace cannot be read:
/// whoever reads from it is told then.
pub(crate) fn collisions(
    layout: &Layout,
    app: &AppId,
    pack: Option<&PackId>,
    max: usize,
) -> Vec<Collision> {
    let namespaces = Namespaces::new(layout, app);
    let Ok(Some(generation)) = namespaces.current() else { return Vec::new() };
    let Ok(map) = MappedFile::open(&namespaces.snapshot(generation)) else { return Vec::new() };
    let Ok(snapshot) = Snapshot::open(map) else { return Vec::new() };
    let told = snapshot.collisions().map_while(Result::ok).filter_map(|found| {
        let all = std::iter::once(&found.read).chain(&found.hidden);
        let packs: Vec<PackId> =
            all.map(|entry| PackId::new(entry.pack.id)).collect::<Result<_, _>>().ok()?;
        let path = PackPath::new(found.read.path).ok()?;
        pack.is_none_or(|pack| packs.contains(pack)).then_some(Collision { path, packs })
    });
    told.take(max).collect()
}
