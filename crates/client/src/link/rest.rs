//! Connections between two calls.

use std::sync::{Mutex, PoisonError};

use crate::connection::Connection;

/// Connections that an app keeps. `Ours:` an app rarely has more calls at once, and each costs the
/// service a task.
const OF_APP_MAX: usize = 4;
/// Connections that an extension keeps: all that a run gets (`docs/format/socket.md`).
const OF_EXTENSION_MAX: usize = 16;

/// Connections on which both sides have met, and nobody waits.
#[derive(Debug)]
pub(crate) struct Rest {
    connections: Mutex<Vec<Connection>>,
    limit: usize,
}

impl Rest {
    pub(crate) const fn of_app() -> Self {
        Self { connections: Mutex::new(Vec::new()), limit: OF_APP_MAX }
    }

    pub(crate) const fn of_extension() -> Self {
        Self { connections: Mutex::new(Vec::new()), limit: OF_EXTENSION_MAX }
    }

    /// One that can be used, if there is one.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let mut next = self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // A service that ended leaves connections behind.
            if next.is_usable() {
                return Some(next);
            }
        }
    }

    pub(crate) fn put(&self, connection: Connection) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.len() < self.limit {
            connections.push(connection);
        }
    }
}
