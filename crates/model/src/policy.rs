//! When a pack is downloaded.

use serde::{Deserialize, Serialize};

/// The event of an installation that a policy names. `Spec: packs 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum InstallationEventType {
    /// The app is installed and was not there before.
    FirstInstallation,
    /// An installed app is updated.
    SubsequentUpdate,
}

/// The events for which an essential or prefetch pack is downloaded: one or both, never none. `Spec: packs 2`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstallationEventTypes {
    /// The events, without repetition.
    pub installation_event_types: Vec<InstallationEventType>,
}

/// When a pack is downloaded. `Spec: packs 2`.
///
/// In JSON an object with exactly one key: `{"essential":{"installationEventTypes":["firstInstallation"]}}`,
/// `{"prefetch":{…}}` or `{"onDemand":{}}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DownloadPolicy {
    /// Part of the installation: the app cannot be launched before it has concluded.
    Essential(InstallationEventTypes),
    /// Begins during the installation and goes on in the background.
    Prefetch(InstallationEventTypes),
    /// Only when the app asks.
    OnDemand(OnDemand),
}

/// The empty object of an on-demand policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDemand {}

impl DownloadPolicy {
    /// The on-demand policy.
    #[must_use]
    pub const fn on_demand() -> Self {
        Self::OnDemand(OnDemand {})
    }

    /// The name used in listings: `essential`, `prefetch` or `onDemand`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Essential(_) => "essential",
            Self::Prefetch(_) => "prefetch",
            Self::OnDemand(_) => "onDemand",
        }
    }

    /// Whether `request` downloads such a pack without being asked, and if so whether the installation waits for it.
    /// `Spec: concepts 5.1`; periodic requests and language changes never select one here (`Spec: concepts 3`).
    #[must_use]
    pub fn selected_by(&self, request: ContentRequest) -> Selection {
        let event = match request {
            ContentRequest::Install => InstallationEventType::FirstInstallation,
            ContentRequest::Update => InstallationEventType::SubsequentUpdate,
            ContentRequest::Periodic | ContentRequest::LanguageChange => {
                return Selection::NotSelected;
            }
        };
        match self {
            Self::Essential(e) if e.installation_event_types.contains(&event) => {
                Selection::Essential
            }
            Self::Prefetch(e) if e.installation_event_types.contains(&event) => Selection::Prefetch,
            _ => Selection::NotSelected,
        }
    }
}

/// What an event makes of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The installation waits for it.
    Essential,
    /// Downloaded after the essential ones, without blocking a launch.
    Prefetch,
    /// Left alone.
    NotSelected,
}

/// Why the system asks for content. `Spec: concepts 3`; the numbers are those of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentRequest {
    /// First installation of the app.
    Install = 1,
    /// Update of the app.
    Update = 2,
    /// When the device finds it a good time.
    Periodic = 3,
    /// The app's preferred language changed.
    LanguageChange = 4,
}

impl ContentRequest {
    /// Every request, by number.
    pub const ALL: [Self; 4] = [Self::Install, Self::Update, Self::Periodic, Self::LanguageChange];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DownloadPolicy, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn the_three_documented_shapes_parse() {
        assert_eq!(parse(r#"{"onDemand":{}}"#).expect("fine"), DownloadPolicy::on_demand());
        let policy = parse(
            r#"{"prefetch":{"installationEventTypes":["firstInstallation","subsequentUpdate"]}}"#,
        )
        .expect("fine");
        assert_eq!(policy.name(), "prefetch");
        assert_eq!(policy.selected_by(ContentRequest::Update), Selection::Prefetch);
        assert_eq!(policy.selected_by(ContentRequest::Periodic), Selection::NotSelected);
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            r#"{"onDemand":null}"#,
            r#"{"onDemand":{"x":1}}"#,
            r#"{"essential":{}}"#,
            r#"{"essential":{"installationEventTypes":["never"]}}"#,
            r#"{"onDemand":{},"essential":{"installationEventTypes":[]}}"#,
            "{}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
