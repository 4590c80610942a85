//! Platforms a pack is meant for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A platform name of the packaging manifest. `Spec: packs 2`; `linux`, `windows` and `android` are `Ours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Platform {
    /// iOS and iPadOS.
    #[serde(rename = "iOS")]
    Ios,
    /// macOS.
    #[serde(rename = "macOS")]
    Macos,
    /// tvOS.
    #[serde(rename = "tvOS")]
    Tvos,
    /// visionOS.
    #[serde(rename = "visionOS")]
    Visionos,
    /// Linux.
    #[serde(rename = "linux")]
    Linux,
    /// Windows.
    #[serde(rename = "windows")]
    Windows,
    /// Android.
    #[serde(rename = "android")]
    Android,
}

impl Platform {
    /// The platform that this program was built for; `None` where packs know no name for it.
    #[must_use]
    pub fn current() -> Option<Self> {
        match std::env::consts::OS {
            "ios" => Some(Self::Ios),
            "macos" => Some(Self::Macos),
            "tvos" => Some(Self::Tvos),
            "visionos" => Some(Self::Visionos),
            "linux" => Some(Self::Linux),
            "windows" => Some(Self::Windows),
            "android" => Some(Self::Android),
            _ => None,
        }
    }

    /// The name as written in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "iOS",
            Self::Macos => "macOS",
            Self::Tvos => "tvOS",
            Self::Visionos => "visionOS",
            Self::Linux => "linux",
            Self::Windows => "windows",
            Self::Android => "android",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
