//! Hands files out over HTTP: ranges, conditional requests, TLS, a link conditioner, and faults on
//! command. One implementation for `headstart serve`, for the files of the hosting server, and for
//! the tests' misbehaving server.
//!
//! A [`Site`] says what is served: [`Folder`]s of static files and [`Routes`] named one by one. A
//! [`Server`] serves it over HTTP/1.1 and HTTP/2 (with TLS by ALPN, without by prior knowledge) and
//! is [`Running`] until it is shut down or dropped. What may change meanwhile is shared by handle:
//! [`Routes`], [`Faults`], [`Link`], [`Gate`]. Each request ends in a [`RequestEvent`] of the [`RequestLog`].
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use headstart_serve::{CacheRules, Folder, Server, Site};
//!
//! let folder = Folder::new("repository")?.with_cache(CacheRules::repository());
//! let mut server = Server::new(Site::new().mount("/", folder)).start().await?;
//! println!("{}", server.url());
//! let mut requests = server.take_requests().expect("not taken before");
//! while let Some(request) = requests.recv().await {
//!     println!("{request}");
//! }
//! # Ok(()) }
//! ```
//!
//! Non-goals: uploads, directory listings, compression on the fly (packs are compressed), access
//! control beyond a [`Gate`] that wants certain headers, as private repositories do. What the crate knows of the system is HTTP and files: no packs, no repositories.
//!
//! Where to go next: `server` (life of a server), `answer` (life of a request), `mount` (how paths
//! become files and why they cannot leave their folder), `fault` and `conditioner`.

pub mod conditioner;
pub mod fault;
pub mod gate;
pub mod log;
pub mod mount;
pub mod quantity;
pub mod server;
pub mod tls;

mod answer;
mod seed;
mod wire;

pub use conditioner::{Link, LinkConditions};
pub use fault::{
    Fault, FaultKind, FaultPlan, FaultPoint, FaultRule, Faults, Frequency, RequestFacts, Script,
};
pub use gate::{Gate, WantedHeader, WantedHeaderError};
pub use log::{Outcome, RequestEvent, RequestLog};
pub use mount::{CachePolicy, CacheRules, Content, EntityTag, Folder, Route, Routes, Site};
pub use quantity::{ByteSize, Percent, QuantityError, Rate, parse_duration};
pub use server::{Limits, Running, Server, ShutdownOutcome, StartError};
pub use tls::{Authority, Tls, TlsError};
