//! Input that nobody would send, for whatever reads what others wrote: good examples, altered at
//! random, over and over. Not guided by coverage; what it lacks in aim it makes up in examples. A
//! usual run takes a second a reader, `IBID_FUZZ_S` gives another time, `IBID_FUZZ_SEED` the same
//! inputs again. One that breaks its reader is left in a file; kept in `fixtures/fuzz/<reader>/` it
//! is read first from then on.

#[path = "../tests/support/dice.rs"]
#[expect(dead_code, reason = "only a part of it is used here")]
mod dice;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dice::Dice;

/// How long a usual run of one reader takes.
const USUAL: Duration = Duration::from_secs(1);
/// Reading one input takes less, also on a busy machine without optimisation, or it has no end.
const SLOWEST: Duration = Duration::from_secs(60);
/// The longest input that is made.
const MAX_BYTES: usize = 64 << 10;
/// Altered inputs that are altered further.
const NUM_KEPT: usize = 64;
/// Bytes that often mean something.
const TELLING: &[u8] = b"\0\t\n\r \"#%&'()*+,-./0189:;<=>?@AZ[\\]^_`az{|}~\x7f\x80\xbf\xc0\xe2\xef\xf4\xff";

/// Reads altered examples until the time is up. `words` are what the reader looks for.
///
/// # Panics
/// If `read` does, or takes too long over one input.
pub(crate) fn fuzz(reader: &str, examples: &[Vec<u8>], words: &[&str], mut read: impl FnMut(&[u8])) {
    let kept = files(&format!("fixtures/fuzz/{reader}"));
    for input in kept.iter().chain(examples) {
        attempt(reader, input, &mut read);
    }
    let seconds = std::env::var("IBID_FUZZ_S").ok().and_then(|seconds| seconds.parse().ok());
    let until = Instant::now() + seconds.map_or(USUAL, Duration::from_secs);
    let mut dice = Dice::seeded("IBID_FUZZ_SEED");
    let mut further: Vec<Vec<u8>> = Vec::new();
    let mut num_inputs = 0;
    while Instant::now() < until {
        let all = kept.len() + examples.len() + further.len();
        let pick = dice.pick(all);
        let other = dice.pick(all);
        let of =
            |at: usize| kept.iter().chain(examples).chain(&further).nth(at).map_or(&[][..], Vec::as_slice);
        let mut input = of(pick).to_vec();
        for _ in 0..=dice.below(6) {
            alter(&mut input, of(other), words, &mut dice);
        }
        attempt(reader, &input, &mut read);
        num_inputs += 1;
        match further.len() {
            NUM_KEPT => {
                let at = dice.pick(NUM_KEPT);
                further[at] = input;
            }
            _ => further.push(input),
        }
    }
    println!("{reader}: {num_inputs} inputs");
}

/// The files of a folder of this repository, in the order of their names; none if it is not there.
pub(crate) fn files(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

fn attempt(reader: &str, input: &[u8], read: &mut impl FnMut(&[u8])) {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| read(input)));
    let spent = begun.elapsed();
    if outcome.is_ok() && spent < SLOWEST {
        return;
    }
    let left = std::env::temp_dir().join(format!("ibid-fuzz-{reader}-{}", std::process::id()));
    let is_left = std::fs::write(&left, input).is_ok();
    panic!(
        "{reader} does not stand {} bytes ({spent:.1?}), {} in {}",
        input.len(),
        if is_left { "left" } else { "which could not be left" },
        left.display()
    );
}

/// One alteration: a byte, a stretch, a word, or a piece of another input.
fn alter(input: &mut Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) {
    let at = dice.pick(input.len() + 1);
    let end = (at + dice.pick(33)).min(input.len());
    let any = |dice: &mut Dice| TELLING[dice.pick(TELLING.len())];
    match dice.below(10) {
        0 if at < input.len() => input[at] ^= 1 << dice.below(8),
        1 if at < input.len() => input[at] = any(dice),
        2 => input.insert(at, any(dice)),
        3 => drop(input.drain(at..end)),
        4 => input.truncate(at),
        // Much of the same, for what recurses or counts.
        5 => {
            let most = if dice.below(8) == 0 { 2_000 } else { 8 };
            let stretch = input[at..end].repeat(1 + dice.pick(most));
            input.splice(at..at, stretch);
        }
        6 if !other.is_empty() => {
            let from = dice.pick(other.len());
            let to = (from + dice.pick(513)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        7 | 8 if !words.is_empty() => {
            let word = words[dice.pick(words.len())];
            input.splice(at..at, word.bytes());
        }
        _ => {
            let numbers =
                ["0", "-1", "1e999", "18446744073709551615", "9223372036854775808", "4294967296", "NaN"];
            input.splice(at..end, numbers[dice.pick(numbers.len())].bytes());
        }
    }
    input.truncate(MAX_BYTES);
}
