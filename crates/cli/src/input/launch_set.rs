//! What an app was seen to read when it began.

use std::collections::BTreeSet;
use std::path::Path;

use headstart_model::packaging::{LAUNCH_SET_MAX, PackagingManifest};
use headstart_model::{ErrorKind, Failure, PackPath};

use super::read;

/// Lines of several packs and of many launches.
const RECORDING_BYTES_MAX: u64 = 64 << 20;

/// Puts the files of the manifest's pack that `file` names behind those of its launch set.
pub(super) fn add(manifest: &mut PackagingManifest, file: &Path) -> Result<(), Failure> {
    let bytes = read(file, RECORDING_BYTES_MAX, ("launch set", "launchSetMissing"))?;
    let wrong = |line: usize, what: &str| {
        let message = format!("line {line} of the launch set `{}` {what}", file.display());
        Failure::new(ErrorKind::InvalidInput, "launchSetInvalid", message)
            .with_hint("each line is a pack, a tab and a path, as `headstart app launch APP --record FILE` writes them")
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(1, "is not UTF-8 text"))?;
    let mut known: BTreeSet<PackPath> = manifest.launch_set.iter().cloned().collect();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.is_empty()) {
        let Some((pack, path)) = text.split_once('\t') else {
            return Err(wrong(line, "has no tab between pack and path"));
        };
        if pack != manifest.asset_pack_id.as_str() {
            continue;
        }
        let path = PackPath::new(path)
            .map_err(|error| wrong(line, &format!("names no path of a pack: {error}")))?;
        if known.insert(path.clone()) {
            manifest.launch_set.push(path);
        }
    }
    if manifest.launch_set.len() > LAUNCH_SET_MAX {
        let message = format!(
            "the launch set of pack `{}` has {} paths; {LAUNCH_SET_MAX} are allowed",
            manifest.asset_pack_id,
            manifest.launch_set.len()
        );
        return Err(Failure::new(ErrorKind::InvalidInput, "launchSetInvalid", message)
            .with_hint("name folders instead of their files"));
    }
    Ok(())
}
