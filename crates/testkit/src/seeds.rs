//! Runs a scenario over many seeds, and says how to see a failure again.

use std::env;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Seeds per scenario when nothing else is said.
pub const DEFAULT_COUNT: u64 = 1_000;

/// Runs `scenario` with seeds 0, 1, 2 …: as many as `HEADSTART_SEEDS` says, 1,000 by default; or with the one seed of
/// `HEADSTART_SEED`.
///
/// # Panics
/// When the scenario does, naming the seed and the command that replays it; and when one of the variables is no number.
pub fn run(name: &str, scenario: impl Fn(u64)) {
    let seeds = match (number("HEADSTART_SEED"), number("HEADSTART_SEEDS")) {
        (Some(seed), _) => seed..seed.saturating_add(1),
        (None, count) => 0..count.unwrap_or(DEFAULT_COUNT),
    };
    run_over(name, seeds, scenario);
}

fn run_over(name: &str, seeds: Range<u64>, scenario: impl Fn(u64)) {
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| scenario(seed))) {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            panic!(
                "scenario {name} fails with seed {seed}: {text}\nreplay it with: \
                 HEADSTART_SEED={seed} cargo test -p headstart-testkit --test it {name}"
            );
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' own command line")]
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_seed() {
        let failed = catch_unwind(|| run_over("odd", 0..9, |seed| assert!(seed != 3, "three")));
        let text = failed.expect_err("seed 3").downcast::<String>().expect("a message");
        assert!(text.contains("fails with seed 3: three"), "{text}");
        assert!(text.contains("HEADSTART_SEED=3 cargo test"), "{text}");
    }
}
