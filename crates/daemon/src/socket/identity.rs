//! Which app a program is. `Spec: cli, An app bundle`.
//!
//! By the program's executable, which the kernel names; by a token that `app launch` handed to it, for programs that an
//! interpreter runs; or, for an app installed with `--dev`, by what it says itself.

use std::path::Path;
use std::sync::Arc;

use headstart_engine::record::{Bundle, Trust};
use headstart_model::protocol::service::{AppToken, Hello};
use headstart_model::{AppId, Digest, ErrorKind, Failure};
use headstart_sys::socket::PeerIdentity;

use super::Shared;
use crate::bundle;

/// What is known of an installed app.
struct Known {
    app: AppId,
    trust: Trust,
    bundle: Bundle,
}

/// The app that the peer is; none when it is no app.
pub(super) async fn identify(
    shared: &Arc<Shared>,
    peer: &PeerIdentity,
    hello: &Hello,
) -> Result<Option<AppId>, Failure> {
    let known = shared.core.query(|state, _| {
        let apps = state.records().apps();
        let known = apps.map(|(app, record)| Known {
            app: app.clone(),
            trust: record.bundle.trust,
            bundle: record.bundle.clone(),
        });
        known.collect::<Vec<_>>()
    });
    let known = known.await?;
    if let Some(given) = &hello.app_token {
        let found = known.iter().find(|known| token(shared, &known.app) == *given);
        return found.map(|known| Some(known.app.clone())).ok_or_else(|| {
            Failure::new(ErrorKind::Refused, "unknownToken", "the token names no installed app")
                .with_hint("start the program through `headstart app launch`")
        });
    }
    let by_executable = peer
        .executable
        .as_deref()
        .and_then(|executable| known.iter().find(|known| is_executable(shared, known, executable)));
    match (&hello.app, by_executable) {
        (None, found) => Ok(found.map(|known| known.app.clone())),
        (Some(claimed), Some(found)) if found.app == *claimed => Ok(Some(claimed.clone())),
        (Some(claimed), _) => match known.iter().find(|known| known.app == *claimed) {
            Some(known) if known.trust == Trust::Development => Ok(Some(claimed.clone())),
            Some(_) => {
                let message = format!("this program is not the executable of app `{claimed}`");
                Err(Failure::new(ErrorKind::Refused, "notTheApp", message).with_hint(
                    "install the app with --dev to let any program be it, or use `headstart app launch`",
                ))
            }
            // Whoever installs the app may well say already that it is the app.
            None => Ok(None),
        },
    }
}

fn is_executable(shared: &Shared, known: &Known, executable: &Path) -> bool {
    let Ok(description) = bundle::registered(&shared.context.layout, &known.app) else {
        return false;
    };
    let Some(own) = description.executable else { return false };
    let same = |a: &Path, b: &Path| {
        a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    let folder = bundle::files_folder(&shared.context.layout, &known.app, &known.bundle);
    same(&folder.join(own), executable)
}

/// The token of an app: a keyed digest of its id, so that it need not be kept and survives a restart of the service.
pub(super) fn token(shared: &Shared, app: &AppId) -> AppToken {
    let mut keyed = shared.context.device_id.clone();
    keyed.extend_from_slice(b"\0app token\0");
    keyed.extend_from_slice(app.as_str().as_bytes());
    AppToken::new(Digest::of(&keyed).to_string())
}
