//! What every order needs.

use headstart_model::Failure;
use headstart_store::Layout;

use super::clients::Clients;

/// The device as the performers see it.
#[derive(Debug)]
pub struct Context {
    /// Where things lie.
    pub layout: Layout,
    /// HTTP clients.
    pub clients: Clients,
    /// The random id of this device. It never leaves it: releases are rolled out by hashing it with the release.
    pub device_id: Vec<u8>,
}

/// Runs `work` on the threads where blocking is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Failure::from_error(headstart_model::ErrorKind::Internal, "internal", &error)
            .within("the service failed at its work")
            .with_hint("please report this")
    })
}
