//! The envelope of calls and replies.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::CallError;
use super::framer::FrameError;
use super::{CALL_BYTES_MAX, Method, REPLY_BYTES_MAX};

/// A call as it travels. Unknown fields are ignored, as Varlink asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallMessage {
    /// Interface and method: `io.headstart.Packs.List`.
    pub method: String,
    /// The parameters, an object; none is the same as an empty object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// The caller takes several replies.
    #[serde(default, skip_serializing_if = "is_false")]
    pub more: bool,
    /// The caller takes no reply, not even an error.
    #[serde(default, skip_serializing_if = "is_false")]
    pub oneway: bool,
    /// The caller wants to speak another protocol afterwards; no method here allows it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub upgrade: bool,
}

/// A reply as it travels. Unknown fields are ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplyMessage {
    /// What the method answers, or the parameters of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Another reply to the same call follows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub continues: bool,
    /// The name of the error that ends the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A message is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Not the JSON object of a call or reply, or not of the method that was called.
    #[error("a message on the socket cannot be read")]
    Json(#[from] serde_json::Error),
    /// Too long to be sent.
    #[error("a message for the socket has {bytes} bytes; at most {limit_bytes} are allowed")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it may have.
        limit_bytes: usize,
    },
    /// The stream of messages is broken.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The call failed with an error that this program does not know.
    #[error("the other side answered with the unknown error `{name}`")]
    UnknownError {
        /// Name of the error.
        name: String,
    },
}

/// How a call wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With one reply.
    Once,
    /// With several.
    Stream,
    /// Not at all, not even when it fails.
    Never,
}

/// What a reply is to the call that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Another reply follows.
    Between,
    /// The last one.
    Last,
}

/// One reply of a method, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received<R> {
    /// What the method answers.
    pub reply: R,
    /// Whether it is the last one.
    pub position: Position,
}

/// Why a client has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The call failed, and the service said so.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What the service sent is no reply.
    #[error(transparent)]
    Message(#[from] MessageError),
}

/// The bytes of a call of `method`, NUL included.
///
/// # Errors
/// [`MessageError::TooLong`] when the parameters do not fit into one message.
pub fn encode_call<M: Method>(method: &M, answer: Answer) -> Result<Vec<u8>, MessageError> {
    let message = CallMessage {
        method: M::NAME.to_owned(),
        parameters: Some(serde_json::to_value(method)?),
        more: answer == Answer::Stream,
        oneway: answer == Answer::Never,
        upgrade: false,
    };
    encode(&message, CALL_BYTES_MAX)
}

/// The bytes of a reply of method `M`, NUL included.
///
/// # Errors
/// [`MessageError::TooLong`] when the reply does not fit into one message.
pub fn encode_reply<M: Method>(
    reply: &M::Reply,
    position: Position,
) -> Result<Vec<u8>, MessageError> {
    let message = ReplyMessage {
        parameters: Some(serde_json::to_value(reply)?),
        continues: position == Position::Between,
        error: None,
    };
    encode(&message, REPLY_BYTES_MAX)
}

/// The bytes of a reply that ends a call with `error`, NUL included.
///
/// # Errors
/// [`MessageError::TooLong`] when the error does not fit into one message.
pub fn encode_error(error: &CallError) -> Result<Vec<u8>, MessageError> {
    encode(&error.to_message(), REPLY_BYTES_MAX)
}

/// Reads a reply of method `M` from the bytes of one message.
///
/// # Errors
/// [`ReplyError::Call`] when the reply is an error that this program knows, [`ReplyError::Message`]
/// when it is anything else that is not a reply of this method.
pub fn decode_reply<M: Method>(frame: &[u8]) -> Result<Received<M::Reply>, ReplyError> {
    let message: ReplyMessage = decode(frame)?;
    if let Some(name) = &message.error {
        let error = CallError::from_message(name, message.parameters)?;
        return Err(error.into());
    }
    let parameters = message.parameters.unwrap_or_else(empty);
    let reply = serde_json::from_value(parameters).map_err(MessageError::Json)?;
    let position = if message.continues { Position::Between } else { Position::Last };
    Ok(Received { reply, position })
}

pub(super) fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

pub(super) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T, MessageError> {
    Ok(serde_json::from_slice(frame)?)
}

fn encode<T: Serialize>(message: &T, limit_bytes: usize) -> Result<Vec<u8>, MessageError> {
    let mut bytes = serde_json::to_vec(message)?;
    if bytes.len() > limit_bytes {
        return Err(MessageError::TooLong { bytes: bytes.len(), limit_bytes });
    }
    bytes.push(0);
    Ok(bytes)
}
