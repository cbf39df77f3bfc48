//! What a client was told, and nothing else: the list against which a server is held after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::Frame;

/// The list, shared by everything that talks to the server at once.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Told>);

#[derive(Default)]
pub(crate) struct Told {
    /// By id.
    pub(crate) documents: BTreeMap<String, Kept>,
    /// By id.
    pub(crate) sessions: BTreeMap<String, Fate>,
    /// Every name under which a file was ever sent, with its word.
    pub(crate) sent: BTreeMap<String, String>,
    pub(crate) answers: Vec<Answered>,
    /// Questions whose acknowledgement never came.
    pub(crate) unsure: Vec<Asking>,
    /// Documents that were found by their word already.
    pub(crate) found: BTreeSet<String>,
    pub(crate) num: Num,
}

/// How much was done, for the last line of a test.
#[derive(Debug, Default)]
pub(crate) struct Num {
    pub(crate) uploads: usize,
    pub(crate) answers: usize,
    pub(crate) researches: usize,
    pub(crate) deletes: usize,
    pub(crate) cancels: usize,
    pub(crate) cut_short: usize,
    pub(crate) sent_again: usize,
    pub(crate) resumed: usize,
}

pub(crate) struct Kept {
    /// A word that is in no other document.
    pub(crate) word: String,
    pub(crate) fate: Fate,
}

/// Whether something was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Alive,
    /// It was asked for, and no answer came: either is right.
    Unsure,
    Gone,
}

/// A question as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) session: String,
    pub(crate) content: String,
    pub(crate) is_deep: bool,
    pub(crate) key: String,
}

/// An answer as far as its reader saw it.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) asking: Asking,
    pub(crate) message: String,
    pub(crate) seen: Vec<Frame>,
    /// Whether a cancel was acknowledged.
    pub(crate) is_cancelled: bool,
    /// Whether it was compared in its final state.
    pub(crate) is_checked: bool,
}

impl Ledger {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A word of letters only that no other number gives.
pub(crate) fn word(mut number: u64) -> String {
    let mut letters = String::from("zq");
    loop {
        // Twice, so that no two words are a letter apart, for which a search would take one as the other.
        let letter = char::from(b"bcdfghjklmnprtvw"[usize::try_from(number % 16).unwrap_or(0)]);
        letters.extend([letter, 'o', letter, 'o']);
        number /= 16;
        if number == 0 {
            return letters;
        }
    }
}
