//! Content requests that could not be carried out yet: what brings them back, and what does not (concepts 3, 4.4).

use headstart_model::ErrorKind;

use crate::record::Bundle;
use crate::testing::{Bench, bundle, with_manifest};
use crate::{Event, FactsChange, Network, Order, Power};

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// What the service says of the device twice a minute: all of it is as it was.
fn as_before() -> FactsChange {
    FactsChange {
        network: Some(Network::Online),
        disk_free_bytes: Some(u64::MAX),
        power: Some(Power::Normal),
        ..FactsChange::default()
    }
}

fn is_attempt(order: &Order) -> bool {
    matches!(order, Order::FetchFile(_) | Order::FetchCatalog { .. })
}

fn attempts(bench: &Bench) -> usize {
    bench.orders().iter().filter(|(_, order)| is_attempt(order)).count()
}

/// A bench on which an app was installed whose content could not be looked up: the server does not have it.
fn without_content(bundle: Bundle) -> Bench {
    let mut bench = Bench::new(Vec::new());
    bench.install_bundle(bundle);
    let (effect, order) = bench.orders().remove(0);
    let failure = crate::testing::a_failure(ErrorKind::NotFound);
    bench.hear(match order {
        Order::FetchCatalog { .. } => Event::CatalogFailed { effect, failure },
        _ => Event::TransferFailed { effect, failure },
    });
    assert!(bench.may_launch() && attempts(&bench) == 0);
    bench
}

#[test]
fn what_is_owed_waits_for_its_time_whatever_is_said_again_of_the_device() {
    for bundle in [with_manifest(), bundle("1")] {
        let mut bench = without_content(bundle.clone());
        for _ in 0..10 {
            assert_eq!(bench.hear(Event::FactsChanged { news: as_before() }), Vec::new());
        }
        bench.pass(2 * HOUR);
        assert_eq!(attempts(&bench), 1, "its time has come");
        let mut bench = without_content(bundle);
        bench.power(Power::Low);
        bench.power(Power::Normal);
        assert_eq!(attempts(&bench), 1, "what may have kept it from coming has gone");
    }
}
