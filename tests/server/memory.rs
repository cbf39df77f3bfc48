//! What the server holds on to once it is not needed any more, with the allocator of Linux.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use crate::support::{Server, eventually};

#[tokio::test]
async fn the_allocator_is_told_to_hold_little() {
    let server = Server::start().await;
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", server.pid())).unwrap();
    for told in ["MALLOC_ARENA_MAX=2", "GLIBC_TUNABLES=glibc.malloc.tcache_count=1"] {
        assert!(environment.split('\0').any(|setting| setting == told), "{told}: {environment}");
    }
}

/// The processes that this one has started.
fn children(parent: u32) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    // Behind the name in brackets: the state, then the parent.
    let parents = stats.filter_map(|stat| stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok());
    parents.filter(|found: &u32| *found == parent).count()
}

#[tokio::test]
async fn the_readers_of_uploads_are_ended_after_a_lull() {
    let server = Server::start().await;
    server.add("eels.md", "Silver eels leave in October.").await;
    assert_eq!(children(server.pid()), 1);
    eventually("none is left", async || (children(server.pid()) == 0).then_some(())).await;
    server.add("gates.md", "The gate was raised in 1953.").await;
}

#[tokio::test]
async fn an_index_at_rest_has_few_files_to_search() {
    let server = Server::start().await;
    for number in 0..4 {
        server.add(&format!("eels-{number}.md"), format!("Silver eels left in year {number}.")).await;
    }
    let index = server.data.path().join("index");
    let one = async || {
        let names = std::fs::read_dir(&index).unwrap().map(|entry| entry.unwrap().path());
        let terms = names.filter(|name| name.extension().is_some_and(|kind| kind == "term"));
        (terms.count() == 1).then_some(())
    };
    eventually("there is one file of terms", one).await;
}
