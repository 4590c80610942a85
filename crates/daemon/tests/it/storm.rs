//! Many programs at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headstart::{Connector, Require, Start};
use jiff::Timestamp;

use crate::child::{Gate, task};
use crate::device::{APP, Device};
use crate::publisher::{Publisher, Web, noise};

const PACKS: usize = 100;
const PROCESSES: usize = 50;
/// Calls of each process, all at the same time: 1,000 in all.
const CALLS: usize = 20;

fn name(pack: usize) -> String {
    format!("pack-{pack:02}")
}

fn path(pack: usize) -> String {
    format!("data/{}.bin", name(pack))
}

fn content(pack: usize) -> Vec<u8> {
    noise(pack as u64, 3_000)
}

fn publish(publisher: &Publisher) {
    let archives: Vec<PathBuf> = (0..PACKS)
        .map(|pack| {
            let source = publisher.folder.join(format!("source/{pack}"));
            std::fs::create_dir_all(source.join("data")).unwrap();
            std::fs::write(source.join(path(pack)), content(pack)).unwrap();
            publisher.pack_folder(&name(pack), r#"{"onDemand":{}}"#, &source)
        })
        .collect();
    publisher.publish(&archives, Timestamp::now());
}

/// The packs that a call asks for: each pack is in many calls, of many processes.
fn wanted(process: usize, call: usize) -> Vec<usize> {
    let first = (process * 7 + call * 13) % PACKS;
    if call.is_multiple_of(5) {
        vec![first, (first + 31) % PACKS, (first + 62) % PACKS]
    } else {
        vec![first]
    }
}

/// One of the processes: all its calls at once, then every answer is checked.
fn play(home: &Path, process: usize) {
    let app = headstart::AppId::new(APP).unwrap();
    let connector = Connector::new().home(home).start(Start::Never).app(app.clone());
    let library = connector.on_behalf_of(app).asset_packs_blocking().unwrap();
    let manifest = library.manifest().unwrap();
    std::thread::scope(|scope| {
        for call in 0..CALLS {
            let (library, manifest) = (&library, &manifest);
            scope.spawn(move || {
                let wanted = wanted(process, call);
                let packs: Vec<_> = wanted
                    .iter()
                    .map(|pack| manifest.asset_pack(&name(*pack)).unwrap().clone())
                    .collect();
                let require = [Require::AnyVersion, Require::LatestVersion][call % 2];
                library.ensure_local_availability_of(&packs, require).unwrap();
                for pack in wanted {
                    let found = library.contents_in(&name(pack), &path(pack)).unwrap();
                    assert!(*found == content(pack)[..], "{} is another file", path(pack));
                    assert!(*library.contents(&path(pack)).unwrap() == content(pack)[..]);
                    assert_eq!(library.local_version(&name(pack)).unwrap().0, 1);
                }
            });
        }
    });
}

#[test]
fn a_thousand_calls_of_fifty_processes_fetch_each_pack_once() {
    if let Some(task) = task() {
        task.await_gate();
        return play(&task.home, task.number);
    }
    let folder = tempfile::tempdir().unwrap();
    let publisher = Publisher::new(folder.path(), Timestamp::now());
    publish(&publisher);
    let web = Web::serve(&publisher.repository());
    let device = Device::new(folder.path(), &web.url, &publisher.root());
    let service = device.start(&[]);
    device.install().unwrap();
    let asked: std::collections::BTreeSet<_> = (0..PROCESSES)
        .flat_map(|process| (0..CALLS).flat_map(move |call| wanted(process, call)))
        .collect();
    assert_eq!(asked.len(), PACKS, "every pack is asked for");

    let gate = Gate::closed(folder.path());
    let test = "storm::a_thousand_calls_of_fifty_processes_fetch_each_pack_once";
    let children: Vec<_> =
        (0..PROCESSES).map(|number| gate.child(test, &device.home, number)).collect();
    gate.open();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "every answer was right");
    }
    service.stop(&device);

    // Whatever was fetched for a pack was fetched once: no file of the repository gave a byte twice.
    let mut given: BTreeMap<String, u64> = BTreeMap::new();
    for request in web.finish() {
        *given.entry(request.path.clone()).or_default() += request.bytes_sent;
    }
    let bundles: Vec<_> = given.iter().filter(|(path, _)| path.starts_with("/bundles/")).collect();
    assert_eq!(bundles.len(), PACKS);
    let indexes = given.iter().filter(|(path, _)| path.starts_with("/indexes/"));
    for (path, bytes) in indexes.chain(bundles) {
        let length = std::fs::metadata(publisher.repository().join(&path[1..])).unwrap().len();
        assert!(*bytes <= length, "{bytes} bytes of {path} were sent, which has {length}");
    }
}
