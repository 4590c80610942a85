//! What every order needs.

use std::ffi::OsString;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use headstart_engine::FactsChange;
use headstart_model::{Failure, Language};
use headstart_store::Layout;

use super::clients::Clients;
use super::pacing::Pacing;
use super::readers::Readers;
use super::removals::Removals;
use crate::conditions::DeviceConditions;

/// The device as the performers see it.
#[derive(Debug)]
pub struct Context {
    /// Where things lie.
    pub layout: Layout,
    /// HTTP clients.
    pub clients: Clients,
    /// How long a look at an archive may take that a plain download manifest lists.
    pub look_timeout: Duration,
    /// How fast they may be used.
    pub pacing: Pacing,
    /// The random id of this device. It never leaves it: releases are rolled out by hashing it with the release.
    pub device_id: Vec<u8>,
    /// What the person reads, as the service's own environment says; empty when it does not.
    pub languages: Vec<Language>,
    /// Facts about the device.
    pub conditions: DeviceConditions,
    /// Variables of the service's environment that go to extensions.
    pub environment: Vec<(OsString, OsString)>,
    /// Held by whoever makes the next generation of a namespace.
    pub generations: std::sync::Mutex<()>,
    /// Who reads packs that are on their way.
    pub readers: Readers,
    /// Held by whoever makes containers of app groups for an extension that starts.
    pub containers: std::sync::Mutex<()>,
    /// Who takes versions of packs away.
    pub removals: Removals,
    /// Held by the one repair that is being made.
    pub repairs: tokio::sync::Mutex<()>,
}

impl Context {
    /// What is known of the device when the service begins.
    #[must_use]
    pub fn first_facts(&self) -> FactsChange {
        FactsChange { languages: Some(self.languages.clone()), ..self.facts() }
    }

    /// What is so at this moment, or pretended to be.
    #[must_use]
    pub fn facts(&self) -> FactsChange {
        self.conditions.facts(self.layout.home())
    }

    /// Keeps others from making the next generation of a namespace meanwhile.
    pub(crate) fn alone(&self) -> MutexGuard<'_, ()> {
        // Every generation is one durable step: a panic elsewhere leaves whole ones.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps who removes containers waiting until these are made.
    pub(crate) fn making_containers(&self) -> MutexGuard<'_, ()> {
        // It guards no data.
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much room the disk has at this moment.
    #[must_use]
    pub fn free_space(&self) -> FactsChange {
        FactsChange { disk_free_bytes: self.facts().disk_free_bytes, ..FactsChange::default() }
    }
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
