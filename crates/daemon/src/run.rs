//! Putting the service together, running it, and taking it apart in order.

use std::sync::Arc;
use std::time::Duration;

use headstart_engine::{Device, Event};
use headstart_model::Platform;
use headstart_store::{Database, Layout, StoreError};
use headstart_sys::dirs::{Home, HomeError};
use headstart_sys::durable;
use headstart_sys::lock::{FileLock, Sharing};
use headstart_sys::mode::Mode;
use headstart_sys::socket::{Listener, SocketError};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::conditions::DeviceConditions;
use crate::core::{Core, CoreError};
use crate::extension::Asker;
use crate::inbox::CoreHandle;
use crate::options::Options;
use crate::perform::{Clients, Context, Pacing, Patience, Performer, Readers, Removals};
use crate::socket::{self, Shared};

/// How often the free space of the disk is looked at while the service runs.
const SPACE_EVERY: Duration = Duration::from_secs(30);
/// How long a service that is about to end may take.
const HOME_PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked after meanwhile whether another service can be reached.
const HOME_LOOK_EVERY: Duration = Duration::from_millis(100);
/// Bytes of the device's random id.
const DEVICE_ID_BYTES: usize = 32;

/// Why the service could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The home folder cannot be used.
    #[error("the home folder cannot be used")]
    Home(#[from] HomeError),
    /// Another service keeps this home.
    #[error("another service keeps `{}`", .home.display())]
    HomeInUse {
        /// The home.
        home: std::path::PathBuf,
    },
    /// The socket cannot be used; most often another service of the same home is running.
    #[error("the socket cannot be used")]
    Socket(#[from] SocketError),
    /// The state cannot be loaded.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// Something on disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system refused something else.
    #[error("the system refused")]
    Io(#[from] std::io::Error),
}

/// Runs the service until it is told to stop: by a call, SIGTERM or SIGINT. Blocks.
///
/// # Errors
/// [`RunError`] when it cannot start.
pub fn run(home: &Home, options: &Options) -> Result<(), RunError> {
    home.prepare()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .thread_name("headstart")
        .enable_all()
        .build()?;
    // Two services of one home would write over each other, whatever sockets they listen on.
    let home_lock = lock_home(home)?;
    let listener = if let Some(listener) = Listener::activated()? {
        listener
    } else {
        home.socket().prepare()?;
        Listener::bind(home.socket().path())?
    };
    let layout = Layout::new(home.root());
    let clock = Clock::start();
    let device_id = device_id(home)?;
    let seed = seed_of(&device_id);
    let mut authorities = options.ca.clone();
    authorities.push(home.authority_folder().join("ca.pem"));
    let patience = Patience { stall: options.stall_timeout, retry_delay: options.retry_delay };
    let clients = Clients::new(authorities, patience, seed);
    let languages = headstart_sys::locale::preferred_languages();
    let pacing = Pacing::default();
    let context = Arc::new(Context {
        layout: layout.clone(),
        clients,
        look_timeout: options.look_timeout,
        pacing,
        device_id,
        languages,
        generations: std::sync::Mutex::default(),
        readers: Readers::default(),
        containers: std::sync::Mutex::default(),
        removals: Removals::default(),
        repairs: tokio::sync::Mutex::default(),
        conditions: DeviceConditions::default(),
        environment: crate::extension::inherited(),
    });
    let (handle, inputs) = CoreHandle::new();
    let performer = Performer::new(runtime.handle().clone(), handle.clone(), Arc::clone(&context));
    let database = Database::open(&layout.database())?;
    let device = Device { seed, platform: Platform::current() };
    let asker = Asker::new(
        runtime.handle().clone(),
        handle.clone(),
        Arc::clone(&context),
        options.extension_limits()?,
    );
    let core = Core::load(database, clock.clone(), device, (performer, asker.clone()))?;
    handle.event(Event::FactsChanged { news: context.first_facts() });
    let stop = CancellationToken::new();
    // However the core ends, the service ends with it.
    let guard = stop.clone().drop_guard();
    let for_core = runtime.handle().clone();
    let thread = std::thread::Builder::new().name("core".to_owned()).spawn(move || {
        let _guard = guard;
        core.run(inputs, &for_core);
    })?;

    let watched = Arc::clone(&context);
    let shared =
        Arc::new(Shared::new(handle.clone(), context, clock, (stop.clone(), asker.clone())));
    asker.serve_with(&shared);
    let result = runtime.block_on(async {
        tokio::spawn(stop_on_signals(stop.clone()));
        tokio::spawn(watch_space(watched, handle.clone(), stop.clone()));
        say_ready(options);
        tracing::info!(home = %home.root().display(), pid = std::process::id(), "ready");
        socket::serve(listener, home.socket().clone(), shared).await
    });
    handle.stop();
    if thread.join().is_err() {
        tracing::error!("the core ended unexpectedly");
    }
    runtime.shutdown_timeout(Duration::from_secs(5));
    drop(home_lock);
    tracing::info!(crash_points = headstart_sys::crash::passed(), "stopped");
    Ok(result?)
}

/// The right to serve this home. A service that is about to end is waited for; one that lost its socket, until it has
/// made it again.
fn lock_home(home: &Home) -> Result<FileLock, RunError> {
    let path = home.root().join("service.lock");
    let in_use = || RunError::HomeInUse { home: home.root().to_owned() };
    let (sender, receiver) = std::sync::mpsc::channel();
    let wanted = path.clone();
    std::thread::spawn(move || sender.send(FileLock::acquire(&wanted, Sharing::Exclusive)));
    let mut left = HOME_PATIENCE;
    while !left.is_zero() {
        match receiver.recv_timeout(HOME_LOOK_EVERY) {
            Ok(lock) => return lock.map_err(|error| RunError::Store(error.into())),
            // Whoever started this service finds the other one.
            Err(_) if headstart_sys::socket::connect(home.socket().path()).is_ok() => break,
            Err(_) => left = left.saturating_sub(HOME_LOOK_EVERY),
        }
    }
    Err(in_use())
}

/// The device's random id, made once and kept. It decides which share of a rollout the device belongs to.
fn device_id(home: &Home) -> Result<Vec<u8>, RunError> {
    let path = home.root().join("device-id");
    match std::fs::read(&path) {
        Ok(id) if id.len() == DEVICE_ID_BYTES => return Ok(id),
        Ok(_) => tracing::warn!("the device's id is damaged; it gets a new one"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let mut id = vec![0; DEVICE_ID_BYTES];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| std::io::Error::other("no random numbers"))?;
    durable::write_file(&path, &id, Mode::PRIVATE).map_err(StoreError::from)?;
    Ok(id)
}

fn seed_of(device_id: &[u8]) -> u64 {
    device_id.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

async fn watch_space(context: Arc<Context>, core: CoreHandle, stop: CancellationToken) {
    let mut every = tokio::time::interval(SPACE_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => core.event(Event::FactsChanged { news: context.facts() }),
        }
    }
}

#[cfg(unix)]
async fn stop_on_signals(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("told to stop");
    stop.cancel();
}

#[cfg(not(unix))]
async fn stop_on_signals(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stop.cancel();
    }
}

/// Tells whoever started the service that it accepts connections.
fn say_ready(options: &Options) {
    if let Some(socket) = &options.notify_socket
        && let Err(error) = headstart_sys::process::notify_ready(socket)
    {
        tracing::warn!(%error, "whoever started the service could not be told that it is ready");
    }
}
