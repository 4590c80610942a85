//! Descriptions that are wrong in exactly one way.

use super::{GOOD, UNMANAGED, changed, problems, toml};

/// The good description, what is replaced in it, by what, and the message.
const CASES: &[(&str, &str, &str, &str)] = &[
    (GOOD, "id = \"com.example.game\"", "", "`app.id` is missing"),
    (GOOD, "version = \"1.4.0\"", "", "`app.version` is missing"),
    (GOOD, "executable = \"bin/game\"", "", "`app.executable` is missing"),
    (
        GOOD,
        "\"1.4.0\"",
        "1.4",
        "line 4, column 11: `app.version` must be text, but is a number with a fraction",
    ),
    (
        GOOD,
        "\"1.4.0\"",
        "\"v1\"",
        "line 4, column 11: `app.version` is not good: `v1` is not a version; give one like `1.4.0` or `2.0-beta.1`",
    ),
    (
        GOOD,
        "\"com.example.game\"",
        "\"a b\"",
        "line 3, column 6: `app.id` is not good: the app id `a b` has ' '; allowed are letters, digits, `.`, `-` and `_`, beginning with a letter or digit and not ending in `.`",
    ),
    (
        GOOD,
        "\"bin/game\"",
        "\"../game\"",
        "line 5, column 14: `app.executable` is not good: path `../game` leaves the pack",
    ),
    (
        GOOD,
        "bin/game-downloads",
        "bin/game",
        "line 6, column 13: `app.extension` is the program of the app itself; the extension is a program of its own",
    ),
    (GOOD, "\"ja\"]", "\"EN\"]", "line 7, column 20: `app.languages` names `EN` twice"),
    (GOOD, "\"ja\"]", "7]", "line 7, column 20: `app.languages` must be text, but is a number"),
    (
        GOOD,
        "executable",
        "exectuable",
        "line 5, column 1: `app.exectuable` is not known; did you mean `executable`?; `app.executable` is missing",
    ),
    (
        GOOD,
        "[background-assets]",
        "[background_assets]",
        "line 9, column 2: `background_assets` is not known; did you mean `background-assets`?",
    ),
    (
        GOOD,
        "[app]",
        "app = 1\n[x]",
        "line 2, column 7: `app` must be a table, but is a number; line 3, column 2: `x` is not known; known are `app`, `background-assets` and `appGroups`; `app.id` is missing; `app.version` is missing; `app.executable` is missing",
    ),
    (
        GOOD,
        "BAAppGroupID = \"group.com.example.game\"",
        "",
        "`background-assets.BAAppGroupID` is missing: apps with managed packs share them in a group with their extension",
    ),
    (
        GOOD,
        "BAAppGroupID",
        "BAAppGroupId",
        "`background-assets.BAAppGroupID` is missing: apps with managed packs share them in a group with their extension; line 10, column 1: `background-assets.BAAppGroupId` is not known; did you mean `BAAppGroupID`?",
    ),
    (
        GOOD,
        "BAHasManagedAssetPacks = true",
        "",
        "line 12, column 1: `background-assets.BARepositoryURL` needs `BAHasManagedAssetPacks = true` beside it",
    ),
    (
        GOOD,
        "BAHasManagedAssetPacks = true",
        "BAHasManagedAssetPacks = \"YES\"",
        "line 11, column 26: `background-assets.BAHasManagedAssetPacks` must be true or false, but is text",
    ),
    (
        GOOD,
        "BARepositoryURL = \"https://assets.example.com/game\"\nBARepositoryChannel = \"beta\"",
        "",
        "`background-assets.BARepositoryURL` is missing: managed packs come from a repository (or from `BAManifestURL`)",
    ),
    (
        GOOD,
        "BARepositoryURL = \"https://assets.example.com/game\"",
        "BAManifestURL = \"https://example.com\"",
        "line 13, column 1: `background-assets.BARepositoryChannel` needs `BARepositoryURL` beside it",
    ),
    (
        GOOD,
        "BARepositoryChannel = \"beta\"",
        "BAManifestURL = \"https://example.com\"",
        "line 13, column 1: `background-assets.BAManifestURL` cannot stand beside `BARepositoryURL`; keep one of them",
    ),
    (
        GOOD,
        "BARepositoryURL = \"https://assets.example.com/game\"\nBARepositoryChannel = \"beta\"",
        "BAManifestURL = \"https://example.com\"\nBARepositoryMirrorURLs = [\"https://b.example\"]",
        "line 13, column 1: `background-assets.BARepositoryMirrorURLs` needs `BARepositoryURL` beside it",
    ),
    (
        GOOD,
        "BARepositoryChannel = \"beta\"",
        "BARepositoryMirrorURLs = [\"https://b.example\", \"https://b.example/\"]",
        "line 13, column 48: `background-assets.BARepositoryMirrorURLs` names `https://b.example/` twice",
    ),
    (
        GOOD,
        "BARepositoryChannel = \"beta\"",
        "BARepositoryMirrorURLs = [\"file:///1\", \"file:///2\", \"file:///3\", \"file:///4\", \"file:///5\", \"file:///6\", \"file:///7\", \"file:///8\", \"file:///9\"]",
        "line 13, column 26: `background-assets.BARepositoryMirrorURLs` has 9 entries; at most 8 are allowed",
    ),
    (
        GOOD,
        "\"https://assets.example.com/game\"",
        "\"assets\"",
        "line 12, column 19: `background-assets.BARepositoryURL` is not good: not a URL: relative URL without a base",
    ),
    (
        GOOD,
        "BARepositoryURL",
        "BAUsesAppleHosting = true\nBARepositoryURL",
        "line 12, column 1: `background-assets.BAUsesAppleHosting` asks for hosting by Apple, which only Apple's systems can reach; give `BARepositoryURL` instead",
    ),
    (
        GOOD,
        "5_000",
        "-5",
        "line 14, column 29: `background-assets.BAEssentialMaxInstallSize` is -5; it must be 0 or more",
    ),
    (
        GOOD,
        "0x10",
        "99999999999999999999",
        "line 15, column 20: `background-assets.BAMaxInstallSize` must be a number of bytes, but is a number that is too large",
    ),
    (
        GOOD,
        "\"group.com.example.shared\" = []",
        "\"a/b\" = []",
        "line 19, column 1: `appGroups.a/b` is not good: the app group id `a/b` has '/'; allowed are letters, digits, `.`, `-` and `_`, beginning with a letter or digit and not ending in `.`",
    ),
    (
        GOOD,
        "= []",
        "= \"x\"",
        "line 19, column 30: `appGroups.group.com.example.shared` must be a list of texts, but is text",
    ),
    (
        UNMANAGED,
        "extension = \"b\"",
        "",
        "`app.extension` is missing: without managed packs the extension decides what is downloaded",
    ),
    (
        UNMANAGED,
        "BAManifestURL = \"https://example.com/manifest\"",
        "",
        "line 9, column 20: `background-assets.BAInitialDownloadRestrictions` needs `BAManifestURL` beside it",
    ),
    (
        UNMANAGED,
        "[background-assets.BAInitialDownloadRestrictions]\nBADownloadDomainAllowList = [\"*.example.com\", \"example.com\"]\nBADownloadAllowance = 1000\nBAEssentialDownloadAllowance = 0\n",
        "",
        "`background-assets.BAInitialDownloadRestrictions` is missing: without managed packs it limits downloads until the first launch",
    ),
    (
        UNMANAGED,
        "\"*.example.com\", \"example.com\"",
        "",
        "line 10, column 29: `background-assets.BAInitialDownloadRestrictions.BADownloadDomainAllowList` is empty; give at least one entry",
    ),
    (
        UNMANAGED,
        "BADownloadDomainAllowList = [\"*.example.com\", \"example.com\"]",
        "",
        "`background-assets.BAInitialDownloadRestrictions.BADownloadDomainAllowList` is missing",
    ),
    (
        UNMANAGED,
        "\"example.com\"]",
        "\"https://example.com\"]",
        "line 10, column 47: `background-assets.BAInitialDownloadRestrictions.BADownloadDomainAllowList` is not good: `https://example.com` is not a domain; give a name like `assets.example.com`, or `*.example.com` for all below it",
    ),
    (
        UNMANAGED,
        "BADownloadAllowance = 1000",
        "",
        "`background-assets.BAInitialDownloadRestrictions.BADownloadAllowance` is missing",
    ),
    (
        UNMANAGED,
        "BADownloadAllowance = 1000",
        "BADownloadAllowance = -1",
        "line 11, column 23: `background-assets.BAInitialDownloadRestrictions.BADownloadAllowance` is -1; it must be 0 or more",
    ),
    (
        UNMANAGED,
        "BAEssentialDownloadAllowance = 0",
        "",
        "`background-assets.BAInitialDownloadRestrictions.BAEssentialDownloadAllowance` is missing",
    ),
    (
        UNMANAGED,
        "BADownloadAllowance = 1000",
        "BADownloadAllowance = 1000\nBADownloadAlowance = 1",
        "line 12, column 1: `background-assets.BAInitialDownloadRestrictions.BADownloadAlowance` is not known; did you mean `BADownloadAllowance`?",
    ),
];

#[test]
fn each_mistake_is_named_with_its_place() {
    let mut wrong = Vec::new();
    for (text, from, to, expected) in CASES {
        let found = problems(toml(&changed(text, from, to))).join("; ");
        if found != *expected {
            wrong.push(format!("{from} -> {to}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
