//! The server's side: the bytes of a call become a value to match on.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::CallError;
use super::introspection::{self, INTERFACES};
use super::message::{Answer, CallMessage, MessageError, decode, empty};
use super::{Method, Replies, apps, device, downloads, extension, packs, service};

macro_rules! calls {
    ($($(#[$doc:meta])* $variant:ident($parameters:ty),)*) => {
        /// Every method of the service with its parameters.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "each method is documented at its parameters")]
        pub enum Call {
            $($variant($parameters),)*
        }

        impl Call {
            /// Interface and method.
            #[must_use]
            pub const fn method(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$parameters as Method>::NAME,)*
                }
            }

            /// How many replies the method gives.
            #[must_use]
            pub const fn replies(&self) -> Replies {
                match self {
                    $(Self::$variant(_) => <$parameters as Method>::REPLIES,)*
                }
            }

            fn from_parts(method: &str, parameters: Value) -> Result<Self, CallError> {
                match method {
                    $(<$parameters as Method>::NAME => parse(parameters).map(Self::$variant),)*
                    _ => Err(unknown(method)),
                }
            }
        }

        /// The names of all methods.
        pub const METHODS: &[&str] = &[$(<$parameters as Method>::NAME,)*];
    };
}

calls! {
    GetInfo(introspection::GetInfo),
    GetInterfaceDescription(introspection::GetInterfaceDescription),
    Hello(service::Hello),
    ServiceStatus(service::Status),
    Stop(service::Stop),
    Install(apps::Install),
    Update(apps::Update),
    Uninstall(apps::Uninstall),
    ListApps(apps::List),
    AppInfo(apps::Info),
    PrepareLaunch(apps::PrepareLaunch),
    SimulateEvent(apps::SimulateEvent),
    ControlInstallation(apps::ControlInstallation),
    Override(apps::Override),
    AttachDebugger(apps::AttachDebugger),
    ListPacks(packs::List),
    PackStatus(packs::Status),
    LocalStatus(packs::LocalStatus),
    Ensure(packs::Ensure),
    CheckForUpdates(packs::CheckForUpdates),
    Remove(packs::Remove),
    Cancel(packs::Cancel),
    StatusUpdates(packs::StatusUpdates),
    Languages(packs::Languages),
    SetLanguage(packs::SetLanguage),
    ReconcileLanguages(packs::ReconcileLanguages),
    Locate(packs::Locate),
    OpenNamespace(packs::OpenNamespace),
    Explain(packs::Explain),
    Verify(packs::Verify),
    Consume(packs::Consume),
    ReadAhead(packs::ReadAhead),
    SetServerHeaders(packs::SetServerHeaders),
    ScheduleDownloads(downloads::Schedule),
    CancelDownload(downloads::CancelDownload),
    CurrentDownloads(downloads::Current),
    AcquireExclusiveControl(downloads::AcquireExclusiveControl),
    ReleaseExclusiveControl(downloads::ReleaseExclusiveControl),
    AttendDownloads(downloads::Attend),
    AcknowledgeDownload(downloads::Acknowledge),
    ListDownloads(downloads::List),
    ChangeDownload(downloads::Change),
    ExplainDownload(downloads::ExplainDownload),
    ServeExtension(extension::Serve),
    ReturnFromExtension(extension::Return),
    Settings(device::Settings),
    SetSetting(device::SetSetting),
    Conditions(device::Conditions),
    Pretend(device::Pretend),
}

/// A call as a server receives it.
#[derive(Debug)]
pub struct Decoded {
    /// How it wants to be answered.
    pub answer: Answer,
    /// What is called, or the error that the call ends with.
    pub call: Result<Call, CallError>,
}

/// Reads the bytes of one message as a call.
///
/// # Errors
/// [`MessageError`] when they are no call at all. There is nothing to answer to: the server closes
/// the connection.
pub fn decode_call(frame: &[u8]) -> Result<Decoded, MessageError> {
    let message: CallMessage = decode(frame)?;
    let answer = match (message.oneway, message.more) {
        (true, _) => Answer::Never,
        (false, true) => Answer::Stream,
        (false, false) => Answer::Once,
    };
    Ok(Decoded { answer, call: call_of(message) })
}

fn call_of(message: CallMessage) -> Result<Call, CallError> {
    if message.upgrade {
        return Err(CallError::MethodNotImplemented { method: message.method });
    }
    let call = Call::from_parts(&message.method, message.parameters.unwrap_or_else(empty))?;
    if call.replies() == Replies::Stream && !message.more {
        return Err(CallError::ExpectedMore);
    }
    Ok(call)
}

fn unknown(method: &str) -> CallError {
    let interface = method.rsplit_once('.').map_or(method, |(interface, _)| interface);
    // What the peer wrote goes back to it, but not without bound into logs.
    let cut = |text: &str| text.chars().take(200).collect();
    if INTERFACES.iter().any(|(name, _)| *name == interface) {
        CallError::MethodNotFound { method: cut(method) }
    } else {
        CallError::InterfaceNotFound { interface: cut(interface) }
    }
}

fn parse<T: DeserializeOwned>(parameters: Value) -> Result<T, CallError> {
    // serde would also take a list in the order of the fields, which nobody described.
    if !parameters.is_object() {
        return Err(CallError::InvalidParameter { parameter: "parameters".to_owned() });
    }
    let probe = parameters.clone();
    serde_json::from_value(parameters).map_err(|error| CallError::InvalidParameter {
        parameter: culprit::<T>(&probe, &error.to_string()),
    })
}

/// The parameter that `message` is about. serde names it only where it is missing or unknown; for a
/// wrong value it is the one without which the message is another.
fn culprit<T: DeserializeOwned>(parameters: &Value, message: &str) -> String {
    for head in ["missing field `", "unknown field `"] {
        if let Some((name, _)) = message.strip_prefix(head).and_then(|rest| rest.split_once('`')) {
            return name.chars().take(200).collect();
        }
    }
    let Some(fields) = parameters.as_object() else {
        return "parameters".to_owned();
    };
    let decides = |name: &&String| {
        let mut without = fields.clone();
        without.remove(*name);
        let result = serde_json::from_value::<T>(Value::Object(without));
        result.map_or_else(|error| error.to_string() != message, |_| true)
    };
    fields.keys().find(decides).map_or_else(|| "parameters".to_owned(), Clone::clone)
}
