use super::super::{Order, Store};
use super::*;

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path, Arc::new(Space::open(folder.path(), 0))).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_failed_check_changes_nothing() {
    let (_folder, store) = store().await;
    assert!(store.commit(Batch::new().put("a", &1)).await.unwrap().is_done());
    let read = store.get::<u32>("a").await.unwrap().unwrap();

    let stale = Batch::new().check("a", read.revision + 1).put("a", &2).put("b", &2);
    assert_eq!(store.commit(stale).await.unwrap(), Commit::Conflict { key: "a".to_owned() });
    let exists = Batch::new().check_absent("a").put("b", &2);
    assert_eq!(store.commit(exists).await.unwrap(), Commit::Conflict { key: "a".to_owned() });
    assert!(store.get::<u32>("b").await.unwrap().is_none());

    assert!(store.commit(Batch::new().check("a", read.revision).put("a", &2)).await.unwrap().is_done());
    assert_eq!(store.get::<u32>("a").await.unwrap().unwrap().value, 2);
}

#[tokio::test]
async fn parallel_adds_never_pass_the_limit() {
    let (_folder, store) = store().await;
    let adds = (0..100).map(|_| store.commit(Batch::new().add("quota", 1, 10)));
    let outcomes = futures::future::join_all(adds).await;
    let done = outcomes.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_done()).count();
    assert_eq!(done, 10);
    assert_eq!(store.get::<i64>("quota").await.unwrap().unwrap().value, 10);
    store.commit(Batch::new().add("quota", -20, 10)).await.unwrap();
    assert_eq!(store.get::<i64>("quota").await.unwrap().unwrap().value, 0);
}

#[tokio::test]
async fn scans_page_in_both_orders() {
    let (_folder, store) = store().await;
    let batch = ["k/1", "k/2", "k/3", "l/1"].into_iter().fold(Batch::new(), |batch, key| batch.put(key, key));
    store.commit(batch).await.unwrap();
    let keys = async |after, order| -> Vec<String> {
        let page = store.scan::<String>("k/", after, 2, order).await.unwrap();
        page.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys(None, Order::Ascending).await, ["k/1", "k/2"]);
    assert_eq!(keys(Some("k/2"), Order::Ascending).await, ["k/3"]);
    assert_eq!(keys(None, Order::Descending).await, ["k/3", "k/2"]);
    assert_eq!(keys(Some("k/2"), Order::Descending).await, ["k/1"]);
}

#[tokio::test]
async fn what_was_committed_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..3_u32 {
        let store = reopen(folder.path()).await;
        let batch = Batch::new().put(format!("r/{round}"), &round);
        assert!(store.commit(batch).await.unwrap().is_done());
        let all = store.scan::<u32>("r/", None, 10, Order::Ascending).await.unwrap();
        assert_eq!(all.len(), round as usize + 1);
    }
}

/// The writer thread lets go of the file a moment after the store is dropped.
async fn reopen(folder: &Path) -> Store {
    for _ in 0..200 {
        if let Ok(store) = Store::open(folder, Arc::new(Space::open(folder, 0))).await {
            return store;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the store stays locked");
}

#[tokio::test]
async fn a_store_that_lost_what_was_acknowledged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acknowledged");
    let revision = {
        let store = reopen(folder.path()).await;
        store.commit(Batch::new().put("a", &1)).await.unwrap();
        let revision = store.get::<u32>("a").await.unwrap().unwrap().revision;
        assert_eq!(std::fs::read(&file).unwrap(), mark(revision));
        revision
    };
    drop(reopen(folder.path()).await);
    std::fs::write(&file, mark(revision + 1)).unwrap();
    let mut refused = None;
    while !matches!(refused, Some(StoreError::Damaged(_))) {
        refused = Store::open(folder.path(), Arc::new(Space::open(folder.path(), 0))).await.err();
        assert!(refused.is_some(), "it opened");
    }
    std::fs::write(&file, b"damaged itself, it says nothing").unwrap();
    drop(reopen(folder.path()).await);
}

#[tokio::test]
async fn settings_of_the_store_that_were_altered_anywhere_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    drop(reopen(folder.path()).await);
    let file = folder.path().join("conf");
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut altered = whole.clone();
        altered[at] ^= 0x80;
        std::fs::write(&file, altered).unwrap();
        loop {
            match Store::open(folder.path(), Arc::new(Space::open(folder.path(), 0))).await {
                Err(StoreError::Engine(why)) if why.contains("lock") => {}
                Ok(_) | Err(StoreError::Damaged(_)) => break,
                Err(why) => panic!("byte {at}: {why}"),
            }
        }
    }
}

#[tokio::test]
async fn a_value_over_the_limit_is_refused() {
    let (_folder, store) = store().await;
    let outcome = store.commit(Batch::new().put("a", &"x".repeat(MAX_VALUE_BYTES))).await;
    assert!(matches!(outcome, Err(StoreError::TooLarge { bytes, .. }) if bytes == MAX_VALUE_BYTES + 2));
}
