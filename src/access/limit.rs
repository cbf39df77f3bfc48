//! How often one may ask: buckets that fill with time, in memory and bounded, and a count of the
//! answers being made. What may be used up for good is `quota`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::User;
use crate::Error;
use crate::config::access::LimitsConfig;

/// Most buckets kept; full ones go first, since a new one is as full.
const MAX_BUCKETS: usize = 65_536;

/// All limits in time.
pub struct Limits {
    window: Duration,
    user: Option<u32>,
    session: Option<u32>,
    address: Option<u32>,
    user_runs: Option<u32>,
    /// When each bucket will be full again.
    buckets: Mutex<HashMap<String, Instant>>,
    running: Arc<Mutex<HashMap<User, u32>>>,
}

/// What is left in a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// How many in a window.
    pub limit: u32,
    /// How many are left now.
    pub remaining: u32,
    /// Seconds until it is full again.
    pub reset_s: u64,
}

/// The place of one answer among those being made for its user; free again when dropped.
#[derive(Debug)]
pub struct Slot {
    running: Arc<Mutex<HashMap<User, u32>>>,
    user: User,
}

impl Limits {
    pub(super) fn new(config: &LimitsConfig) -> Self {
        Self {
            window: Duration::from_secs(config.window_s),
            user: config.user_requests,
            session: config.session_requests,
            address: config.address_requests,
            user_runs: config.user_runs,
            buckets: Mutex::default(),
            running: Arc::default(),
        }
    }

    /// Counts a request of a user.
    ///
    /// # Errors
    /// [`Error::TooFast`].
    pub fn user(&self, user: &User) -> Result<Option<Allowance>, Error> {
        self.take(self.user, || format!("user/{user}"), "requests")
    }

    /// Counts a question in a session.
    ///
    /// # Errors
    /// [`Error::TooFast`].
    pub fn session(&self, session: Uuid) -> Result<Option<Allowance>, Error> {
        self.take(self.session, || format!("session/{session}"), "questions in this session")
    }

    /// Counts a request without a good credential.
    ///
    /// # Errors
    /// [`Error::TooFast`].
    pub fn address(&self, address: &str) -> Result<Option<Allowance>, Error> {
        self.take(self.address, || format!("address/{address}"), "requests from this address")
    }

    /// Takes a place among the answers being made for a user.
    ///
    /// # Errors
    /// [`Error::TooFast`] if all are taken.
    pub fn run(&self, user: &User) -> Result<Slot, Error> {
        let mut running = lock(&self.running);
        let taken = running.entry(user.clone()).or_default();
        if let Some(most) = self.user_runs.filter(|most| *taken >= *most) {
            let detail = format!("{most} answers are being made for you already; wait for one to end");
            return Err(Error::TooFast { detail, limit: None, retry_after: Duration::from_secs(1) });
        }
        *taken += 1;
        drop(running);
        Ok(Slot { running: Arc::clone(&self.running), user: user.clone() })
    }

    fn take(
        &self,
        limit: Option<u32>,
        name: impl FnOnce() -> String,
        what: &str,
    ) -> Result<Option<Allowance>, Error> {
        let Some(limit) = limit else { return Ok(None) };
        let now = Instant::now();
        let each = self.window / limit;
        let mut buckets = lock(&self.buckets);
        let name = name();
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(&name) {
            make_room(&mut buckets, now);
        }
        let full_at = buckets.entry(name).or_insert(now);
        let after = (*full_at).max(now) + each;
        let debt = after - now;
        if debt > self.window {
            let retry_after = debt - self.window;
            let window_s = self.window.as_secs();
            let detail = format!("more than {limit} {what} in {window_s} s; try again in a moment");
            return Err(Error::TooFast { detail, limit: Some(limit), retry_after });
        }
        *full_at = after;
        let remaining = (self.window - debt).as_nanos() / each.as_nanos().max(1);
        let remaining = u32::try_from(remaining).unwrap_or(limit);
        Ok(Some(Allowance { limit, remaining, reset_s: debt.as_secs() + 1 }))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if let Some(taken) = running.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                running.remove(&self.user);
            }
        }
    }
}

fn make_room(buckets: &mut HashMap<String, Instant>, now: Instant) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() >= MAX_BUCKETS {
        // All in use: those that are nearly full again lose least.
        let mut times: Vec<Instant> = buckets.values().copied().collect();
        let (_, middle, _) = times.select_nth_unstable(MAX_BUCKETS / 2);
        let middle = *middle;
        buckets.retain(|_, full_at| *full_at > middle);
    }
}

/// Locks for a moment; the data stays usable if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(each: u32) -> Limits {
        let each = Some(each);
        Limits::new(&LimitsConfig {
            window_s: 60,
            user_requests: each,
            session_requests: each,
            address_requests: each,
            user_runs: each,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills_with_time() {
        let limits = limits(3);
        let user = User::new("ada").unwrap();
        let left: Vec<u32> = (0..3).map(|_| limits.user(&user).unwrap().unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let Err(Error::TooFast { retry_after, .. }) = limits.user(&user) else { panic!("a fourth passed") };
        assert_eq!(retry_after, Duration::from_secs(20));
        assert!(limits.user(&User::new("bob").unwrap()).is_ok());
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(limits.user(&user).is_ok());
        assert!(limits.user(&user).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_buckets_than_fit() {
        let limits = limits(3);
        for number in 0..MAX_BUCKETS + 10 {
            limits.address(&number.to_string()).unwrap();
        }
        assert!(lock(&limits.buckets).len() <= MAX_BUCKETS);
    }

    #[test]
    fn a_place_among_the_answers_is_free_again_when_one_ends() {
        let limits = limits(1);
        let user = User::new("ada").unwrap();
        let slot = limits.run(&user).unwrap();
        assert!(limits.run(&user).is_err());
        drop(slot);
        assert!(limits.run(&user).is_ok());
        assert!(lock(&limits.running).is_empty());
    }
}
