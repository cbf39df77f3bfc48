//! Who reads a run: how many do, and since when nobody has. It decides nothing about the run.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::lock;

pub(super) struct Audience {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy)]
struct State {
    num_readers: usize,
    /// When somebody last read.
    last: Instant,
}

impl Audience {
    /// Nobody, from now on.
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State { num_readers: 0, last: Instant::now() }), changed: Notify::new() }
    }

    /// A reader begins.
    pub(super) fn enter(&self) {
        self.change(|state| state.num_readers += 1);
    }

    /// A reader is gone.
    pub(super) fn leave(&self) {
        self.change(|state| {
            state.num_readers = state.num_readers.saturating_sub(1);
            state.last = Instant::now();
        });
    }

    /// Somebody took a look and did not stay.
    pub(super) fn glance(&self) {
        self.change(|state| state.last = Instant::now());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_waiters();
    }

    /// Resolves once nobody has read for this long.
    pub(super) async fn gone(&self, grace: Duration) {
        loop {
            // From here on it hears of every change.
            let changed = self.changed.notified();
            let State { num_readers, last } = *lock(&self.state);
            if num_readers > 0 {
                changed.await;
            } else if timeout((last + grace).saturating_duration_since(Instant::now()), changed)
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_comes_back_in_time_starts_the_wait_anew() {
        let audience = Audience::new();
        let begun = Instant::now();
        let grace = Duration::from_secs(10);
        let readers = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            audience.enter();
            tokio::time::sleep(Duration::from_secs(100)).await;
            audience.leave();
            tokio::time::sleep(Duration::from_secs(9)).await;
            audience.enter();
            audience.leave();
            tokio::time::sleep(Duration::from_secs(9)).await;
            audience.glance();
        };
        tokio::join!(audience.gone(grace), readers);
        assert_eq!(begun.elapsed().as_secs(), 9 + 100 + 9 + 9 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn one_reader_of_two_is_enough() {
        let audience = Audience::new();
        audience.enter();
        audience.enter();
        audience.leave();
        let gone = tokio::time::timeout(Duration::from_secs(1000), audience.gone(Duration::from_secs(1)));
        assert!(gone.await.is_err());
    }
}
