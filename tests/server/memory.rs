//! What the server holds on to once it is not needed any more, with the allocator of Linux.

#![cfg(all(target_os = "linux", target_env = "gnu"))]

use crate::support::Server;

#[tokio::test]
async fn the_allocator_is_told_to_hold_little() {
    let server = Server::start().await;
    let environment = std::fs::read_to_string(format!("/proc/{}/environ", server.pid())).unwrap();
    let is_told = environment.split('\0').any(|setting| setting == "MALLOC_ARENA_MAX=2");
    assert!(is_told, "{environment}");
}
