//! The index as a folder: reopened, locked, of another schema, damaged, killed.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::library::{Source, found, id, put};
use ibid_index::{Change, Document, IndexError, PassageIndex, Query, Scope};

fn sources(numbers: std::ops::RangeInclusive<u128>) -> Vec<Source> {
    numbers.map(|n| Source::new(n, "x.txt", &[&format!("Passage {} of the archive.", word(n))])).collect()
}

/// A word of its own for each number.
fn word(number: u128) -> String {
    number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'k')).chain("ia".chars()).collect()
}

fn filled(path: &Path) {
    let index = PassageIndex::open(path).unwrap();
    put(&index, &sources(1..=50));
}

#[test]
fn what_was_applied_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let index = PassageIndex::open(folder.path()).unwrap();
    index.verify().unwrap();
    assert_eq!(index.num_passages(), 50);
    assert_eq!(found(&index, &word(7)), [(7, 0)]);
    let documents = index.documents().unwrap();
    assert_eq!(documents.len(), 50);
    assert_eq!((documents[&id(7)].version.as_str(), documents[&id(7)].num_passages), ("v1", 1));
}

#[test]
fn many_small_changes_are_brought_together_and_found_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let index = PassageIndex::open(folder.path()).unwrap();
    for number in 1..=6 {
        put(&index, &sources(number..=number));
    }
    index.apply([Change::Delete(id(3))]).unwrap();
    let num_files = || {
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|name| name.extension().is_some_and(|kind| kind == "term")).count()
    };
    let (before, archive) = (num_files(), found(&index, "archive"));
    index.settle().unwrap();
    assert!(before > 1 && num_files() == 1, "{before} became {}", num_files());
    // Nothing is read any more of what was there before.
    #[cfg(target_os = "linux")]
    {
        let (maps, folder) =
            (fs::read_to_string("/proc/self/maps").unwrap(), folder.path().to_str().unwrap());
        assert!(!maps.lines().any(|line| line.contains(folder) && line.ends_with("(deleted)")), "{maps}");
    }
    assert_eq!(found(&index, "archive"), archive);
    assert_eq!(index.documents().unwrap().len(), 5);
    index.verify().unwrap();
    // It goes on from there.
    put(&index, &sources(3..=3));
    assert_eq!(found(&index, &word(3)), [(3, 0)]);
    index.settle().unwrap();
    drop(index);
    assert_eq!(PassageIndex::open(folder.path()).unwrap().num_passages(), 6);
}

#[test]
fn documents_counts_over_segments_and_leaves_out_the_deleted() {
    let index = PassageIndex::in_memory().unwrap();
    put(&index, &[Source::new(1, "a", &["One.", "Two.", "Three."])]);
    put(&index, &[Source::new(2, "b", &["Four."])]);
    put(&index, &[Source::new(1, "a", &["One.", "Two."])]);
    index.apply([Change::Delete(id(2))]).unwrap();
    let documents = index.documents().unwrap();
    assert_eq!(documents.keys().copied().collect::<Vec<_>>(), [id(1)]);
    assert_eq!(documents[&id(1)].num_passages, 2);
    assert_eq!(index.num_passages(), 2);
}

#[test]
fn an_apply_that_fails_changes_nothing_and_the_next_one_works() {
    let index = PassageIndex::in_memory().unwrap();
    put(&index, &sources(1..=3));
    let (source, new) = (Source::new(1, "a", &[]), Source::new(9, "n", &["A newcomer."]));
    let gone = std::iter::once(Err(io::Error::other("gone")));
    let broken = Document { passages: Box::new(gone), ..source.document() };
    let error =
        index.apply([Change::Put(new.document()), Change::Delete(id(2)), Change::Put(broken)]).unwrap_err();
    assert!(matches!(error, IndexError::Passages { document, .. } if document == id(1)), "{error}");
    assert_eq!(index.documents().unwrap().len(), 3);
    put(&index, &sources(4..=4));
    assert_eq!(index.documents().unwrap().len(), 4);
    assert_eq!(found(&index, "newcomer"), []);
    assert_eq!(found(&index, &word(2)), [(2, 0)]);
}

#[test]
fn only_one_writer_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = PassageIndex::open(folder.path()).unwrap();
    let is_locked = || matches!(PassageIndex::open(folder.path()), Err(IndexError::Locked));
    assert!(is_locked());
    // At rest too, and what comes after is written.
    put(&first, &sources(1..=2));
    first.settle().unwrap();
    assert!(is_locked());
    put(&first, &sources(3..=3));
    assert_eq!(first.documents().unwrap().len(), 3);
    drop(first);
    PassageIndex::open(folder.path()).unwrap();
}

#[test]
fn another_schema_is_told_from_damage() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let marker = folder.path().join("ibid-index.json");
    fs::write(&marker, r#"{"schema":0}"#).unwrap();
    let error = PassageIndex::open(folder.path()).unwrap_err();
    assert!(matches!(&error, IndexError::OtherSchema { found, .. } if found == "0"), "{error}");
    fs::remove_file(&marker).unwrap();
    assert!(matches!(PassageIndex::open(folder.path()), Err(IndexError::OtherSchema { .. })));
    fs::write(&marker, "not json").unwrap();
    assert!(matches!(PassageIndex::open(folder.path()), Err(IndexError::Damaged(_))));
}

#[test]
fn a_folder_claimed_but_never_filled_opens_empty() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    let other = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("ibid-index.json"), other.path().join("ibid-index.json")).unwrap();
    assert_eq!(PassageIndex::open(other.path()).unwrap().num_passages(), 0);
}

#[test]
fn what_a_killed_process_left_behind_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path());
    fs::write(folder.path().join("0123456789abcdef0123456789abcdef.idx"), b"half a segment").unwrap();
    fs::write(folder.path().join("ibid-index.tmp"), b"{").unwrap();
    let index = PassageIndex::open(folder.path()).unwrap();
    index.verify().unwrap();
    put(&index, &sources(51..=60));
    assert_eq!(index.num_passages(), 60);
}

#[test]
fn a_killed_writer_has_lost_nothing_it_reported() {
    let folder = tempfile::tempdir().unwrap();
    let mut num_reported = 0;
    for _ in 0..3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "folder::write_until_killed"])
            .env(KILLED_FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let reported = || fs::read(folder.path().join("reported")).map_or(0, |reports| reports.len());
        while reported() < num_reported + 5 {
            assert_eq!(child.try_wait().unwrap(), None, "the writer ended by itself");
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        num_reported = reported();
        let index = PassageIndex::open(&folder.path().join("index")).unwrap();
        index.verify().unwrap();
        assert!(index.documents().unwrap().len() >= num_reported);
    }
}

const KILLED_FOLDER: &str = "IBID_INDEX_TEST_FOLDER";

#[test]
#[ignore = "runs only as the process that the test above kills"]
fn write_until_killed() {
    let Some(folder) = env::var_os(KILLED_FOLDER).map(PathBuf::from) else { return };
    let index = PassageIndex::open(&folder.join("index")).unwrap();
    let mut reported = fs::File::options().create(true).append(true).open(folder.join("reported")).unwrap();
    for number in index.documents().unwrap().len() as u128 + 1.. {
        put(&index, &sources(number..=number));
        reported.write_all(b".").unwrap();
    }
}

/// Opens, verifies, searches and lists; damage has to surface as an error on the way.
fn exercise(path: &Path) -> Result<(), IndexError> {
    let index = PassageIndex::open(path)?;
    index.verify()?;
    let hits =
        index.search(&Scope::documents(vec![id(3), id(4)]), &Query::new("archive passage", None), 10)?;
    assert_eq!(hits.len(), 2);
    index.documents()?;
    Ok(())
}

#[test]
fn damage_to_any_file_is_an_error_and_never_a_panic() {
    let intact = tempfile::tempdir().unwrap();
    filled(intact.path());
    exercise(intact.path()).unwrap();
    let mut num_files = 0;
    for name in files(intact.path()) {
        for damage in [flip, cut, stump, blank, Vec::clear] {
            let copy = tempfile::tempdir().unwrap();
            for name in files(intact.path()) {
                fs::copy(intact.path().join(&name), copy.path().join(&name)).unwrap();
            }
            let mut bytes = fs::read(copy.path().join(&name)).unwrap();
            damage(&mut bytes);
            fs::write(copy.path().join(&name), bytes).unwrap();
            match exercise(copy.path()) {
                Err(IndexError::Damaged(_) | IndexError::OtherSchema { .. }) => {}
                // Only lists what may be tidied away: a wrong name in it hides nothing.
                Ok(()) if name == Path::new(".managed.json") => {}
                outcome => panic!("{}: {outcome:?}", name.display()),
            }
            num_files += 1;
        }
    }
    assert!(num_files >= 25, "an index has more files than {num_files} / 5");
}

/// The files of an index that hold something.
fn files(path: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(path).unwrap().map(|entry| PathBuf::from(entry.unwrap().file_name()));
    let mut names: Vec<PathBuf> = names
        .filter(|name| name.extension().is_none_or(|extension| extension != "lock"))
        .filter(|name| fs::metadata(path.join(name)).unwrap().len() > 0)
        .collect();
    names.sort();
    names
}

#[expect(clippy::ptr_arg, reason = "one of several kinds of damage, some of which change the length")]
fn blank(bytes: &mut Vec<u8>) {
    let end = bytes.len() / 2;
    bytes[end / 40..end].fill(0);
}

fn flip(bytes: &mut Vec<u8>) {
    let middle = bytes.len() / 2;
    bytes.splice(middle..=middle, [!bytes[middle]]);
}

fn stump(bytes: &mut Vec<u8>) {
    bytes.truncate(5);
}

fn cut(bytes: &mut Vec<u8>) {
    bytes.truncate(bytes.len() / 2);
}

#[test]
fn many_small_documents_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let index = PassageIndex::open(folder.path()).unwrap();
    put(&index, &sources(1..=10_000));
    assert_eq!(index.documents().unwrap().len(), 10_000);
    let meta = fs::read_to_string(folder.path().join("meta.json")).unwrap();
    assert_eq!(meta.matches("segment_id").count(), 1);
}

#[test]
fn small_commits_are_merged_with_each_other_and_leave_a_large_segment_alone() {
    let folder = tempfile::tempdir().unwrap();
    let index = PassageIndex::open(folder.path()).unwrap();
    let segments = || {
        let meta = fs::read_to_string(folder.path().join("meta.json")).unwrap();
        let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
        let segments = meta["segments"].as_array().unwrap().iter();
        segments.map(|segment| segment["segment_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    put(&index, &sources(1..=3_000));
    let large = segments();
    assert_eq!(large.len(), 1);
    for number in 3_001..=3_040 {
        put(&index, &sources(number..=number));
    }
    // Merges go on beside whoever commits.
    for _ in 0..500 {
        if segments().len() <= 10 {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let left = segments();
    assert!(left.len() <= 10, "{} segments of 41", left.len());
    assert!(left.contains(&large[0]), "the large one was written anew");
    assert_eq!(index.num_passages(), 3_040);
}
