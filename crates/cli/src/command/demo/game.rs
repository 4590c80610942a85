//! The app of the demo: its packaging manifests and its bundle.

use std::path::Path;

/// The app's id.
pub(super) const APP: &str = "com.example.lighthouse";

/// A pack: its id, its packaging manifest.
pub(super) const PACKS: [(&str, &str); 3] = [
    (
        "essentials",
        r#"// What the game needs before it can be launched.
{
  "assetPackID": "essentials",
  "downloadPolicy": { "essential": { "installationEventTypes": ["firstInstallation", "subsequentUpdate"] } },
  "fileSelectors": [
    { "directory": "ui" },
    { "filePattern": "story/*.txt" },
  ],
  "platforms": [],
}
"#,
    ),
    (
        "world",
        r#"// Begins during the installation, goes on while the game is already running.
{
  "assetPackID": "world",
  "downloadPolicy": { "prefetch": { "installationEventTypes": ["firstInstallation", "subsequentUpdate"] } },
  "fileSelectors": [{ "directory": "world" }],
  "platforms": [],
}
"#,
    ),
    (
        "music",
        r#"// Only when the game asks for it.
{
  "assetPackID": "music",
  "downloadPolicy": { "onDemand": {} },
  "fileSelectors": [{ "directory": "music" }],
  "platforms": [],
}
"#,
    ),
];

/// The folders of a pack, below the assets.
pub(super) fn folders_of(pack: &str) -> &'static [&'static str] {
    match pack {
        "essentials" => &["ui", "story"],
        "world" => &["world"],
        _ => &["music"],
    }
}

/// Writes the bundle: a description, the root of trust, and a program that reads a file of a pack.
pub(super) fn bundle(folder: &Path, url: &str, root: &Path, program: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("bin"))?;
    let description = format!(
        r#"[app]
id = "{APP}"
version = "1.0.0"
executable = "bin/game"
languages = ["en"]

[background-assets]
BAAppGroupID = "group.{APP}"
BAHasManagedAssetPacks = true
BARepositoryURL = "{url}"
"#
    );
    std::fs::write(folder.join("headstart.toml"), description)?;
    std::fs::copy(root, folder.join("root.json"))?;
    let script = format!(
        "#!/bin/sh\n# The game: reads the first line of its story from the pack `essentials`.\n\
         '{}' packs cat story/chapter-02.txt --app {APP} | head -n 1\n",
        program.display()
    );
    let path = folder.join("bin/game");
    std::fs::write(&path, script)?;
    headstart_sys::mode::set_mode(
        &path,
        headstart_sys::mode::Mode {
            access: headstart_sys::mode::Access::Shared,
            executable: headstart_sys::mode::Executable::Yes,
        },
    )
    .map_err(|error| std::io::Error::other(error.to_string()))
}
