//! Moves bytes over HTTP: byte ranges of pack files, small metadata, and whole files, from servers that may break, stall or
//! lie at any point.
//!
//! - [`Client::fetch_blocks`] fetches chosen blocks of one file by coalesced ranges, verifies each against its digest as it
//!   arrives and hands it over at once. What was verified is never asked for twice.
//! - [`Client::fetch_small`] fetches metadata into memory, up to a limit, conditionally if wanted.
//! - [`Client::download_file`] downloads a URL into a file and resumes what an earlier call left.
//!
//! Whatever a server does, the result is the right bytes or a [`TransferError`]; a transfer that makes no progress ends after
//! the time-outs of its [`ClientConfig`] and the attempts of its [`RetryPolicy`]. Dropping any of these futures stops the
//! transfer at once. Every byte taken from a response is counted in the [`Meter`] of the caller's [`Tracking`].

mod access;
mod backoff;
mod blocks;
mod client;
mod coalesce;
mod config;
mod error;
mod file;
mod http;
mod ledger;
mod pacing;
mod retry;
mod shown_url;
mod small;
mod tracking;

pub use access::{
    AuthenticationMethod, Authenticator, Challenge, ClientCertificate, Credential, Disposition,
    HostPolicy, LoopbackPolicy, ProtectionSpace, Reach, Secret, ServerTrust,
};
pub use backoff::{Backoff, Jitter, NextAttempt, RetryPolicy};
pub use blocks::{
    BlockOptions, BlockRequest, BlockSink, BlockSource, DeliveredBlock, Distance, LocalCopy,
    Precedence, RangeReader, RangeSource, SinkError, WantedBlock,
};
pub use client::{Client, ConfigError};
pub use coalesce::{CoalescePolicy, RangePlan, coalesce};
pub use config::{ClientConfig, ExtraHeader, HeaderScope, HttpsPolicy, ProxyPolicy};
pub use error::{Interruption, RequestError, TransferError, Violation};
pub use file::{Downloaded, FileHash, FileRequest};
pub use http::EntityTag;
pub use ledger::{Counts, Ledger, Meter, SourceUse};
pub use pacing::{Limit, Pace, Rate, Urgency};
pub use shown_url::ShownUrl;
pub use small::{ByteRange, Condition, Freshness, SmallBody, SmallRequest, SmallResponse};
pub use tracking::{Notice, Tracking};
