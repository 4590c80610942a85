//! What is left out of a pack.

use headstart_model::packaging::{FileSelector, Pattern};

/// The exclusions of a manifest. Each is a path or a pattern; one that matches a folder leaves out everything in it.
#[derive(Debug)]
pub(super) struct Exclusions {
    entries: Vec<Exclusion>,
}

#[derive(Debug)]
struct Exclusion {
    pattern: Pattern,
    used: bool,
}

impl Exclusions {
    pub(super) fn new(selectors: &[FileSelector]) -> Self {
        let entries = selectors.iter().filter_map(|selector| match selector {
            FileSelector::FileExclusion { file_exclusion: pattern } => {
                Some(Exclusion { pattern: pattern.clone(), used: false })
            }
            _ => None,
        });
        Self { entries: entries.collect() }
    }

    /// Whether `path`, below the source root, or a folder that holds it is excluded.
    pub(super) fn exclude(&mut self, path: &str) -> bool {
        let mut excluded = false;
        for entry in &mut self.entries {
            let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
            let mut folders = ends.filter_map(|end| path.get(..end));
            if folders.any(|folder| entry.pattern.matches(folder)) {
                entry.used = true;
                excluded = true;
            }
        }
        excluded
    }

    /// The exclusions that never left anything out, in their order.
    pub(super) fn unused(self) -> Vec<String> {
        let unused = self.entries.into_iter().filter(|entry| !entry.used);
        unused.map(|entry| entry.pattern.to_string()).collect()
    }
}
