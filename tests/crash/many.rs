//! Many kills at random moments under everything people do at once, and a look at all of it after
//! each. `IBID_CRASH_CYCLES` gives another number of kills, `IBID_CRASH_SEED` the same moments again.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::check::{Seen, check};
use crate::ledger::Ledger;
use crate::load::{config, load, settle_in};
use crate::support::Server;
use crate::support::dice::Dice;

/// Kills of a usual run.
const CYCLES: u64 = 100;
/// How long the server lives under load at most, in milliseconds.
const LONGEST_MS: u64 = 240;
/// Every so many kills all that was ever acknowledged is looked at, not only what is new.
const WHOLE_EVERY: u64 = 50;

#[tokio::test]
async fn nothing_acknowledged_is_lost_over_many_kills_under_load() {
    let cycles = std::env::var("IBID_CRASH_CYCLES").map_or(CYCLES, |cycles| cycles.parse().unwrap());
    let mut dice = Dice::seeded("IBID_CRASH_SEED");
    let begun = Instant::now();
    let script = tempfile::tempdir().unwrap();
    let mut server = Server::with_config(&config(&script.path().join("script.json"))).await;
    settle_in(&server).await;
    let ledger = Ledger::default();
    let mut starting = Vec::new();
    for cycle in 1..=cycles {
        let moment = Duration::from_millis(dice.below(LONGEST_MS));
        let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        let kill = async {
            tokio::time::sleep(moment).await;
            kill_process(pid, Signal::KILL).unwrap();
        };
        // The load ends with the server: first the kill, then the errors.
        futures::future::join(load(&server, &ledger, cycle, &mut dice), kill).await;
        let killed = Instant::now();
        server.restart().await;
        starting.push(killed.elapsed());
        check(&server, &ledger, Seen::IsKept, cycle.is_multiple_of(WHOLE_EVERY)).await;
    }
    check(&server, &ledger, Seen::IsKept, true).await;
    starting.sort_unstable();
    let told = ledger.lock();
    println!(
        "{cycles} kills in {:.0?}, ready again after {:.0?} (median) to {:.0?}: {:?}; nothing lost, nothing doubled",
        begun.elapsed(),
        starting[starting.len() / 2],
        starting[starting.len() - 1],
        told.num,
    );
    let num = &told.num;
    assert!(num.uploads > 0 && num.answers > 0 && num.deletes > 0, "the load did something: {num:?}");
}
