//! A talk, as its pack describes it.

use headstart::AssetPack;
use serde_json::Value;

/// A talk. Title and speaker stand in the `userInfo` of its packaging manifest, so a talk that is
/// published later needs no new version of this program.
#[derive(Debug, Clone)]
pub struct Talk {
    /// The pack that has the video.
    pub pack: AssetPack,
    /// What it is about.
    pub title: String,
    /// Who speaks.
    pub speaker: String,
    order: u64,
}

impl Talk {
    /// The talk in a pack; none if the pack is something else, such as the thumbnails.
    #[must_use]
    pub fn of(pack: &AssetPack) -> Option<Self> {
        let talk = pack.user_info()?.get("talk")?;
        let text = |key| {
            let text = talk.get(key).and_then(Value::as_str).unwrap_or_default();
            // What reaches a terminal must not command it.
            text.chars().filter(|c| !c.is_control()).take(60).collect()
        };
        let order = talk.get("order").and_then(Value::as_u64).unwrap_or(u64::MAX);
        Some(Self { title: text("title"), speaker: text("speaker"), order, pack: pack.clone() })
    }

    /// Every talk among these packs, in the order of the programme.
    #[must_use]
    pub fn all(packs: &[AssetPack]) -> Vec<Self> {
        let mut talks: Vec<Self> = packs.iter().filter_map(Self::of).collect();
        talks.sort_by(|a, b| (a.order, a.id()).cmp(&(b.order, b.id())));
        talks
    }

    /// The id of its pack.
    #[must_use]
    pub fn id(&self) -> &str {
        self.pack.id()
    }

    /// Where its video is, among the files of all packs.
    #[must_use]
    pub fn video(&self) -> String {
        format!("talks/{}.y4m", self.id())
    }

    /// Where its thumbnail is, in the pack of all thumbnails.
    #[must_use]
    pub fn thumbnail(&self) -> String {
        format!("thumbnails/{}.ppm", self.id())
    }
}
