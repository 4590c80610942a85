//! Headers for the servers of an app.

use futures_lite::future::block_on;
use headstart::Headers;
use headstart_model::ServerOrigin;
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{ServerHeadersSet, SetServerHeaders};

use crate::fake_service::{Device, FakeService, Peer, Then};
use crate::samples::failure;

fn serve(call: &Call, peer: &mut Peer) -> Then {
    match call {
        Call::SetServerHeaders(_) => {
            let server = ServerOrigin::of("https://assets.example.com").unwrap();
            peer.reply::<SetServerHeaders>(&ServerHeadersSet { server });
        }
        _ => peer.fail(failure()),
    }
    Then::KeepOpen
}

#[test]
fn headers_are_given_for_the_own_server_or_for_another() {
    let device = Device::new();
    let service = FakeService::start(&device, serve);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let token: Headers = [("Authorization", "Bearer abc")].into_iter().collect();
    packs.set_server_headers(None, token.clone()).unwrap();
    let mirror = "https://mirror.example.com/game";
    block_on(async {
        let packs = device.connector().asset_packs().await.unwrap();
        packs.set_server_headers(Some(mirror), Headers::default()).await.unwrap();
    });
    let set = |server: Option<&str>, headers| {
        let server = server.map(str::to_owned);
        Call::SetServerHeaders(SetServerHeaders { app: None, server, headers })
    };
    assert_eq!(service.calls(), [set(None, token), set(Some(mirror), Headers::default())]);
}
