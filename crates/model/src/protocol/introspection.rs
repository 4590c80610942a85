//! `org.varlink.service`: the service describes itself, as Varlink asks of every service.

use serde::{Deserialize, Serialize};

use super::error::CallError;
use super::method::method;

/// Every interface of the service: its name and its description in Varlink's language.
pub const INTERFACES: [(&str, &str); 8] = [
    ("org.varlink.service", include_str!("../../varlink/org.varlink.service.varlink")),
    ("io.headstart", include_str!("../../varlink/io.headstart.varlink")),
    ("io.headstart.Service", include_str!("../../varlink/io.headstart.Service.varlink")),
    ("io.headstart.Apps", include_str!("../../varlink/io.headstart.Apps.varlink")),
    ("io.headstart.Packs", include_str!("../../varlink/io.headstart.Packs.varlink")),
    ("io.headstart.Downloads", include_str!("../../varlink/io.headstart.Downloads.varlink")),
    ("io.headstart.Extension", include_str!("../../varlink/io.headstart.Extension.varlink")),
    ("io.headstart.Device", include_str!("../../varlink/io.headstart.Device.varlink")),
];

/// Who the service is and what it can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetInfo {}

/// What the service answers to [`GetInfo`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Who makes it.
    pub vendor: String,
    /// What it is.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Where to read more.
    pub url: String,
    /// Its interfaces.
    pub interfaces: Vec<String>,
}

method!(GetInfo, "org.varlink.service.GetInfo", One, ServiceInfo);

/// The description of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetInterfaceDescription {
    /// The interface.
    pub interface: String,
}

/// What the service answers to [`GetInterfaceDescription`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceDescription {
    /// The description in Varlink's language.
    pub description: String,
}

method!(
    GetInterfaceDescription,
    "org.varlink.service.GetInterfaceDescription",
    One,
    InterfaceDescription
);

/// The answer to [`GetInfo`] of a service in this version.
#[must_use]
pub fn info(version: &str) -> ServiceInfo {
    ServiceInfo {
        vendor: "Headstart".to_owned(),
        product: "headstartd".to_owned(),
        version: version.to_owned(),
        url: env!("CARGO_PKG_REPOSITORY").to_owned(),
        interfaces: INTERFACES.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }
}

/// The answer to [`GetInterfaceDescription`].
///
/// # Errors
/// [`CallError::InterfaceNotFound`] when the service has no such interface.
pub fn describe(call: &GetInterfaceDescription) -> Result<InterfaceDescription, CallError> {
    let found = INTERFACES.iter().find(|(name, _)| *name == call.interface);
    match found {
        Some((_, description)) => {
            Ok(InterfaceDescription { description: (*description).to_owned() })
        }
        None => Err(CallError::InterfaceNotFound { interface: call.interface.clone() }),
    }
}
