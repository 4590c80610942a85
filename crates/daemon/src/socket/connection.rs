//! One connection: calls come in, one after the other, and each is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use headstart_engine::ClientId;
use headstart_model::AppId;
use headstart_model::protocol::CALL_BYTES_MAX;
use headstart_model::protocol::dispatch::{Call, Decoded, decode_call};
use headstart_model::protocol::error::CallError;
use headstart_model::protocol::framer::Framer;
use headstart_model::protocol::message::{Answer, encode_error};
use headstart_sys::socket::{PeerIdentity, identify_peer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::reply::{Caller, End, Replies};
use super::{
    Shared, ahead, apps, consume, device, downloads, extension, headers, languages, packs, service,
    verify,
};
use crate::extension::Run;

/// Calls of one connection that wait; a peer that sends more waits too.
const CALLS_WAITING_MAX: usize = 16;
/// How often a peer that waits to be read is looked after, whether it is still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who may be at the other end of a connection.
pub(crate) enum Role {
    /// A program of the person.
    Program,
    /// An extension that the service runs.
    Extension(Arc<Run>),
}

/// A connection and who is at its other end.
pub(super) struct Connection {
    pub(super) client: ClientId,
    pub(super) peer: PeerIdentity,
    /// The extension that the program is.
    run: Option<Arc<Run>>,
    /// Whether it has exclusive control of its app's downloads.
    exclusive: Option<downloads::Held>,
    /// The same, for who may not look at the connection.
    held: Arc<AtomicBool>,
    /// The app that the program is, as far as it said hello.
    pub(super) app: Option<AppId>,
    pub(super) shared: Arc<Shared>,
    writer: OwnedWriteHalf,
}

/// Answers calls until the peer goes away or breaks the protocol.
pub(crate) async fn converse(
    stream: UnixStream,
    client: ClientId,
    shared: &Arc<Shared>,
    role: Role,
) -> std::io::Result<()> {
    let peer = identify_peer(&stream).map_err(std::io::Error::other)?;
    // The socket's mode keeps others out already; this holds where a mode was changed by hand.
    if peer.uid != shared.uid {
        tracing::warn!(uid = peer.uid, "a program of another user was turned away");
        return Ok(());
    }
    tracing::debug!(client = client.0, ?peer, "connected");
    let over = shared.rights();
    let (reader, writer) = stream.into_split();
    let (sender, mut calls) = mpsc::channel(CALLS_WAITING_MAX);
    let mut reading = tokio::spawn(read(reader, sender));
    let run = match role {
        Role::Program => None,
        Role::Extension(run) => Some(run),
    };
    let (all, shared) = (shared, Arc::clone(shared));
    let exclusive = None;
    // An extension is its app from the first call on.
    let app = run.as_ref().map(|run| run.app().clone());
    let holds = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&holds);
    let mut connection = Connection { client, peer, run, exclusive, held, app, shared, writer };
    let talk = async {
        while let Some(decoded) = calls.recv().await {
            connection.handle(decoded).await?;
        }
        Ok(())
    };
    // When the peer is gone nobody hears the answer of a call that is still waiting, so the call is given up.
    let result = tokio::select! {
        result = talk => result,
        () = all.rights.until_lost(over, &holds) => Ok(()),
        () = async { while !reading.is_finished() { let _ = (&mut reading).await; } } => Ok(()),
    };
    reading.abort();
    connection.leave();
    result
}

/// Reads frames and hands calls on; ends when the peer does, or when it sends what is no call.
async fn read(mut reader: OwnedReadHalf, calls: mpsc::Sender<Decoded>) {
    let mut framer = Framer::new(CALL_BYTES_MAX);
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        framer.push(buffer.get(..read).unwrap_or_default());
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => match decode_call(frame) {
                    Ok(decoded) => {
                        if !hand_on(&reader, &calls, decoded).await {
                            return;
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, "a peer sent what is no call");
                        return;
                    }
                },
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "a peer broke the framing");
                    return;
                }
            }
        }
    }
}

/// Hands a call on; false when nobody takes it any more, or the peer has gone meanwhile. While a peer's calls wait nothing
/// more is read of it, so that it has to be asked for: else a call without end would keep its place for ever.
async fn hand_on(reader: &OwnedReadHalf, calls: &mpsc::Sender<Decoded>, call: Decoded) -> bool {
    let sent = calls.send(call);
    tokio::pin!(sent);
    loop {
        tokio::select! {
            sent = &mut sent => return sent.is_ok(),
            () = tokio::time::sleep(LOOK_EVERY) => {
                let ready = reader.ready(Interest::READABLE).now_or_never();
                if ready.is_some_and(|ready| ready.is_ok_and(tokio::io::Ready::is_read_closed)) {
                    return false;
                }
            }
        }
    }
}

impl Connection {
    /// The connection ends: what it alone had is free again.
    fn leave(&mut self) {
        self.shared.asker.leave(self.client);
        let caller = Caller {
            client: self.client,
            app: self.app.as_ref(),
            run: self.run.as_ref(),
            shared: &self.shared,
        };
        downloads::give_back(caller, &mut self.exclusive);
    }

    async fn handle(&mut self, decoded: Decoded) -> std::io::Result<()> {
        let answer = decoded.answer;
        let result = match decoded.call {
            Ok(call) => self.dispatch(call, answer).await,
            Err(error) => Err(End::Error(error)),
        };
        self.held.store(self.exclusive.is_some(), Ordering::Relaxed);
        match result {
            Ok(()) => Ok(()),
            Err(End::Io(error)) => Err(error),
            Err(End::Error(error)) if answer == Answer::Never => {
                tracing::debug!(%error, "a call without answer failed");
                Ok(())
            }
            Err(End::Error(error)) => {
                let bytes = encode_error(&error).map_err(std::io::Error::other)?;
                self.writer.write_all(&bytes).await
            }
        }
    }

    /// The connection's parts, apart, so that a call can read one while it writes to the other.
    async fn dispatch(&mut self, call: Call, answer: Answer) -> Result<(), End> {
        let mut replies = Replies { writer: &mut self.writer, answer };
        let caller = Caller {
            client: self.client,
            app: self.app.as_ref(),
            run: self.run.as_ref(),
            shared: &self.shared,
        };
        if caller.run.is_some() && !extension::may_call(&call) {
            return Err(End::Error(CallError::PermissionDenied));
        }
        match call {
            Call::GetInfo(call) => service::info(&call, &mut replies).await,
            Call::GetInterfaceDescription(call) => service::describe(&call, &mut replies).await,
            Call::Hello(call) => {
                let run = self.run.as_ref();
                let (app, welcome) = service::hello(&self.shared, (&self.peer, run), call).await?;
                self.app = app;
                replies.last::<headstart_model::protocol::service::Hello>(&welcome).await
            }
            Call::ServiceStatus(_) => service::status(caller, &mut replies).await,
            Call::Stop(_) => service::stop(caller, &mut replies).await,
            Call::Install(call) => apps::install(caller, call, &mut replies).await,
            Call::Update(call) => apps::update(caller, call, &mut replies).await,
            Call::Uninstall(call) => apps::uninstall(caller, call, &mut replies).await,
            Call::ListApps(_) => apps::list(caller, &mut replies).await,
            Call::AppInfo(call) => apps::info(caller, call, &mut replies).await,
            Call::PrepareLaunch(call) => apps::prepare_launch(caller, call, &mut replies).await,
            Call::SimulateEvent(call) => apps::simulate(caller, call, &mut replies).await,
            Call::ListPacks(call) => packs::list(caller, call, &mut replies).await,
            Call::PackStatus(call) => packs::status(caller, call, &mut replies).await,
            Call::LocalStatus(call) => packs::local_status(caller, call, &mut replies).await,
            Call::Ensure(call) => packs::ensure(caller, call, &mut replies).await,
            Call::CheckForUpdates(call) => packs::check(caller, call, &mut replies).await,
            Call::Remove(call) => packs::remove(caller, call, &mut replies).await,
            Call::Cancel(call) => packs::cancel(caller, call, &mut replies).await,
            Call::StatusUpdates(call) => packs::updates(caller, call, &mut replies).await,
            Call::Languages(call) => languages::languages(caller, call, &mut replies).await,
            Call::SetLanguage(call) => languages::set(caller, call, &mut replies).await,
            Call::ReconcileLanguages(call) => {
                languages::reconcile(caller, call, &mut replies).await
            }
            Call::Locate(call) => packs::locate(caller, call, &mut replies).await,
            Call::OpenNamespace(call) => packs::namespace(caller, call, &mut replies).await,
            Call::Explain(call) => packs::explain(caller, call, &mut replies).await,
            Call::Verify(call) => verify::verify(caller, call, &mut replies).await,
            Call::ReadAhead(call) => ahead::read_ahead(caller, call, &mut replies).await,
            Call::Consume(call) => consume::consume(caller, call, &mut replies).await,
            Call::SetServerHeaders(call) => headers::set(caller, call, &mut replies).await,
            Call::ControlInstallation(call) => apps::control(caller, call, &mut replies).await,
            Call::Override(call) => apps::override_source(caller, call, &mut replies).await,
            Call::AttachDebugger(call) => apps::attach(caller, call, &mut replies).await,
            Call::ScheduleDownloads(call) => downloads::schedule(caller, call, &mut replies).await,
            Call::CancelDownload(call) => downloads::cancel(caller, call, &mut replies).await,
            Call::CurrentDownloads(call) => downloads::current(caller, call, &mut replies).await,
            Call::AcquireExclusiveControl(call) => {
                downloads::acquire(caller, call, &mut replies, &mut self.exclusive).await
            }
            Call::ReleaseExclusiveControl(_) => {
                downloads::release(caller, &mut replies, &mut self.exclusive).await
            }
            Call::AttendDownloads(call) => downloads::attend(caller, call, &mut replies).await,
            Call::AcknowledgeDownload(call) => {
                downloads::acknowledge(caller, call, &mut replies).await
            }
            Call::ListDownloads(call) => downloads::list(caller, call, &mut replies).await,
            Call::ChangeDownload(call) => downloads::change(caller, call, &mut replies).await,
            Call::ExplainDownload(call) => downloads::explain(caller, call, &mut replies).await,
            Call::ServeExtension(_) => extension::serve(caller, &mut replies).await,
            Call::ReturnFromExtension(call) => extension::give(caller, call, &mut replies).await,
            Call::Settings(_) => device::settings(caller, &mut replies).await,
            Call::SetSetting(call) => device::set(caller, call, &mut replies).await,
            Call::Conditions(_) => device::conditions(caller, &mut replies).await,
            Call::Pretend(call) => device::pretend(caller, call, &mut replies).await,
        }
    }
}
