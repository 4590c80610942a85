//! What is said over D-Bus: Unity's LauncherEntry, which KDE and docks read too, and freedesktop.org's notifications.

use std::collections::HashMap;

use headstart::AppId;
use tokio::sync::watch;
use zbus::Connection;
use zbus::Variant;
use zbus::connection::Builder;

use super::super::PATIENCE;
use super::{Notice, State};

/// Shows states as they change, until one is the last or nobody is there to tell any.
pub(super) async fn speak(address: String, app: AppId, states: watch::Receiver<State>) {
    if let Err(error) = try_to_speak(&address, &app, states).await {
        tracing::debug!(%error, "the desktop cannot be told");
    }
}

async fn try_to_speak(
    address: &str,
    app: &AppId,
    mut states: watch::Receiver<State>,
) -> zbus::Result<()> {
    let connection = Builder::address(address).method_timeout(PATIENCE).build().await?;
    loop {
        let state = states.borrow_and_update().clone();
        update(&connection, app, &state).await?;
        if state.ended {
            if let Some(notice) = &state.notice {
                notify(&connection, app, notice).await?;
            }
            return connection.close().await;
        }
        if states.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Progress on the icon of the app.
async fn update(connection: &Connection, app: &AppId, state: &State) -> zbus::Result<()> {
    let uri = format!("application://{app}.desktop");
    let path = format!("/com/canonical/unity/launcherentry/{}", number(&uri));
    let properties = HashMap::from([
        ("progress", Variant::from(f64::from(state.percent) / 100.0)),
        ("progress-visible", Variant::from(!state.ended)),
    ]);
    connection
        .emit_signal(
            None::<&str>,
            path.as_str(),
            "com.canonical.Unity.LauncherEntry",
            "Update",
            &(uri, properties),
        )
        .await
}

async fn notify(connection: &Connection, app: &AppId, notice: &Notice) -> zbus::Result<()> {
    let hints = HashMap::from([("desktop-entry", Variant::from(app.as_str()))]);
    let actions: [&str; 0] = [];
    let (replaces_nothing, as_long_as_usual) = (0_u32, -1_i32);
    let body = (
        "Headstart",
        replaces_nothing,
        notice.icon.as_str(),
        notice.summary.as_str(),
        notice.body.as_str(),
        actions.as_slice(),
        hints,
        as_long_as_usual,
    );
    connection
        .call_method(
            Some("org.freedesktop.Notifications"),
            "/org/freedesktop/Notifications",
            Some("org.freedesktop.Notifications"),
            "Notify",
            &body,
        )
        .await
        .map(drop)
}

/// A number that differs between apps: objects of several apps have paths of their own.
fn number(uri: &str) -> u32 {
    uri.bytes().fold(5381, |number: u32, byte| number.wrapping_mul(33).wrapping_add(byte.into()))
}
