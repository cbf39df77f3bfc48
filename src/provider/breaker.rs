//! A circuit breaker: after some failures in a row a model is left alone, and one call every few
//! seconds finds out whether it is back. It counts; what a failure is, `retry` decides.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many failures in a row open it.
const MAX_FAILURES: u32 = 5;
/// How long it stays open before a call may try.
const COOL_DOWN: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    opened: Option<Instant>,
    probing: bool,
}

/// Leave to make one call. Dropped without a word, it says nothing about the model.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    /// Asks for leave to call.
    ///
    /// # Errors
    /// How long to wait before asking again makes sense.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, Duration> {
        let mut state = self.state();
        let Some(opened) = state.opened else {
            return Ok(Permit { breaker: self, is_probe: false });
        };
        let left = COOL_DOWN.saturating_sub(opened.elapsed());
        if !left.is_zero() || state.probing {
            return Err(left);
        }
        state.probing = true;
        Ok(Permit { breaker: self, is_probe: true })
    }

    /// Notes a failure after the permit was given back, in the middle of an answer.
    pub(crate) fn failed(&self) {
        self.state().fail(false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, is_probe: bool) {
        self.failures += 1;
        if is_probe || (self.opened.is_none() && self.failures >= MAX_FAILURES) {
            self.opened = Some(Instant::now());
        }
    }
}

impl Permit<'_> {
    /// The model answered, be it with a refusal.
    pub(crate) fn answered(self) {
        let mut state = self.breaker.state();
        // A call from before it opened proves nothing about now.
        if self.is_probe || state.opened.is_none() {
            state.failures = 0;
            state.opened = None;
        }
    }

    /// The model can't be reached, or is not working.
    pub(crate) fn failed(self) {
        self.breaker.state().fail(self.is_probe);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn open() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..MAX_FAILURES {
            breaker.admit().unwrap().failed();
        }
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_open_it_and_four_do_not() {
        let breaker = Breaker::default();
        for _ in 0..4 {
            breaker.admit().unwrap().failed();
        }
        breaker.admit().unwrap().answered();
        for _ in 0..4 {
            breaker.admit().unwrap().failed();
        }
        breaker.admit().unwrap().failed();
        assert_eq!(breaker.admit().unwrap_err(), COOL_DOWN);
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_cool_down_one_call_may_try_and_its_outcome_decides() {
        let breaker = open();
        advance(COOL_DOWN).await;
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "a second call may not try meanwhile");
        probe.failed();
        assert_eq!(breaker.admit().unwrap_err(), COOL_DOWN);

        advance(COOL_DOWN).await;
        breaker.admit().unwrap().answered();
        let first = breaker.admit().unwrap();
        assert!(breaker.admit().is_ok());
        drop(first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_given_up_makes_room_for_another() {
        let breaker = open();
        advance(COOL_DOWN).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_call_from_before_does_not_close_it() {
        let breaker = Breaker::default();
        let early = breaker.admit().unwrap();
        for _ in 0..MAX_FAILURES {
            breaker.admit().unwrap().failed();
        }
        early.answered();
        assert!(breaker.admit().is_err());
    }
}
