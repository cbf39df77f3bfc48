//! A model learnt from the library itself (latent semantic analysis): words that keep the same company
//! lie near one another, and so do passages about the same thing in other words. Nothing is downloaded
//! and nothing asked; some seconds of one processor core teach it.
//!
//! Each passage of a sample is a row of words, weighed by how rare they are. The largest singular
//! values of that table say along which directions passages differ most, and where each word lies on
//! them. A text lies where its words do on average, so that passages that came later and questions have
//! a place too. It knows only words it has seen: what shares no word with any passage is nowhere.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::take;

use ibid_index::analysis::{Language, Term, TermKind, terms};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};
use single_svdlib::randomized::{Normalizer, RandomizedConfig, svd_with};
use single_svdlib::{SvdMat, sprs::CsMatI};
use thiserror::Error;

/// Numbers of a vector, unless the library is too small for as many.
const DIMENSIONS: usize = 128;
/// Words, and passages, that there are at least for each of these numbers. With as many numbers as
/// words no two words would have to share any.
const WORDS_PER_DIMENSION: usize = 8;
const PASSAGES_PER_DIMENSION: usize = 4;
/// Words that are known, those that stand in most passages: what is rarer has hardly any company.
const MAX_WORDS: usize = 8_192;
/// Passages that a word stands in at least.
const MIN_PASSAGES_OF_WORD: u32 = 2;
/// A word that stands in more than one of so many passages tells nothing.
const MAX_SHARE_OF_WORD: u32 = 2;
/// How often rows and columns are passed over to find the directions.
const PASSES: usize = 2;
/// The same library teaches the same.
const SEED: u64 = 4_747;
/// The largest number of a word's code.
const LARGEST: f32 = 127.0;

// What is in the file.
const WORDS: &str = "words";
const WEIGHTS: &str = "weights";
const SCALES: &str = "scales";
const CODES: &str = "codes";
const LANGUAGES: &str = "languages";
const NUM_PASSAGES: &str = "num_passages";

/// Where words lie.
pub struct Corpus {
    rows: HashMap<Box<str>, usize>,
    /// How much each word says: the logarithm of how rare it is.
    weights: Vec<f32>,
    /// What to multiply a word's code by.
    scales: Vec<f32>,
    codes: Vec<i8>,
    dimensions: usize,
    /// The languages of the passages, that of most first. What is in none of them is taken for that.
    languages: Vec<Language>,
    num_passages: u64,
    digest: String,
}

/// Why nothing was learnt, or what was learnt can't be read.
#[derive(Debug, Error)]
pub enum CorpusError {
    /// Too few words stand in more than one passage.
    #[error("its passages have too few words in common")]
    TooFewWords,
    /// The arithmetic failed.
    #[error("it can't be learnt from: {0}")]
    Failed(String),
    /// The file holds something else.
    #[error("what was learnt from it is damaged: {0}")]
    Damaged(String),
}

/// Passages to learn from.
#[derive(Default)]
pub struct Sample {
    numbers: HashMap<Box<str>, u32>,
    /// In how many passages each word stands.
    spread: Vec<u32>,
    /// For each passage its words, and how often each stands in it.
    passages: Vec<Vec<(u32, u16)>>,
    /// How many passages are in each language.
    languages: BTreeMap<Language, usize>,
    /// Passages of which the language does not show.
    unplaced: Vec<String>,
}

impl Sample {
    /// Adds a passage.
    pub fn add(&mut self, text: String, language: Option<Language>) {
        match language {
            Some(language) => {
                *self.languages.entry(language).or_default() += 1;
                self.count(&text, Some(language));
            }
            None => self.unplaced.push(text),
        }
    }

    fn count(&mut self, text: &str, language: Option<Language>) {
        let mut counts: HashMap<u32, u16> = HashMap::new();
        for term in terms(text, language).filter(|term| term.kind != TermKind::Stop) {
            let next = u32::try_from(self.spread.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry(term.stem.into_boxed_str()).or_insert(next);
            if number == next {
                self.spread.push(0);
            }
            let count = counts.entry(number).or_insert(0);
            *count = count.saturating_add(1);
        }
        for number in counts.keys() {
            self.spread[*number as usize] += 1;
        }
        self.passages.push(counts.into_iter().collect());
    }

    /// Learns, on one core, from what stands for a library of so many passages; blocks. Returns the file
    /// that [`Corpus::read`] understands.
    ///
    /// # Errors
    /// If there is too little to learn from.
    pub fn learn(mut self, num_passages: u64) -> Result<Vec<u8>, CorpusError> {
        let mut languages: Vec<(Language, usize)> = take(&mut self.languages).into_iter().collect();
        languages.sort_by_key(|(_, num)| Reverse(*num));
        let languages: Vec<Language> = languages.into_iter().map(|(language, _)| language).collect();
        for text in take(&mut self.unplaced) {
            self.count(&text, languages.first().copied());
        }
        let num_sampled = u32::try_from(self.passages.len()).unwrap_or(u32::MAX);
        let tells = |spread: u32| {
            spread >= MIN_PASSAGES_OF_WORD && spread.saturating_mul(MAX_SHARE_OF_WORD) <= num_sampled
        };
        let mut words: Vec<(Box<str>, u32)> =
            self.numbers.into_iter().filter(|(_, number)| tells(self.spread[*number as usize])).collect();
        words.sort_unstable_by(|(one, number), (other, another)| {
            let spread = |number: u32| self.spread[number as usize];
            spread(*another).cmp(&spread(*number)).then_with(|| one.cmp(other))
        });
        words.truncate(MAX_WORDS);
        let rank = DIMENSIONS.min(words.len() / WORDS_PER_DIMENSION);
        let rank = rank.min(self.passages.len() / PASSAGES_PER_DIMENSION);
        if rank < 2 {
            return Err(CorpusError::TooFewWords);
        }

        let mut column_of = vec![None; self.spread.len()];
        let mut weights = Vec::with_capacity(words.len());
        for (column, (_, number)) in (0..).zip(&words) {
            column_of[*number as usize] = Some(column);
            weights.push((num_sampled as f32 / self.spread[*number as usize] as f32).ln());
        }
        let (mut starts, mut columns, mut numbers) = (vec![0_u64], Vec::new(), Vec::new());
        for passage in self.passages {
            let known = passage.into_iter().filter_map(|(number, count)| {
                let column: u32 = column_of[number as usize]?;
                Some((column, weighed(count, weights[column as usize])))
            });
            let mut row: Vec<(u32, f32)> = known.collect();
            row.sort_unstable_by_key(|(column, _)| *column);
            let length = row.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
            for (column, weight) in row {
                columns.push(column);
                numbers.push(weight / length);
            }
            starts.push(columns.len() as u64);
        }
        let table: SvdMat<f32> = CsMatI::new((starts.len() - 1, words.len()), starts, columns, numbers);
        // In so few passes columns need no more than a common length: to make them orthogonal each time
        // takes three times as long, and no search is better for it.
        let settings = RandomizedConfig::new(rank).power_iterations(PASSES);
        let settings = settings.normalizer(Normalizer::ColumnNorm).seed(SEED);
        // Answers must not wait for it, so it gets one core and not all.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| CorpusError::Failed(error.to_string()))?;
        let found = pool.install(|| svd_with(&table, &settings, None));
        let found = found.map_err(|error| CorpusError::Failed(error.to_string()))?;

        let (mut scales, mut codes) = (Vec::new(), Vec::new());
        for word in found.vt.columns() {
            // Halfway between all directions counting alike and each as much as passages differ on it.
            let place: Vec<f32> = word.iter().zip(&found.s).map(|(at, value)| at * value.sqrt()).collect();
            let peak = place.iter().fold(f32::MIN_POSITIVE, |peak, number| peak.max(number.abs()));
            scales.push(peak / LARGEST);
            codes.extend(place.iter().map(|number| (number / peak * LARGEST).round() as i8));
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| &**word).collect();
        let languages: Vec<&str> = languages.into_iter().map(Language::code).collect();
        let about = HashMap::from([
            (LANGUAGES.to_owned(), languages.join(" ")),
            (NUM_PASSAGES.to_owned(), num_passages.to_string()),
        ]);
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
        let (words, weights, scales) = (words.join("\n").into_bytes(), bytes(&weights), bytes(&scales));
        let codes: Vec<u8> = codes.iter().map(|number: &i8| number.cast_unsigned()).collect();
        let num_words = scales.len() / size_of::<f32>();
        let parts = [
            (WORDS, TensorView::new(Dtype::U8, vec![words.len()], &words)),
            (WEIGHTS, TensorView::new(Dtype::F32, vec![num_words], &weights)),
            (SCALES, TensorView::new(Dtype::F32, vec![num_words], &scales)),
            (CODES, TensorView::new(Dtype::I8, vec![num_words, rank], &codes)),
        ];
        let parts = parts.into_iter().map(|(name, part)| Ok((name, part?))).collect::<Result<Vec<_>, _>>();
        let file = parts.and_then(|parts| safetensors::serialize(parts, Some(about)));
        file.map_err(|error| CorpusError::Failed(error.to_string()))
    }
}

/// What a word says for a passage in which it stands so often.
fn weighed(count: u16, weight: f32) -> f32 {
    (1.0 + f32::from(count).ln()) * weight
}

impl Corpus {
    /// Reads what was learnt.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn read(file: &[u8]) -> Result<Self, CorpusError> {
        let damaged = |error: safetensors::SafeTensorError| CorpusError::Damaged(error.to_string());
        let (_, about) = SafeTensors::read_metadata(file).map_err(damaged)?;
        let about = |name: &str| about.metadata().as_ref().and_then(|about| about.get(name).cloned());
        let lacks = |name: &str| CorpusError::Damaged(format!("it lacks `{name}`"));
        let languages = about(LANGUAGES).ok_or_else(|| lacks(LANGUAGES))?;
        let num_passages = about(NUM_PASSAGES).and_then(|number| number.parse().ok());
        let tensors = SafeTensors::deserialize(file).map_err(damaged)?;
        let part = |name: &str| tensors.tensor(name).map_err(damaged);
        let numbers = |name: &str| {
            let numbers = part(name)?.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Ok::<Vec<f32>, CorpusError>(numbers.collect())
        };
        let words = String::from_utf8_lossy(part(WORDS)?.data()).into_owned();
        let rows: HashMap<Box<str>, usize> =
            words.split('\n').enumerate().map(|(row, word)| (word.into(), row)).collect();
        let (weights, scales, codes) = (numbers(WEIGHTS)?, numbers(SCALES)?, part(CODES)?);
        let &[num_words, dimensions] = codes.shape() else { return Err(lacks(CODES)) };
        if [rows.len(), weights.len(), scales.len()] != [num_words; 3] {
            return Err(CorpusError::Damaged("its words and numbers are not as many".to_owned()));
        }
        // Of the parts: what is told about them stands in the file in any order.
        let mut digest = Sha256::new();
        for name in [WORDS, WEIGHTS, SCALES, CODES] {
            digest.update(part(name)?.data());
        }
        Ok(Self {
            rows,
            weights,
            scales,
            codes: codes.data().iter().map(|byte| byte.cast_signed()).collect(),
            dimensions,
            languages: languages.split(' ').filter_map(Language::from_code).collect(),
            num_passages: num_passages.ok_or_else(|| lacks(NUM_PASSAGES))?,
            digest: crate::hex(&digest.finalize()[..8]),
        })
    }

    /// Numbers of a vector.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Tells it from whatever is learnt at another time.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many passages the library had.
    #[must_use]
    pub fn num_passages(&self) -> u64 {
        self.num_passages
    }

    /// Where a passage lies; nowhere, which is all zeros, if it has none of the words.
    #[must_use]
    pub fn passage(&self, text: &str, language: Option<Language>) -> Vec<f32> {
        let language = language.or(self.languages.first().copied());
        let mut counts: HashMap<usize, u16> = HashMap::new();
        for term in terms(text, language).filter(|term| term.kind != TermKind::Stop) {
            if let Some(row) = self.rows.get(term.stem.as_str()) {
                let count = counts.entry(*row).or_insert(0);
                *count = count.saturating_add(1);
            }
        }
        self.place(counts)
    }

    /// Where a question lies: its words in the form that each takes in the languages of the passages,
    /// without those that are a word of grammar in one of them.
    #[must_use]
    pub fn question(&self, text: &str) -> Vec<f32> {
        let read: Vec<Term> = match &*self.languages {
            [] => terms(text, None).collect(),
            languages => languages.iter().flat_map(|language| terms(text, Some(*language))).collect(),
        };
        let stops = read.iter().filter(|term| term.kind == TermKind::Stop).map(|term| term.start);
        let stops: HashSet<usize> = stops.collect();
        let said = read.iter().filter(|term| !stops.contains(&term.start));
        let rows = said.filter_map(|term| self.rows.get(term.stem.as_str()).map(|row| (*row, 1)));
        self.place(rows.collect())
    }

    fn place(&self, counts: HashMap<usize, u16>) -> Vec<f32> {
        // In order, so that the same words are always added up to the same.
        let mut counts: Vec<(usize, u16)> = counts.into_iter().collect();
        counts.sort_unstable();
        let mut place = vec![0.0; self.dimensions];
        for (row, count) in counts {
            let factor = weighed(count, self.weights[row]) * self.scales[row];
            let codes = &self.codes[row * self.dimensions..(row + 1) * self.dimensions];
            for (at, code) in place.iter_mut().zip(codes) {
                *at += factor * f32::from(*code);
            }
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passages on two matters, each in words of its own, of which two are never in one passage.
    fn taught() -> Corpus {
        let mut sample = Sample::default();
        let english = Language::from_code("en");
        let boats = ["ferry", "vessel", "harbour", "sailor", "anchor", "pier", "deck", "cargo"];
        let crops = ["wheat", "barley", "harvest", "farmer", "field", "plough", "barn", "straw"];
        for number in 0..120 {
            for words in [boats, crops] {
                let first = words[number % 2];
                let rest: Vec<&str> =
                    (0..4).map(|at| words[2 + (number / 2 + at * (1 + number % 3)) % 6]).collect();
                sample.add(format!("The {first} and {}", rest.join(" ")), english);
            }
        }
        Corpus::read(&sample.learn(240).unwrap()).unwrap()
    }

    fn cosine(one: &[f32], other: &[f32]) -> f32 {
        let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
    }

    #[test]
    fn words_that_keep_the_same_company_lie_near_one_another() {
        let corpus = taught();
        let vessel = corpus.passage("the vessels", Language::from_code("en"));
        let (ferry, wheat) = (corpus.question("Where is the ferry?"), corpus.question("Where is the wheat?"));
        assert!(cosine(&ferry, &vessel) > 0.5, "{}", cosine(&ferry, &vessel));
        assert!(cosine(&wheat, &vessel) < 0.1, "{}", cosine(&wheat, &vessel));
    }

    #[test]
    fn unknown_words_lie_nowhere_and_the_same_library_teaches_the_same() {
        let corpus = taught();
        assert!(corpus.question("quarks").iter().all(|number| *number == 0.0));
        assert_eq!(corpus.digest(), taught().digest());
        assert_eq!(corpus.num_passages(), 240);
    }

    #[test]
    fn too_little_teaches_nothing() {
        let mut sample = Sample::default();
        sample.add("one passage alone".to_owned(), None);
        assert!(matches!(sample.learn(1), Err(CorpusError::TooFewWords)));
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let mut sample = Sample::default();
        for number in 0..50 {
            let words: Vec<String> = (0..20).map(|at| format!("word{}", (number * at) % 41)).collect();
            sample.add(words.join(" "), None);
        }
        let file = sample.learn(50).unwrap();
        for end in [0, 7, file.len() / 2, file.len() - 1] {
            assert!(Corpus::read(&file[..end]).is_err(), "{end}");
        }
    }
}
