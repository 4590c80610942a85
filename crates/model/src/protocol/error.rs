//! Errors that end a call: the project's own one, and those that Varlink defines for every service.

use serde_json::{Value, json};

use super::message::{MessageError, ReplyMessage, empty};
use crate::{ErrorKind, Failure};

/// Name of the one error of the project; its parameters are a [`Failure`].
pub const FAILED: &str = "io.headstart.Failed";

/// An error that ends a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The method did not do what was asked; the failure crosses the socket unchanged.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// No such interface.
    #[error("the service has no interface `{interface}`")]
    InterfaceNotFound {
        /// The interface as called.
        interface: String,
    },
    /// The interface has no such method.
    #[error("the service has no method `{method}`")]
    MethodNotFound {
        /// The method as called, with its interface.
        method: String,
    },
    /// The method is described and does nothing on this machine.
    #[error("the service does not implement the method `{method}`")]
    MethodNotImplemented {
        /// The method as called, with its interface.
        method: String,
    },
    /// A parameter is missing, unknown, or has a value that it cannot have.
    #[error("the service refuses the parameter `{parameter}`")]
    InvalidParameter {
        /// Name of the parameter.
        parameter: String,
    },
    /// The peer may not call this.
    #[error("the service does not permit this call")]
    PermissionDenied,
    /// The method answers with a stream, and the call takes one reply only.
    #[error("the method can only be called with `more`")]
    ExpectedMore,
}

impl CallError {
    /// The reply that ends the call with this error.
    #[must_use]
    pub fn to_message(&self) -> ReplyMessage {
        let (name, parameters) = match self {
            Self::Failed(failure) => (FAILED, json!(failure)),
            Self::InterfaceNotFound { interface } => {
                ("org.varlink.service.InterfaceNotFound", json!({ "interface": interface }))
            }
            Self::MethodNotFound { method } => {
                ("org.varlink.service.MethodNotFound", json!({ "method": method }))
            }
            Self::MethodNotImplemented { method } => {
                ("org.varlink.service.MethodNotImplemented", json!({ "method": method }))
            }
            Self::InvalidParameter { parameter } => {
                ("org.varlink.service.InvalidParameter", json!({ "parameter": parameter }))
            }
            Self::PermissionDenied => ("org.varlink.service.PermissionDenied", empty()),
            Self::ExpectedMore => ("org.varlink.service.ExpectedMore", empty()),
        };
        ReplyMessage {
            parameters: Some(parameters),
            continues: false,
            error: Some(name.to_owned()),
        }
    }

    /// The error that a reply names.
    ///
    /// # Errors
    /// [`MessageError::UnknownError`] for a name that is not here, [`MessageError::Json`] for
    /// parameters that do not belong to the name.
    pub fn from_message(name: &str, parameters: Option<Value>) -> Result<Self, MessageError> {
        let parameters = parameters.unwrap_or_else(empty);
        let text =
            |key: &str| parameters.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match name {
            FAILED => Ok(Self::Failed(serde_json::from_value(parameters)?)),
            "org.varlink.service.InterfaceNotFound" => {
                Ok(Self::InterfaceNotFound { interface: text("interface") })
            }
            "org.varlink.service.MethodNotFound" => {
                Ok(Self::MethodNotFound { method: text("method") })
            }
            "org.varlink.service.MethodNotImplemented" => {
                Ok(Self::MethodNotImplemented { method: text("method") })
            }
            "org.varlink.service.InvalidParameter" => {
                Ok(Self::InvalidParameter { parameter: text("parameter") })
            }
            "org.varlink.service.PermissionDenied" => Ok(Self::PermissionDenied),
            "org.varlink.service.ExpectedMore" => Ok(Self::ExpectedMore),
            // The name comes from outside and ends in messages: it is cut.
            _ => Err(MessageError::UnknownError { name: name.chars().take(120).collect() }),
        }
    }

    /// The failure to show for this error: its own, or for Varlink's errors what they mean between
    /// two programs of ours.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let text = self.to_string();
        match self {
            Self::Failed(failure) => failure,
            Self::InvalidParameter { .. } => {
                Failure::new(ErrorKind::Usage, "invalidParameter", text)
            }
            Self::PermissionDenied => Failure::new(ErrorKind::Refused, "permissionDenied", text),
            Self::ExpectedMore => Failure::new(ErrorKind::Usage, "expectedMore", text),
            Self::InterfaceNotFound { .. }
            | Self::MethodNotFound { .. }
            | Self::MethodNotImplemented { .. } => {
                Failure::new(ErrorKind::Unavailable, "methodNotFound", text).with_hint(
                    "the running service is older than this program; \
                     stop it with `headstart service stop`, and the newest one starts by itself",
                )
            }
        }
    }
}
