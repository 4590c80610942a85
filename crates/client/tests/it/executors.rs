//! The same program under several executors.

use futures_lite::StreamExt as _;
use headstart::packs::StatusUpdateEvent;
use headstart::{AssetPackManager, DownloadStatusUpdate, Error, Status};
use headstart_model::protocol::dispatch::Call;
use headstart_model::protocol::packs::{
    Ensure, EnsureEvent, EnsureOutcome, Status as AskStatus, StatusUpdate, StatusUpdates,
};

use crate::fake_service::{Device, FakeService, Then};
use crate::installed::{Packs, install};
use crate::samples::{pack, state};

/// What the README shows, with a look at the updates beside it.
async fn load(packs: AssetPackManager) -> Result<Vec<u8>, Error> {
    let level = packs.asset_pack("level-1").await?;
    let mut updates = packs.status_updates_for("level-1").await?;
    packs.ensure_local_availability(&level).await?;
    let last = updates.next().await.expect("it is told")?;
    assert!(matches!(last, DownloadStatusUpdate::Finished(pack) if pack == level));
    let map = packs.contents("maps/island.bin")?;
    Ok(map.to_vec())
}

/// A service that installs `level-1` when it is asked to.
fn service(device: &Device) -> FakeService {
    let home = device.home();
    FakeService::start(device, move |call, peer| {
        match call {
            Call::PackStatus(_) => {
                peer.reply::<AskStatus>(&state("level-1", Status::DOWNLOAD_AVAILABLE));
            }
            Call::StatusUpdates(_) => {
                peer.reply_and_go_on::<StatusUpdates>(&StatusUpdateEvent::Subscribed {});
                let finished = StatusUpdate::Finished { pack: pack("level-1") };
                peer.reply::<StatusUpdates>(&StatusUpdateEvent::Update(finished));
            }
            Call::Ensure(_) => {
                let packs = Packs::default().with("level-1", 2, &[("maps/island.bin", "island")]);
                install(&home, 1, &packs);
                let outcome =
                    EnsureOutcome { successes: vec![pack("level-1")], failures: Vec::new() };
                peer.reply::<Ensure>(&EnsureEvent::Done(outcome));
            }
            _ => return Then::HangUp,
        }
        Then::KeepOpen
    })
}

async fn whole_program(device: &Device) -> Vec<u8> {
    let packs = device.connector().asset_packs().await.unwrap();
    load(packs).await.unwrap()
}

#[test]
fn it_runs_under_tokio() {
    let device = Device::new();
    let _service = service(&device);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(whole_program(&device)), b"island");
}

#[test]
fn it_runs_as_a_task_of_tokio() {
    let device = Device::new();
    let _service = service(&device);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let connector = device.connector();
    let task = runtime.spawn(async move { load(connector.asset_packs().await?).await });
    assert_eq!(runtime.block_on(task).unwrap().unwrap(), b"island");
}

#[test]
fn it_runs_under_smol() {
    let device = Device::new();
    let _service = service(&device);
    assert_eq!(smol::block_on(whole_program(&device)), b"island");
}

#[test]
fn it_runs_under_the_executor_of_futures() {
    let device = Device::new();
    let _service = service(&device);
    assert_eq!(futures::executor::block_on(whole_program(&device)), b"island");
}

#[test]
fn it_runs_without_an_executor() {
    let device = Device::new();
    let _service = service(&device);
    let packs = device.connector().asset_packs_blocking().unwrap();
    let level = packs.asset_pack("level-1").unwrap();
    packs.ensure_local_availability(&level).unwrap();
    assert_eq!(*packs.contents("maps/island.bin").unwrap(), *b"island");
}
