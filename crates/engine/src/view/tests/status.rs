//! The status flags, one by one: what is local, against what the server offers.

use headstart_model::{Digest, DownloadPolicy, PackVersion, Status};

use crate::live::{Active, Course};
use crate::record::{LocalVersion, Pack};
use crate::testing::{self, Bench, app_id, key};
use crate::{Class, DownloadId, EffectId, view};

/// What the server is known to offer.
#[derive(Debug, Clone, Copy)]
enum Server {
    /// Nobody has heard of it yet.
    Unheard,
    /// A catalog without the pack.
    Withdrawn,
    Offers(u64),
    /// A version of this number with other content than the local one of that number.
    OffersOther(u64),
}

/// How a download of the pack is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Transfer {
    None,
    Waiting,
    Running,
    Stopping,
}

fn bench(local: Option<u64>, server: Server, transfer: Transfer) -> Bench {
    let mut bench = Bench::installed(Vec::new());
    let offer = match server {
        Server::Unheard | Server::Withdrawn => None,
        Server::Offers(version) => Some(testing::offer("pack", version, on_demand())),
        Server::OffersOther(version) => {
            let mut other = testing::offer("pack", version, on_demand());
            other.content = Digest::of(b"made anew");
            Some(other)
        }
    };
    let local =
        local.map(|version| LocalVersion::of(&testing::offer("pack", version, on_demand())));
    let mut pack = Pack { offer, local, ..Pack::default() };
    if transfer != Transfer::None {
        pack.download = Some(DownloadId(7));
    }
    let course = match transfer {
        Transfer::None | Transfer::Waiting => None,
        Transfer::Running => Some(Course::Running),
        Transfer::Stopping => Some(Course::Stopping),
    };
    if let Some(course) = course {
        let active = Active { download: DownloadId(7), class: Class::Upkeep, course };
        bench.state.live.active.insert(EffectId(9), active);
    }
    bench.state.records.packs.insert(key("pack"), pack);
    if matches!(server, Server::Unheard) {
        let app = bench.state.records.apps.get_mut(&app_id("app")).expect("it is installed");
        app.release = None;
    }
    bench
}

fn on_demand() -> DownloadPolicy {
    DownloadPolicy::on_demand()
}

/// `Spec: packs 8`: the letters are downloadAvailable, Update available, upToDate (=), Out of date, oBsolete, Local.
fn flags(letters: &str) -> Status {
    let flag = |letter| match letter {
        'd' => Status::DOWNLOAD_AVAILABLE,
        'u' => Status::UPDATE_AVAILABLE,
        '=' => Status::UP_TO_DATE,
        'o' => Status::OUT_OF_DATE,
        'b' => Status::OBSOLETE,
        'l' => Status::DOWNLOADED,
        other => panic!("no flag `{other}`"),
    };
    letters.chars().map(flag).fold(Status::EMPTY, Status::with)
}

/// Local version, server; then the status, the local status, and the status relative to a pack object of version 1 and of
/// version 2.
const TABLE: [(Option<u64>, Server, [&str; 4]); 13] = [
    (None, Server::Unheard, ["", "", "", ""]),
    (None, Server::Withdrawn, ["", "", "", ""]),
    (None, Server::Offers(1), ["d", "", "d", "d"]),
    (None, Server::Offers(2), ["d", "", "d", "d"]),
    (Some(1), Server::Unheard, ["l", "l", "=l", "ol"]),
    (Some(1), Server::Withdrawn, ["bl", "bl", "=bl", "obl"]),
    (Some(1), Server::Offers(1), ["d=l", "l", "d=l", "dol"]),
    (Some(1), Server::Offers(2), ["duol", "ol", "d=l", "duol"]),
    // A publisher who went back: the older version is the update.
    (Some(2), Server::Offers(1), ["duol", "ol", "duol", "d=l"]),
    (Some(2), Server::Withdrawn, ["bl", "bl", "obl", "=bl"]),
    (Some(2), Server::Offers(2), ["d=l", "l", "dol", "d=l"]),
    // A repository that was made anew: the number is the same, the version is not. An object has only the number.
    (Some(1), Server::OffersOther(1), ["duol", "ol", "d=l", "dol"]),
    (Some(2), Server::OffersOther(2), ["duol", "ol", "dol", "d=l"]),
];

#[test]
fn every_flag_follows_from_what_is_local_and_what_is_offered() {
    let transfers = [Transfer::None, Transfer::Waiting, Transfer::Running, Transfer::Stopping];
    for (local, server, [status, offline, to_1, to_2]) in TABLE {
        for transfer in transfers {
            let state = bench(local, server, transfer).state;
            let moving = match transfer {
                Transfer::Running => Status::DOWNLOADING,
                Transfer::None | Transfer::Waiting | Transfer::Stopping => Status::EMPTY,
            };
            let case = format!("local {local:?}, {server:?}, {transfer:?}");
            let key = key("pack");
            assert_eq!(view::status(&state, &key), flags(status).with(moving), "{case}");
            assert_eq!(view::local_status(&state, &key), flags(offline), "{case}");
            for (version, expected) in [(1, to_1), (2, to_2)] {
                let relative = view::status_relative_to(&state, &key, PackVersion(version));
                assert_eq!(relative, flags(expected).with(moving), "{case}, relative to {version}");
            }
        }
    }
}
