use futures::{FutureExt, StreamExt};

use super::record::MAX_KEPT;
use super::*;

fn token(text: &str) -> Event {
    Event::Token { text: text.to_owned() }
}

fn key() -> RunKey {
    RunKey { session: Uuid::now_v7(), message: Uuid::now_v7() }
}

fn texts(frames: &[Frame]) -> Vec<(u64, String)> {
    frames.iter().map(|frame| (frame.seq, frame.data.to_string())).collect()
}

#[tokio::test]
async fn a_reader_that_returns_at_any_position_misses_and_repeats_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let recorder = runs.begin(key, false);
    for number in 0..20 {
        recorder.append(&token(&number.to_string()));
    }
    let early: Vec<_> = runs.read(key, 5).await.unwrap().take(3).collect().await;
    assert_eq!(early.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [6, 7, 8]);

    let live = tokio::spawn(runs.read(key, 0).await.unwrap().collect::<Vec<_>>());
    let last = token("last");
    recorder.seal(&last).await.unwrap();
    recorder.close(&last);
    let live = live.await.unwrap();
    assert_eq!(live.len(), 21);
    for after in 0..=21 {
        let stored: Vec<_> = runs.read(key, after).await.unwrap().collect().await;
        assert_eq!(texts(&stored), texts(&live[usize::try_from(after).unwrap()..]));
    }
}

#[tokio::test]
async fn a_run_cut_short_is_taken_up_after_its_last_whole_event() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let path = runs.path(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let whole = serde_json::to_string(&token("kept")).unwrap();
    std::fs::write(&path, format!("{whole}\n{{\"type\":\"tok")).unwrap();

    let (recorder, events) = runs.take_up(key).await.unwrap();
    assert_eq!(events.len(), 1);
    recorder.append(&token("more"));
    let last = token("last");
    recorder.seal(&last).await.unwrap();
    recorder.close(&last);
    assert_eq!(runs.events(key).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_run_that_is_not_kept_is_read_to_its_end_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let (recorder, reader) = runs.begin_unkept(key);
    recorder.append(&token("first"));
    assert_eq!(runs.read(key, 0).await.unwrap().count().now_or_never(), Some(0));
    recorder.sync().await.unwrap();
    let last = token("last");
    recorder.seal(&last).await.unwrap();
    recorder.close(&last);
    let told: Vec<String> = reader.map(|event| serde_json::to_string(&event).unwrap()).collect().await;
    assert_eq!(told, [token("first"), last].map(|event| serde_json::to_string(&event).unwrap()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(runs.read(key, 0).await.is_err());
}

#[tokio::test]
async fn readers_end_when_the_recorder_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let recorder = runs.begin(key, false);
    let reader = tokio::spawn(runs.read(key, 0).await.unwrap().collect::<Vec<_>>());
    recorder.append(&token("only"));
    drop(recorder);
    assert_eq!(reader.await.unwrap().len(), 1);
    assert!(!runs.cancel(key.message));
}

#[tokio::test]
async fn more_runs_than_files_stay_open_are_all_whole() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let session = Uuid::now_v7();
    let keys: Vec<_> = (0..300).map(|_| RunKey { session, message: Uuid::now_v7() }).collect();
    let recorders: Vec<_> = keys.iter().map(|key| runs.begin(*key, false)).collect();
    for number in 0..3 {
        for recorder in &recorders {
            recorder.append(&token(&number.to_string()));
            recorder.has_room().await;
        }
    }
    for recorder in recorders {
        recorder.sync().await.unwrap();
    }
    for key in keys {
        assert_eq!(runs.events(key).await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_writer_does_not_wait_for_what_can_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    // A file stands where the folder of the session is to be.
    std::fs::write(folder.path().join(key.session.to_string()), "").unwrap();
    let recorder = runs.begin(key, false);
    for _ in 0..3 {
        recorder.append(&token(&"long".repeat(1 << 16)));
        tokio::time::timeout(Duration::from_secs(5), recorder.has_room()).await.unwrap();
    }
    assert!(recorder.sync().await.is_err());
}

/// Bytes of a live run's events in memory.
fn num_bytes_kept(runs: &Runs, key: RunKey) -> usize {
    let live = lock(&runs.live).get(&key.message).cloned().unwrap();
    let (_, kept) = lock(&live.record).kept();
    kept.iter().map(|frame| frame.data.len()).sum()
}

#[tokio::test]
async fn readers_that_fall_behind_read_in_the_file_what_memory_does_not_keep() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let recorder = runs.begin(key, false);
    let told: Vec<Event> =
        (0..500).map(|number| token(&format!("{number} {}", "long ".repeat(200)))).collect();
    let mut slow = Box::pin(runs.read(key, 0).await.unwrap());
    for (number, event) in told.iter().enumerate() {
        recorder.append(event);
        // Some of it in step with the run.
        if number < 10 {
            assert_eq!(slow.next().await.unwrap().seq, number as u64 + 1);
        }
    }
    recorder.sync().await.unwrap();
    assert!(num_bytes_kept(&runs, key) as u64 <= MAX_KEPT);
    assert_eq!(runs.events(key).await.unwrap().len(), 500);
    let late = tokio::spawn(runs.read(key, 3).await.unwrap().collect::<Vec<_>>());
    let newest: Vec<_> = runs.read(key, 498).await.unwrap().take(2).collect().await;

    let last = token("last");
    recorder.seal(&last).await.unwrap();
    recorder.close(&last);
    let slow: Vec<_> = slow.collect().await;
    let late = late.await.unwrap();
    assert_eq!(texts(&slow), texts(&late[7..]));
    assert_eq!(texts(&newest), texts(&late[495..497]));
    let stored: Vec<_> = runs.read(key, 0).await.unwrap().collect().await;
    assert_eq!(texts(&late), texts(&stored[3..]));
    assert_eq!(stored.len(), 501);
}

#[tokio::test]
async fn what_every_reader_has_is_not_kept_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    let recorder = runs.begin(key, false);
    let mut quick = Box::pin(runs.read(key, 0).await.unwrap());
    let mut slow = Box::pin(runs.read(key, 0).await.unwrap());
    for number in 0..3 {
        recorder.append(&token(&number.to_string()));
    }
    recorder.sync().await.unwrap();
    quick.next().await.unwrap();
    assert_ne!(num_bytes_kept(&runs, key), 0, "one of two readers has it");
    assert_eq!(slow.next().await.unwrap().seq, 1);
    assert_eq!(num_bytes_kept(&runs, key), 0);
    recorder.append(&token("3"));
    drop(slow);
    assert_eq!(quick.skip(2).next().await.unwrap().seq, 4);
    assert_eq!(num_bytes_kept(&runs, key), 0, "who left is not waited for");

    let last = token("last");
    recorder.seal(&last).await.unwrap();
    let mut late = Box::pin(runs.read(key, 1).await.unwrap());
    let seen: Vec<_> = late.by_ref().take(3).map(|frame| frame.seq).collect().await;
    assert_eq!(seen, [2, 3, 4]);
    let early = tokio::time::timeout(Duration::from_millis(100), late.next()).await;
    assert!(early.is_err(), "the last event is shown once it is closed with, not once it is in the file");
    recorder.close(&last);
    assert_eq!(late.next().await.unwrap().seq, 5);
}

#[tokio::test]
async fn what_can_not_be_written_is_read_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Arc::new(Runs::open(folder.path()).unwrap());
    let key = key();
    std::fs::write(folder.path().join(key.session.to_string()), "").unwrap();
    let recorder = runs.begin(key, false);
    for _ in 0..100 {
        recorder.append(&token(&"long".repeat(1 << 10)));
    }
    assert!(recorder.sync().await.is_err());
    let last = token("last");
    assert!(recorder.seal(&last).await.is_err());
    let reader = runs.read(key, 0).await.unwrap();
    recorder.close(&last);
    assert_eq!(reader.count().await, 101);
}
