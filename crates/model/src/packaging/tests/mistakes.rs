//! Manifests that are wrong in exactly one way.

use super::{changed, message};

/// What is replaced in the good manifest, by what, and the message.
const CASES: &[(&str, &str, &str)] = &[
    (
        "\"fileSelectors\"",
        "\"fileSelector\"",
        "line 4, column 3: unknown key `fileSelector` in the manifest; did you mean `fileSelectors`?",
    ),
    (
        "\"platforms\": []",
        "\"platforms\": [], \"zzz\": 1",
        "line 5, column 20: unknown key `zzz` in the manifest; known are `assetPackID`, `downloadPolicy`, `fileSelectors`, `platforms`, `language`, `sourceRoot`, `appVersions`, `launchSet` and `userInfo`",
    ),
    (
        "\"assetPackID\": \"level1\",",
        "",
        "line 1, column 1: the manifest lacks the key `assetPackID`",
    ),
    (
        "\"downloadPolicy\": {\"onDemand\": {}},",
        "",
        "line 1, column 1: the manifest lacks the key `downloadPolicy`",
    ),
    (
        "\"fileSelectors\": [{\"file\": \"a\"}],",
        "",
        "line 1, column 1: the manifest lacks the key `fileSelectors`",
    ),
    (",\n  \"platforms\": []", "", "line 1, column 1: the manifest lacks the key `platforms`"),
    (
        "\"level1\"",
        "1",
        "line 2, column 18: `assetPackID` must be text in double quotes, but is a number",
    ),
    (
        "\"level1\"",
        "\"level/1\"",
        "line 2, column 18: the asset pack id `level/1` has '/'; allowed are letters, digits, `.`, `-` and `_`, beginning with a letter or digit and not ending in `.`",
    ),
    (
        "\"platforms\": []",
        "\"platforms\": [], \"platforms\": []",
        "line 5, column 20: the key `platforms` stands twice in the same object",
    ),
    (
        "{\"onDemand\": {}}",
        "{}",
        "line 3, column 21: `downloadPolicy` needs exactly one of `essential`, `prefetch` and `onDemand`, but has 0",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"onDemand\": {}, \"prefetch\": {}}",
        "line 3, column 21: `downloadPolicy` needs exactly one of `essential`, `prefetch` and `onDemand`, but has 2",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"onDemand\": null}",
        "line 3, column 34: `downloadPolicy.onDemand` must be an object, but is null",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"onDemand\": {\"a\": 1}}",
        "line 3, column 35: unknown key `a` in `downloadPolicy.onDemand`; nothing is allowed there",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"ondemand\": {}}",
        "line 3, column 22: unknown key `ondemand` in `downloadPolicy`; did you mean `onDemand`?",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"essential\": {}}",
        "line 3, column 35: `downloadPolicy.essential` lacks the key `installationEventTypes`",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"essential\": {\"installationEventTypes\": []}}",
        "line 3, column 62: `installationEventTypes` is empty; give at least one event",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"prefetch\": {\"installationEventTypes\": [\"firstInstallation\", \"firstInstallation\"]}}",
        "line 3, column 83: `installationEventTypes` names `firstInstallation` twice",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"prefetch\": {\"installationEventTypes\": [\"firstInstall\"]}}",
        "line 3, column 62: `installationEventTypes` does not know `firstInstall`; known are `firstInstallation` and `subsequentUpdate`",
    ),
    (
        "{\"onDemand\": {}}",
        "{\"prefetch\": {\"installationEventTypes\": \"firstInstallation\"}}",
        "line 3, column 61: `installationEventTypes` must be a list, but is text",
    ),
    (
        "[{\"file\": \"a\"}]",
        "{\"file\": \"a\"}",
        "line 4, column 20: `fileSelectors` must be a list, but is an object",
    ),
    (
        "[{\"file\": \"a\"}]",
        "[]",
        "line 4, column 20: `fileSelectors` is empty; give at least one selector",
    ),
    (
        "{\"file\": \"a\"}",
        "{}",
        "line 4, column 21: `fileSelectors[0]` is not a FileSelector: it has no key; use one of `file`, `directory`, `filePattern` and `fileExclusion`, or `fileSource` with `fileDestination`, or `directorySource` with `directoryDestination`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"file\": \"a\"}, {\"fileSource\": \"a\"}",
        "line 4, column 36: `fileSelectors[1]` is not a FileSelector: it has `fileSource`; use one of `file`, `directory`, `filePattern` and `fileExclusion`, or `fileSource` with `fileDestination`, or `directorySource` with `directoryDestination`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"file\": \"a\", \"directory\": \"b\"}",
        "line 4, column 21: `fileSelectors[0]` is not a FileSelector: it has `directory` and `file`; use one of `file`, `directory`, `filePattern` and `fileExclusion`, or `fileSource` with `fileDestination`, or `directorySource` with `directoryDestination`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"folder\": \"a\"}",
        "line 4, column 22: unknown key `folder` in `fileSelectors[0]`; known are `file`, `directory`, `filePattern`, `fileSource`, `fileDestination`, `directorySource`, `directoryDestination` and `fileExclusion`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"file\": true}",
        "line 4, column 30: `fileSelectors[0].file` must be text in double quotes, but is true or false",
    ),
    (
        "\"a\"",
        "\"../a\"",
        "line 4, column 30: `fileSelectors[0].file`: `../a` leaves the source root; set `sourceRoot` to a folder that holds everything, and leave out `..`",
    ),
    (
        "\"a\"",
        "\"/a\"",
        "line 4, column 30: `fileSelectors[0].file`: `/a` is absolute; give a path below the source root",
    ),
    (
        "\"a\"",
        "\"a\\\\b\"",
        "line 4, column 30: `fileSelectors[0].file`: `a\\b` has a `\\`; parts of a path are joined by `/` on every platform",
    ),
    (
        "\"a\"",
        "\"\"",
        "line 4, column 30: `fileSelectors[0].file`: the path is empty; the source root itself is `.`",
    ),
    (
        "\"a\"",
        "\".\"",
        "line 4, column 30: `fileSelectors[0].file`: `.` is the source root, which is a folder; `directory` selects it",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"filePattern\": \"a**\"}",
        "line 4, column 37: `fileSelectors[0].filePattern`: `a**` has `**` inside a part; it stands alone between slashes, as in `**/*.png`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"fileExclusion\": \"[a\"}",
        "line 4, column 39: `fileSelectors[0].fileExclusion`: `[a` has a set of characters that is not whole; sets look like `[abc]`, `[a-z]` or `[!0-9]`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"fileSource\": \"a\", \"fileDestination\": \"b/\"}",
        "line 4, column 60: `fileSelectors[0].fileDestination`: path `b/` has an empty part",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"fileSource\": \"a\", \"fileDestination\": \"b/../../c\"}",
        "line 4, column 60: `fileSelectors[0].fileDestination`: `b/../../c` leaves the source root; set `sourceRoot` to a folder that holds everything, and leave out `..`",
    ),
    (
        "{\"file\": \"a\"}",
        "{\"directorySource\": \"a\", \"directoryDestination\": \"NUL\"}",
        "line 4, column 70: `fileSelectors[0].directoryDestination`: path `NUL` uses the device name `NUL`",
    ),
    (
        "[]",
        "[\"iPadOS\"]",
        "line 5, column 17: `iPadOS` is not a platform of its own: `iOS` covers it; write `iOS`",
    ),
    ("[]", "[\"ios\"]", "line 5, column 17: `platforms` does not know `ios`; did you mean `iOS`?"),
    ("[]", "[\"linux\", \"linux\"]", "line 5, column 26: `platforms` names `linux` twice"),
    ("[]", "null", "line 5, column 16: `platforms` must be a list, but is null"),
    (
        "[]",
        "[], \"language\": \"en_US\"",
        "line 5, column 32: `en_US` is not a language tag; give a language with an optional script and region, such as `ja`, `es-US` or `zh-Hans-VN`",
    ),
    (
        "[]",
        "[], \"sourceRoot\": \"/assets\"",
        "line 5, column 34: `sourceRoot`: `/assets` is absolute; give a path below the source root",
    ),
    (
        "[]",
        "[], \"appVersions\": \"1.4\"",
        "line 5, column 35: `appVersions`: `1.4` is no comparison with a version; write a range like `>=1.4, <2`",
    ),
    (
        "[]",
        "[], \"launchSet\": \"a\"",
        "line 5, column 33: `launchSet` must be a list, but is text",
    ),
    (
        "[]",
        "[], \"launchSet\": [\"a\", \"../b\"]",
        "line 5, column 39: `launchSet[1]`: path `../b` leaves the pack",
    ),
    (
        "[]",
        "[], \"launchSet\": [\"a/b\", \"a/b\"]",
        "line 5, column 41: `launchSet` names `a/b` twice",
    ),
    (
        "[]",
        "[], \"userInfo\": [1]",
        "line 5, column 32: `userInfo` must be an object, but is a list",
    ),
    (
        "[]",
        "[], \"userInfo\": {\"a\": {\"b\": 1, \"b\": 2}}",
        "line 5, column 47: the key `b` stands twice in the same object",
    ),
    ("[]", "[], \"userInfo\": {\"a\": 1e999}", "line 5, column 38: the number 1e999 is too large"),
    ("[]\n}", "[]\n", "line 1, column 1: this is not JSON with comments: unterminated object"),
    (
        "\"level1\",",
        "\"level1\"",
        "line 2, column 26: this is not JSON with comments: expected comma",
    ),
    (
        "\"assetPackID\"",
        "assetPackID",
        "line 2, column 3: this is not JSON with comments: expected string for object property",
    ),
    (
        "[]\n}",
        "[]\n} {}",
        "line 6, column 3: this is not JSON with comments: text cannot contain more than one JSON value",
    ),
];

#[test]
fn each_mistake_is_named_with_its_place() {
    let mut wrong = Vec::new();
    for (from, to, expected) in CASES {
        let found = message(&changed(from, to));
        if found != *expected {
            wrong.push(format!("{to}\n  found    {found}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
