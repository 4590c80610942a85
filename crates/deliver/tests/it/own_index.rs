//! Archives that nobody signed: what they may claim of themselves.

use headstart_deliver::{Announced, OwnIndex, OwnIndexError};
use headstart_model::{Digest, PackId};
use headstart_pack::{ArchiveHeader, FormatError};
use headstart_transfer::Tracking;

use crate::world::{Files, World, noise, pack};

/// What an index that nobody signed may take, and one more.
const TOO_MUCH: u64 = 64 * 1024 * 1024 + 1;

/// Sets a number of the header, and makes its digest right again.
fn claim(bytes: &mut [u8], offset: usize, number: &[u8]) {
    bytes[offset..offset + number.len()].copy_from_slice(number);
    let digest = Digest::of(&bytes[..168]);
    bytes[168..200].copy_from_slice(digest.as_bytes());
}

fn header(bytes: &[u8]) -> ArchiveHeader {
    ArchiveHeader::decode(&bytes[..200]).expect("a header")
}

/// A good archive.
fn good(world: &World) -> Vec<u8> {
    let path = world.path("good");
    pack(&path, &Files::from([("a", noise(7, 90_000)), ("b", noise(8, 10_000))]));
    std::fs::read(path).expect("written")
}

/// What a device says of an archive of so many bytes, fetched from the server and read from a disk.
async fn look(
    world: &World,
    bytes: &[u8],
    length: u64,
) -> (Result<(), FormatError>, Result<(), FormatError>, u64) {
    // Zeros behind what there is take no room.
    let path = world.repo("p");
    std::fs::write(&path, bytes).expect("written");
    std::fs::File::options().write(true).open(&path).expect("there").set_len(length).expect("long");
    let id = PackId::new("p").expect("a good id");
    let announced = Announced { pack: &id, bytes: length };
    let tracking = Tracking::new("test");
    let url = world.server.url().join("p").expect("a URL");
    let why = |looked: Result<OwnIndex, OwnIndexError>| match looked {
        Ok(_) => Ok(()),
        Err(OwnIndexError::Format { source, .. }) => Err(source),
        Err(other) => panic!("{other}"),
    };
    let fetched = why(OwnIndex::fetch(&url, announced, (world.client(), &tracking)).await);
    let read = why(OwnIndex::read(&path, announced));
    (fetched, read, tracking.meter().ledger().total().body_bytes)
}

fn is_limit(looked: &Result<(), FormatError>) -> bool {
    matches!(looked, Err(FormatError::Limit { found: TOO_MUCH, .. }))
}

#[tokio::test]
async fn an_index_that_is_too_long_is_not_even_fetched() {
    let world = World::new().await;
    let mut bytes = good(&world);
    let (fetched, read, _) = look(&world, &bytes, bytes.len() as u64).await;
    assert!(fetched.is_ok() && read.is_ok());
    claim(&mut bytes, 16, &TOO_MUCH.to_le_bytes());
    let (fetched, _, moved) = look(&world, &bytes, header(&bytes).archive_bytes()).await;
    assert!(is_limit(&fetched), "{fetched:?}");
    assert_eq!(moved, ArchiveHeader::BYTES);
}

#[tokio::test]
async fn an_index_that_would_unfold_to_too_much_is_refused() {
    let world = World::new().await;
    let mut bytes = good(&world);
    let header = header(&bytes);
    let at = usize::try_from(header.structure_offset()).expect("small");
    let end = at + usize::try_from(header.structure_bytes).expect("small");
    bytes[at + 5..at + 13].copy_from_slice(&TOO_MUCH.to_le_bytes());
    let digest = Digest::of(&bytes[at..end]);
    claim(&mut bytes, 72, digest.as_bytes());
    let (fetched, read, _) = look(&world, &bytes, bytes.len() as u64).await;
    assert!(is_limit(&fetched), "{fetched:?}");
    assert!(is_limit(&read), "{read:?}");
}

#[tokio::test]
async fn more_names_than_chunks_are_refused_before_they_are_fetched() {
    let world = World::new().await;
    let mut bytes = good(&world);
    let names = header(&bytes).names_bytes + (1 << 30);
    claim(&mut bytes, 24, &names.to_le_bytes());
    let (fetched, read, moved) = look(&world, &bytes, header(&bytes).archive_bytes()).await;
    assert!(matches!(fetched, Err(FormatError::Rule { .. })), "{fetched:?}");
    assert!(matches!(read, Err(FormatError::Rule { .. })), "{read:?}");
    assert!(moved < 10_000, "{moved}");
}
