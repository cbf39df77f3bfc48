//! Indexing and searching beside plain tantivy on the same text in the same run: two fields in its
//! `en_stem` analysis, searched through its query parser. The text is made up, but its words are as
//! unevenly common as in a language, and the same on every run.

use std::borrow::Cow;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ibid_index::analysis::{self, Language};
use ibid_index::{
    Change, Document, Highlighter, PassageIndex, PassageText, PassageVectors, Query, Scope, VectorModel,
    Vectors,
};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{STORED, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexWriter, Searcher, doc};
use uuid::Uuid;

const NUM_DOCUMENTS: u32 = 200;
const PASSAGES_PER_DOCUMENT: u32 = 20;
const WORDS_PER_PASSAGE: u32 = 150;
const VOCABULARY: u32 = 40_000;

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.0 >> 33) as u32) / f64::from(1_u32 << 31)
    }

    /// A word by Zipf's law: the n-th most common one comes up one n-th as often as the first.
    fn word(&mut self) -> String {
        const ENDINGS: [&str; 6] = ["", "s", "ing", "ed", "ation", "ly"];
        const GRAMMAR: [&str; 8] = ["the", "of", "and", "in", "is", "that", "was", "with"];
        if self.roll() < 0.35 {
            return GRAMMAR[(self.roll() * 8.0) as usize].to_owned();
        }
        let rank = f64::from(VOCABULARY).powf(self.roll()) as u32;
        let mut word: String = syllables(rank).collect();
        word.push_str(ENDINGS[(self.roll() * 6.0) as usize]);
        word
    }

    fn words(&mut self, num_words: u32) -> String {
        (0..num_words).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }
}

fn syllables(mut rank: u32) -> impl Iterator<Item = char> {
    rank += 16;
    std::iter::from_fn(move || {
        (rank > 0).then(|| {
            let syllable = [
                "ka", "to", "mi", "re", "su", "no", "la", "be", "di", "fo", "gu", "he", "ji", "pa", "wo",
                "ze",
            ][(rank % 16) as usize];
            rank /= 16;
            syllable.chars()
        })
    })
    .flatten()
}

struct Text {
    title: String,
    passages: Vec<String>,
}

fn library() -> Vec<Text> {
    let mut dice = Dice(7);
    let text = |_| Text {
        title: dice.words(5),
        passages: (0..PASSAGES_PER_DOCUMENT).map(|_| dice.words(WORDS_PER_PASSAGE)).collect(),
    };
    (0..NUM_DOCUMENTS).map(text).collect()
}

fn questions() -> Vec<String> {
    let mut dice = Dice(11);
    (0..100).map(|n| dice.words(6 + n % 6)).collect()
}

fn num_bytes(library: &[Text]) -> u64 {
    library.iter().flat_map(|text| &text.passages).map(|passage| passage.len() as u64).sum()
}

fn ours(path: &Path, library: &[Text]) -> PassageIndex {
    let index = PassageIndex::open(path).expect("the folder is new");
    index.apply((0..).zip(library).map(change)).expect("the disk has room");
    index
}

fn change((number, text): (u128, &Text)) -> Change<'_> {
    let passage = |(ordinal, body): (u32, &'_ String)| {
        Ok(PassageText { ordinal, heading: None, body: Cow::Owned(body.clone()) })
    };
    Change::Put(Document {
        id: Uuid::from_u128(number),
        version: "v1",
        name: "notes.txt",
        title: &text.title,
        collections: &[],
        language: Language::from_code("en"),
        passages: Box::new((0..).zip(&text.passages).map(passage)),
    })
}

fn plain(path: &Path, library: &[Text]) -> (Searcher, QueryParser) {
    let mut schema = Schema::builder();
    let id = schema.add_text_field("id", STRING | STORED);
    let english = TextFieldIndexing::default().set_tokenizer("en_stem");
    let english = TextOptions::default().set_indexing_options(english);
    let title = schema.add_text_field("title", english.clone());
    let body = schema.add_text_field("body", english);
    let index = Index::create_in_dir(path, schema.build()).expect("the folder is new");
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 64 * 1024 * 1024).expect("one writer");
    for (number, text) in library.iter().enumerate() {
        for (ordinal, passage) in text.passages.iter().enumerate() {
            let passage =
                doc!(id => format!("{number}:{ordinal}"), title => &*text.title, body => &**passage);
            writer.add_document(passage).expect("the writer is alive");
        }
    }
    writer.commit().expect("the disk has room");
    (index.reader().expect("just committed").searcher(), QueryParser::for_index(&index, vec![title, body]))
}

fn indexing(criterion: &mut Criterion) {
    let library = library();
    let mut group = criterion.benchmark_group("indexing");
    group.sample_size(10).throughput(Throughput::Bytes(num_bytes(&library)));
    let folder = || tempfile::tempdir().expect("a temporary folder");
    group.bench_function("ibid", |bench| {
        bench.iter_with_large_drop(|| {
            let folder = folder();
            (ours(folder.path(), &library), folder)
        });
    });
    group.bench_function("plain", |bench| {
        bench.iter_with_large_drop(|| {
            let folder = folder();
            (plain(folder.path(), &library), folder)
        });
    });
    group.finish();
}

fn searching(criterion: &mut Criterion) {
    let (library, questions) = (library(), questions());
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let ours = ours(one.path(), &library);
    let (searcher, parser) = plain(other.path(), &library);
    let mut group = criterion.benchmark_group("searching");
    group.throughput(Throughput::Elements(questions.len() as u64));
    let half = Scope::documents((0..u128::from(NUM_DOCUMENTS / 2)).map(Uuid::from_u128).collect());
    for (name, scope) in [("ibid", Scope::all()), ("ibid, half in scope", half)] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                for question in &questions {
                    black_box(ours.search(&scope, &Query::new(question, None), 10).expect("readable"));
                }
            });
        });
    }
    group.bench_function("plain", |bench| {
        bench.iter(|| {
            for question in &questions {
                let query = parser.parse_query(question).expect("plain words");
                let hits =
                    searcher.search(&query, &TopDocs::with_limit(10).order_by_score()).expect("readable");
                for (_, address) in hits {
                    black_box(searcher.doc::<tantivy::TantivyDocument>(address).expect("stored"));
                }
            }
        });
    });
    group.finish();
}

/// Short passages, so that what is measured is the vectors: of as many numbers as a small model has.
fn meaning(criterion: &mut Criterion) {
    const DIMENSIONS: usize = 384;
    const PER_DOCUMENT: u32 = 50;
    let questions = questions();
    let mut dice = Dice(13);
    let vector = |dice: &mut Dice| (0..DIMENSIONS).map(|_| dice.roll() as f32 - 0.5).collect::<Vec<f32>>();
    let mut group = criterion.benchmark_group("meaning");
    group.sample_size(10);
    for num_passages in [10_000, 100_000] {
        let model = VectorModel { name: "made up".to_owned(), dimensions: DIMENSIONS };
        let (index, vectors) = (PassageIndex::in_memory().expect("room"), Vectors::in_memory(model));
        let text =
            |_| Text { title: dice.words(5), passages: (0..PER_DOCUMENT).map(|_| dice.words(20)).collect() };
        let texts: Vec<Text> = (0..num_passages / PER_DOCUMENT).map(text).collect();
        index.apply((0..).zip(&texts).map(change)).expect("room");
        let of_document = |document| PassageVectors {
            document: Uuid::from_u128(document),
            version: "v1".to_owned(),
            first: 0,
            vectors: (0..PER_DOCUMENT).map(|_| vector(&mut dice)).collect(),
        };
        let of_documents: Vec<_> = (0..).take(texts.len()).map(of_document).collect();
        vectors.put(&of_documents).expect("of the model's length");
        drop(of_documents);
        let asked = vectors.meaning(&vector(&mut dice)).expect("of the model's length");
        let query = Query::new(&questions[0], None);
        group.bench_function(format!("words, {num_passages}"), |bench| {
            bench.iter(|| index.search(&Scope::all(), &query, 10).expect("readable"));
        });
        group.bench_function(format!("words and vectors, {num_passages}"), |bench| {
            bench.iter(|| index.search_with_meaning(&Scope::all(), &query, &asked, 10).expect("readable"));
        });
    }
    group.finish();
}

fn reading(criterion: &mut Criterion) {
    let (library, questions) = (library(), questions());
    let passage = &library[0].passages[0];
    let english = Language::from_code("en");
    let mut group = criterion.benchmark_group("reading");
    group.throughput(Throughput::Bytes(passage.len() as u64));
    group
        .bench_function("terms", |bench| bench.iter(|| analysis::terms(black_box(passage), english).count()));
    let query = Query::new(&questions[0], english);
    let mut highlighter = Highlighter::new(&query);
    group.bench_function("highlights", |bench| bench.iter(|| highlighter.find(black_box(passage), english)));
    group.finish();

    let folder = tempfile::tempdir().expect("a folder");
    let index = ours(folder.path(), &library);
    criterion.bench_function("documents", |bench| bench.iter(|| index.documents().expect("readable")));
}

criterion_group!(benches, indexing, searching, meaning, reading);
criterion_main!(benches);
