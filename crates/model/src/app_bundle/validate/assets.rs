//! The `BA…` keys.

use url::Url;

use crate::app_bundle::bundle::BackgroundAssets;
use crate::app_bundle::domain::DomainPattern;
use crate::app_bundle::node::{Entry, Node};
use crate::app_bundle::problem::{BundleProblem, ProblemKind};
use crate::app_bundle::read::{At, boolean, bytes, table};
use crate::app_bundle::restrictions::InitialDownloadRestrictions;
use crate::{AppGroupId, ChannelName, Suggestion};

const KEYS: &[&str] = &[
    "BAAppGroupID",
    "BAHasManagedAssetPacks",
    "BAUsesAppleHosting",
    "BARepositoryURL",
    "BARepositoryMirrorURLs",
    "BARepositoryChannel",
    "BAManifestURL",
    "BAInitialDownloadRestrictions",
    "BAEssentialMaxInstallSize",
    "BAMaxInstallSize",
];

/// Copies of a repository. `Ours:` blocks are asked of all of them at once, so each costs connections.
const MIRRORS_MAX: usize = 8;

const RESTRICTION_KEYS: &[&str] =
    &["BADownloadDomainAllowList", "BADownloadAllowance", "BAEssentialDownloadAllowance"];

/// `extension_key`: how the author would name the extension, if there is none.
pub(super) fn assets(
    problems: &mut Vec<BundleProblem>,
    prefix: &str,
    entries: Vec<Entry>,
    extension_key: Option<&str>,
) -> BackgroundAssets {
    let mut keys = Keys { problems, prefix: prefix.to_owned(), entries };
    // A value of a wrong kind is told once; what it would have changed is not told as well.
    let managed_given = keys.has("BAHasManagedAssetPacks");
    let managed = keys.read("BAHasManagedAssetPacks", boolean);
    let apple_hosting = keys.read("BAUsesAppleHosting", boolean);
    let assets = BackgroundAssets {
        app_group: keys
            .read("BAAppGroupID", |at, node| at.text(node, |text| AppGroupId::new(text))),
        has_managed_asset_packs: managed.unwrap_or(managed_given),
        repository_url: keys.read("BARepositoryURL", |at, node| at.text(node, Url::parse)),
        repository_mirrors: keys
            .read("BARepositoryMirrorURLs", |at, node| Some(mirrors(at, node)))
            .unwrap_or_default(),
        channel: keys
            .read("BARepositoryChannel", |at, node| at.text(node, |text| ChannelName::new(text)))
            .unwrap_or_else(ChannelName::production),
        manifest_url: keys.read("BAManifestURL", |at, node| at.text(node, Url::parse)),
        restrictions: restrictions(&mut keys),
        essential_max_install_bytes: keys.read("BAEssentialMaxInstallSize", bytes),
        max_install_bytes: keys.read("BAMaxInstallSize", bytes),
    };
    keys.check_source(&assets, apple_hosting);
    keys.check_mode(&assets, extension_key);
    keys.refuse_unknown(KEYS);
    assets
}

fn mirrors(at: &mut At<'_>, node: &Node) -> Vec<Url> {
    let mirrors = at.texts(node, Url::parse);
    if mirrors.len() > MIRRORS_MAX {
        at.problem(node.place, ProblemKind::TooMany { count: mirrors.len(), limit: MIRRORS_MAX });
    }
    mirrors
}

fn restrictions(keys: &mut Keys<'_>) -> Option<InitialDownloadRestrictions> {
    const KEY: &str = "BAInitialDownloadRestrictions";
    let name = format!("{}{KEY}", keys.prefix);
    let node = keys.entries.iter().find(|entry| entry.key == KEY)?.node.clone();
    let entries = table(keys.problems, &name, Some(node));
    let mut inner = Keys { problems: keys.problems, prefix: format!("{name}."), entries };
    let domains = inner.needed("BADownloadDomainAllowList", |at, node| {
        let before = at.problems.len();
        let domains = at.texts(node, DomainPattern::new);
        if domains.is_empty() && at.problems.len() == before {
            at.problem(node.place, ProblemKind::Empty);
        }
        Some(domains)
    });
    let allowance = inner.needed("BADownloadAllowance", bytes);
    let essential = inner.needed("BAEssentialDownloadAllowance", bytes);
    inner.refuse_unknown(RESTRICTION_KEYS);
    Some(InitialDownloadRestrictions {
        domains: domains?,
        allowance_bytes: allowance?,
        essential_allowance_bytes: essential?,
    })
}

/// Keys that were found, and the mistakes.
struct Keys<'p> {
    problems: &'p mut Vec<BundleProblem>,
    prefix: String,
    entries: Vec<Entry>,
}

impl Keys<'_> {
    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    fn read<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut At<'_>, &Node) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let mut at = At { problems: self.problems, key: format!("{}{key}", self.prefix) };
        read(&mut at, &entry.node)
    }

    fn needed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut At<'_>, &Node) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, "");
        }
        self.read(key, read)
    }

    fn problem(&mut self, key: &str, kind: ProblemKind) {
        let place =
            self.entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.place);
        self.problems.push(BundleProblem { key: format!("{}{key}", self.prefix), place, kind });
    }

    fn missing(&mut self, key: &str, why: &'static str) {
        self.problem(key, ProblemKind::Missing { why });
    }

    /// Exactly one place that content comes from, and one that we can reach.
    fn check_source(&mut self, assets: &BackgroundAssets, apple_hosting: Option<bool>) {
        let (repository, manifest) = (self.has("BARepositoryURL"), self.has("BAManifestURL"));
        if apple_hosting == Some(true) {
            self.problem("BAUsesAppleHosting", ProblemKind::AppleHosting);
        } else if assets.has_managed_asset_packs && !repository && !manifest {
            let why = ": managed packs come from a repository (or from `BAManifestURL`)";
            self.missing("BARepositoryURL", why);
        }
        if repository && manifest {
            self.problem("BAManifestURL", ProblemKind::Conflict { other: "BARepositoryURL" });
        }
        for key in ["BARepositoryMirrorURLs", "BARepositoryChannel"] {
            if self.has(key) && !repository {
                self.problem(key, ProblemKind::Needs { needed: "BARepositoryURL" });
            }
        }
    }

    /// What managed and unmanaged apps have to say.
    fn check_mode(&mut self, assets: &BackgroundAssets, extension_key: Option<&str>) {
        if assets.has_managed_asset_packs {
            if !self.has("BAAppGroupID") {
                let why = ": apps with managed packs share them in a group with their extension";
                self.missing("BAAppGroupID", why);
            }
            return;
        }
        let managed = ProblemKind::Needs { needed: "BAHasManagedAssetPacks = true" };
        if self.has("BARepositoryURL") {
            self.problem("BARepositoryURL", managed);
        } else if self.has("BAManifestURL") {
            let key = extension_key.filter(|key| self.problems.iter().all(|told| told.key != *key));
            if let Some(key) = key {
                let why = ": without managed packs the extension decides what is downloaded";
                let kind = ProblemKind::Missing { why };
                self.problems.push(BundleProblem { key: key.to_owned(), place: None, kind });
            }
            if !self.has("BAInitialDownloadRestrictions") {
                let why = ": without managed packs it limits downloads until the first launch";
                self.missing("BAInitialDownloadRestrictions", why);
            }
        } else if self.has("BAInitialDownloadRestrictions") {
            let needed = ProblemKind::Needs { needed: "BAManifestURL" };
            self.problem("BAInitialDownloadRestrictions", needed);
        }
    }

    fn refuse_unknown(&mut self, known: &'static [&'static str]) {
        let unknown = self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str()));
        let problems = unknown.map(|entry| BundleProblem {
            key: format!("{}{}", self.prefix, entry.key.chars().take(80).collect::<String>()),
            place: entry.place,
            kind: ProblemKind::Unknown(Suggestion::new(&entry.key, known)),
        });
        let problems: Vec<_> = problems.collect();
        self.problems.extend(problems);
    }
}
