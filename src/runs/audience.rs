//! Who reads a run: how many do, and since when nobody has. It decides nothing about the run.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

pub(super) struct Audience {
    state: watch::Sender<State>,
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
        Self { state: watch::Sender::new(State { num_readers: 0, last: Instant::now() }) }
    }

    /// A reader begins.
    pub(super) fn enter(&self) {
        self.state.send_modify(|state| state.num_readers += 1);
    }

    /// A reader is gone.
    pub(super) fn leave(&self) {
        self.state.send_modify(|state| {
            state.num_readers = state.num_readers.saturating_sub(1);
            state.last = Instant::now();
        });
    }

    /// Somebody took a look and did not stay.
    pub(super) fn glance(&self) {
        self.state.send_modify(|state| state.last = Instant::now());
    }

    /// Resolves once nobody has read for this long.
    pub(super) async fn gone(&self, grace: Duration) {
        let mut changes = self.state.subscribe();
        loop {
            let State { num_readers, last } = *changes.borrow_and_update();
            let left = (last + grace).saturating_duration_since(Instant::now());
            let is_over = match num_readers {
                0 => timeout(left, changes.changed()).await.is_err(),
                _ => changes.changed().await.is_err(),
            };
            if is_over {
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
