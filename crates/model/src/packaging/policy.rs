//! Reading `downloadPolicy`.

use jsonc_parser::ast::Value;

use super::document::Document;
use super::error::{ManifestError, ManifestProblem};
use crate::policy::{InstallationEventType, InstallationEventTypes};
use crate::{DownloadPolicy, Suggestion};

const POLICIES: &[&str] = &["essential", "prefetch", "onDemand"];
const EVENT_KEYS: &[&str] = &["installationEventTypes"];
const EVENTS: &[&str] = &["firstInstallation", "subsequentUpdate"];

pub(super) fn policy(
    document: &Document<'_>,
    value: &Value<'_>,
) -> Result<DownloadPolicy, ManifestError> {
    let fields = document.object(value, "`downloadPolicy`")?;
    fields.only(POLICIES)?;
    let [property] = fields.properties() else {
        let keys = fields.properties().len();
        return Err(fields.error(ManifestProblem::PolicyShape { keys }));
    };
    match property.name.as_str() {
        "essential" => {
            events(document, &property.value, "essential").map(DownloadPolicy::Essential)
        }
        "prefetch" => events(document, &property.value, "prefetch").map(DownloadPolicy::Prefetch),
        _ => {
            document.object(&property.value, "`downloadPolicy.onDemand`")?.only(&[])?;
            Ok(DownloadPolicy::on_demand())
        }
    }
}

fn events(
    document: &Document<'_>,
    value: &Value<'_>,
    policy: &str,
) -> Result<InstallationEventTypes, ManifestError> {
    let fields = document.object(value, &format!("`downloadPolicy.{policy}`"))?;
    fields.only(EVENT_KEYS)?;
    let list = fields.required("installationEventTypes")?;
    let what = "`installationEventTypes`";
    let mut events = Vec::new();
    for value in document.list(list, what)? {
        let name = document.text(value, "an entry of `installationEventTypes`")?;
        let event = match name {
            "firstInstallation" => InstallationEventType::FirstInstallation,
            "subsequentUpdate" => InstallationEventType::SubsequentUpdate,
            _ => return Err(document.error(value, unknown_name(what, name, EVENTS))),
        };
        if events.contains(&event) {
            let problem =
                ManifestProblem::Repeated { what: what.to_owned(), name: name.to_owned() };
            return Err(document.error(value, problem));
        }
        events.push(event);
    }
    if events.is_empty() {
        let problem = ManifestProblem::Empty { what: what.to_owned(), of: "event" };
        return Err(document.error(list, problem));
    }
    Ok(InstallationEventTypes { installation_event_types: events })
}

pub(super) fn unknown_name(
    what: &str,
    name: &str,
    known: &'static [&'static str],
) -> ManifestProblem {
    ManifestProblem::UnknownName {
        what: what.to_owned(),
        name: name.chars().take(80).collect(),
        suggestion: Suggestion::new(name, known),
    }
}
