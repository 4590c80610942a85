//! What a method is given: who calls, and the way back.

use std::sync::Arc;

use headstart_engine::ClientId;
use headstart_model::protocol::Method;
use headstart_model::protocol::error::CallError;
use headstart_model::protocol::message::{Answer, Position, encode_reply};
use headstart_model::{AppId, ErrorKind, Failure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;

use super::Shared;
use crate::extension::Run;

/// Why a call ends.
pub(super) enum End {
    /// With an error that is told.
    Error(CallError),
    /// With the connection.
    Io(std::io::Error),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Error(CallError::Failed(failure))
    }
}

impl From<std::io::Error> for End {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The replies to one call.
pub(super) struct Replies<'a> {
    pub(super) writer: &'a mut OwnedWriteHalf,
    pub(super) answer: Answer,
}

impl Replies<'_> {
    /// A reply after which others follow; not sent to a caller that takes one only.
    pub(super) async fn between<M: Method>(&mut self, reply: &M::Reply) -> Result<(), End> {
        if self.answer == Answer::Stream {
            self.send::<M>(reply, Position::Between).await?;
        }
        Ok(())
    }

    /// The last reply.
    pub(super) async fn last<M: Method>(&mut self, reply: &M::Reply) -> Result<(), End> {
        if self.answer == Answer::Never {
            return Ok(());
        }
        self.send::<M>(reply, Position::Last).await
    }

    async fn send<M: Method>(&mut self, reply: &M::Reply, position: Position) -> Result<(), End> {
        let bytes = encode_reply::<M>(reply, position).map_err(|error| {
            Failure::from_error(ErrorKind::Internal, "replyTooLong", &error)
                .with_hint("ask for less at once")
        })?;
        Ok(self.writer.write_all(&bytes).await?)
    }
}

/// Who calls, as the methods need it.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) client: ClientId,
    /// The app that the program is.
    pub(super) app: Option<&'a AppId>,
    /// The extension that the program is.
    pub(super) run: Option<&'a Arc<Run>>,
    pub(super) shared: &'a Arc<Shared>,
}
