//! Headers for the servers of apps. `Spec: cli, the device`.

use headstart_engine::{Event, Reply};
use headstart_model::protocol::packs::{ServerHeadersSet, SetServerHeaders};
use headstart_model::{AppId, ErrorKind, Failure, Headers, ServerOrigin};

use super::apps;
use super::meant::{Meant, app_of};
use super::reply::{Caller, End, Replies};
use crate::server_headers;

pub(super) async fn set(
    caller: Caller<'_>,
    call: SetServerHeaders,
    replies: &mut Replies<'_>,
) -> Result<(), End> {
    let app = app_of(caller, call.app, Meant::Only).await?;
    let server = call.server.as_deref().map(server_of).transpose()?;
    let server = give(caller, app, server, call.headers).await?;
    replies.last::<SetServerHeaders>(&ServerHeadersSet { server }).await
}

/// Has a server of `app` get these headers; none for the one that its content comes from.
pub(super) async fn give(
    caller: Caller<'_>,
    app: AppId,
    server: Option<ServerOrigin>,
    headers: Headers,
) -> Result<ServerOrigin, End> {
    server_headers::check(&headers)?;
    let event = move |caller| Event::ServerHeadersGiven { caller, app, server, headers };
    match caller.shared.core.call(caller.client, event).await? {
        Reply::Server(server) => Ok(server),
        _ => Err(apps::internal("headers were answered with something else")),
    }
}

/// The server of an address that somebody gave.
pub(super) fn server_of(address: &str) -> Result<ServerOrigin, Failure> {
    ServerOrigin::of(address).ok_or_else(|| {
        let shown: String = address.chars().take(120).collect();
        Failure::new(ErrorKind::Usage, "badUrl", format!("`{shown}` is no address of a server"))
            .with_hint("give the whole address, with https://")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_no_server() {
        assert_eq!(server_of("https://a.example/game").expect("one").as_str(), "https://a.example");
        assert!(server_of("file:///srv/repo").is_err() && server_of("a.example").is_err());
    }
}
