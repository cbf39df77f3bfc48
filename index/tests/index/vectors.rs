use std::fs;
use std::path::Path;

use ibid_index::{Change, PassageIndex, PassageVectors, Query, Scope, VectorModel, Vectors};

use crate::library::{Source, id, index};

/// What the made-up model of these tests knows about: water, birds, money.
fn model() -> VectorModel {
    VectorModel { name: "three themes".to_owned(), dimensions: 3 }
}

const WATER: [f32; 3] = [1.0, 0.1, 0.0];
const BIRDS: [f32; 3] = [0.1, 1.0, 0.1];
const MONEY: [f32; 3] = [0.0, 0.1, 1.0];

fn of(number: u128, vectors: &[[f32; 3]]) -> PassageVectors {
    from(number, 0, vectors)
}

fn from(number: u128, first: u32, vectors: &[[f32; 3]]) -> PassageVectors {
    let vectors = vectors.iter().map(|vector| vector.to_vec()).collect();
    PassageVectors { document: id(number), version: "v1".to_owned(), first, vectors }
}

fn library() -> PassageIndex {
    index(&[
        Source::new(1, "a.md", &["The dike holds the flood back.", "It cost four million."])
            .collection("dikes"),
        Source::new(2, "b.md", &["Herons nest in the reeds."]).collection("birds"),
        Source::new(3, "c.md", &["The ledger was closed in March."]).collection("dikes"),
    ])
}

fn known() -> Vec<PassageVectors> {
    vec![of(1, &[WATER, MONEY]), of(2, &[BIRDS]), of(3, &[MONEY])]
}

fn found(
    index: &PassageIndex,
    vectors: &Vectors,
    scope: &Scope,
    question: &str,
    near: &[f32],
) -> Vec<(u128, u32)> {
    let meaning = vectors.meaning(near).unwrap();
    let hits = index.search_with_meaning(scope, &Query::new(question, None), &meaning, 10).unwrap();
    hits.iter().map(|hit| (hit.document.as_u128(), hit.ordinal)).collect()
}

fn in_memory() -> Vectors {
    let vectors = Vectors::in_memory(model());
    vectors.put(&known()).unwrap();
    vectors
}

fn open(folder: &Path) -> (Vectors, Vec<String>) {
    Vectors::open(folder, model()).unwrap()
}

#[test]
fn what_shares_no_word_with_the_question_is_found_by_its_meaning() {
    let (index, vectors) = (library(), in_memory());
    let scope = Scope::all();
    assert!(index.search(&scope, &Query::new("Which waterfowl breed here?", None), 10).unwrap().is_empty());
    assert_eq!(found(&index, &vectors, &scope, "Which waterfowl breed here?", &BIRDS)[0], (2, 0));
    assert_eq!(found(&index, &vectors, &scope, "inundation", &WATER)[0], (1, 0));
}

#[test]
fn words_and_meaning_together_decide() {
    let (index, vectors) = (library(), in_memory());
    // Both are about money; one of them has the word.
    let first = |question: &str| found(&index, &vectors, &Scope::all(), question, &MONEY)[0];
    assert_eq!(first("ledger"), (3, 0));
    assert_eq!(first("million"), (1, 1));
}

#[test]
fn a_scope_holds_for_what_is_found_by_meaning() {
    let (index, vectors) = (library(), in_memory());
    let only = Scope::documents(vec![id(1)]);
    let places = found(&index, &vectors, &only, "waterfowl", &BIRDS);
    assert!(!places.is_empty() && places.iter().all(|(document, _)| *document == 1), "{places:?}");
    let dikes = Scope::collections(vec!["dikes".to_owned()]);
    let places = found(&index, &vectors, &dikes, "waterfowl", &BIRDS);
    assert!(!places.is_empty() && places.iter().all(|(document, _)| *document != 2), "{places:?}");
    assert!(found(&index, &vectors, &Scope::documents(Vec::new()), "waterfowl", &BIRDS).is_empty());
}

#[test]
fn a_document_that_is_deleted_is_not_found_whatever_vectors_there_are() {
    let (index, vectors) = (library(), in_memory());
    index.apply([Change::Delete(id(2))]).unwrap();
    let places = found(&index, &vectors, &Scope::all(), "waterfowl", &BIRDS);
    assert!(places.iter().all(|(document, _)| *document != 2), "{places:?}");
}

#[test]
fn a_passage_without_a_vector_is_found_by_its_words() {
    let (index, vectors) = (library(), Vectors::in_memory(model()));
    vectors.put(&[of(2, &[BIRDS])]).unwrap();
    let places = found(&index, &vectors, &Scope::all(), "flood", &BIRDS);
    assert!(places.contains(&(1, 0)) && places.contains(&(2, 0)), "{places:?}");
    let empty = Vectors::in_memory(model());
    assert_eq!(found(&index, &empty, &Scope::all(), "flood", &BIRDS), [(1, 0)]);
}

#[test]
fn beside_words_a_meaning_orders_what_they_find_and_finds_nothing_else() {
    let index = index(&[
        Source::new(1, "a.md", &["The report of March names the ledger."]),
        Source::new(2, "b.md", &["The report of March names the herons."]),
        Source::new(3, "c.md", &["The report of March names the report."]),
        Source::new(4, "d.md", &["Herons nest in the reeds."]),
    ]);
    let vectors = Vectors::in_memory(model());
    vectors.put(&[of(1, &[MONEY]), of(2, &[BIRDS]), of(4, &[BIRDS])]).unwrap();
    let found = |near: &[f32]| {
        let meaning = vectors.meaning(near).unwrap().beside_words();
        let query = Query::new("the report", None);
        let hits = index.search_with_meaning(&Scope::all(), &query, &meaning, 10).unwrap();
        hits.iter().map(|hit| hit.document.as_u128()).collect::<Vec<_>>()
    };
    // By words the third is best and the others are alike; it has no vector.
    assert_eq!(found(&[0.0; 3]), [3, 1, 2]);
    assert_eq!(found(&BIRDS), [3, 2, 1]);
    assert_eq!(found(&MONEY), [3, 1, 2]);
}

#[test]
fn vectors_are_there_again_after_opening() {
    let folder = tempfile::tempdir().unwrap();
    let (vectors, damaged) = open(folder.path());
    assert!(damaged.is_empty() && vectors.documents().is_empty());
    for known in known() {
        vectors.put(&[known]).unwrap();
    }
    let before = vectors.documents();
    drop(vectors);
    fs::write(folder.path().join(".tmp1234"), "half").unwrap();
    let (vectors, damaged) = open(folder.path());
    assert!(damaged.is_empty());
    assert_eq!(vectors.documents(), before);
    assert_eq!(vectors.num_passages(), 4);
    assert!(!folder.path().join(".tmp1234").exists());
    assert_eq!(found(&library(), &vectors, &Scope::all(), "inundation", &WATER)[0], (1, 0));
}

#[test]
fn a_damaged_file_is_told_and_costs_only_what_was_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (vectors, _) = open(folder.path());
    let many: Vec<[f32; 3]> = vec![WATER; 100];
    vectors.put(&[of(7, &many)]).unwrap();
    vectors.put(&[of(2, &[BIRDS])]).unwrap();
    drop(vectors);
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 2);
    let whole = fs::read(&files[1]).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for broken in [&flipped, &whole[..whole.len() - 5], &whole[..3], b""] {
        fs::write(&files[1], broken).unwrap();
        let (vectors, damaged) = open(folder.path());
        assert_eq!(damaged, [files[1].file_name().unwrap().to_str().unwrap()]);
        assert_eq!(vectors.num_passages(), 100);
        assert!(!files[1].exists());
        assert!(open(folder.path()).1.is_empty());
    }
}

#[test]
fn vectors_of_another_model_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (vectors, _) = open(folder.path());
    vectors.put(&known()).unwrap();
    drop(vectors);
    let other = VectorModel { name: "three other themes".to_owned(), ..model() };
    let (vectors, damaged) = Vectors::open(folder.path(), other).unwrap();
    assert!(damaged.is_empty() && vectors.documents().is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_vector_of_another_length_is_refused() {
    let vectors = in_memory();
    let short = PassageVectors { vectors: vec![vec![1.0; 2]], ..of(9, &[WATER]) };
    let refusal = vectors.put(&[of(8, &[WATER]), short]).unwrap_err().to_string();
    assert!(refusal.contains("2 numbers") && refusal.contains('3'), "{refusal}");
    assert_eq!(vectors.documents().len(), 3, "nothing of the call is kept");
    assert!(vectors.meaning(&[1.0; 4]).is_none());
}

#[test]
fn what_is_put_again_or_in_another_version_takes_the_place_of_what_was_there() {
    let (index, vectors) = (library(), in_memory());
    vectors.put(&[of(1, &[BIRDS, BIRDS])]).unwrap();
    assert_eq!(vectors.document(id(1)).unwrap().num_passages, 2);
    let places = found(&index, &vectors, &Scope::documents(vec![id(1), id(2)]), "waterfowl", &BIRDS);
    assert_eq!(places.len(), 3);
    let newer = PassageVectors { version: "v2".to_owned(), ..of(1, &[WATER]) };
    vectors.put(&[newer]).unwrap();
    let entry = vectors.document(id(1)).unwrap();
    assert_eq!((entry.version.as_str(), entry.num_passages), ("v2", 1));
    vectors.forget(id(1));
    assert!(vectors.document(id(1)).is_none());
}

#[test]
fn many_small_additions_become_few_files_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (vectors, _) = open(folder.path());
    for number in 0..100_u32 {
        let theme = [WATER, BIRDS, MONEY][number as usize % 3];
        vectors.put(&[from(5, 2 * number, &[theme, theme])]).unwrap();
        if number % 2 == 0 {
            vectors.put(&[of(u128::from(1_000 + number), &[theme])]).unwrap();
            vectors.forget(id(u128::from(1_000 + number)));
        }
    }
    let num_files = fs::read_dir(folder.path()).unwrap().count();
    assert!(num_files < 12, "{num_files} files");
    drop(vectors);
    let (vectors, damaged) = open(folder.path());
    assert!(damaged.is_empty());
    assert_eq!(vectors.document(id(5)).unwrap().num_passages, 200);
    let passages: Vec<String> = (0..200).map(|number| format!("passage {number}")).collect();
    let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
    let index = index(&[Source::new(5, "many.md", &passages)]);
    let meaning = vectors.meaning(&BIRDS).unwrap();
    let hits =
        index.search_with_meaning(&Scope::all(), &Query::new("waterfowl", None), &meaning, 66).unwrap();
    assert!(hits.iter().all(|hit| hit.ordinal / 2 % 3 == 1), "{hits:?}");
}
