//! Readers that take next to nothing: the run and everyone else go on without noticing, memory stays
//! bounded, and one that stands still is cut and can come back.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{PATIENCE, Server, answer};

/// Readers that take nothing.
const STALLED: usize = 40;
/// Words of the answer; with what frames them they are more than sockets hold.
const WORDS: usize = 12_000;

/// An answer of megabytes, quickly written.
async fn server() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.json");
    let words: Vec<String> = (0..WORDS).map(|number| format!("{number:0>500} ")).collect();
    std::fs::write(&script, json!([{"reply": words}]).to_string()).unwrap();
    let config = format!(
        "[server]\nstalled_reader_s = 2\n\n[[models]]\nname = \"long\"\nprovider = \"scripted\"\ndelay_ms = 0\nscript = \"{}\"\n",
        script.display()
    );
    (Server::with_config(&config).await, folder)
}

/// A connection with a small window that asked for a stream and has taken nothing of it.
async fn stalled(server: &Server, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Memory of the server's process, in bytes.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn readers_that_take_nothing_hold_up_nobody_and_are_cut_and_can_come_back() {
    let (server, _script) = server().await;
    let session = server.session().await;
    let begun = Instant::now();
    let all = server.ask(&session, json!({"content": "Go on."})).await;
    let alone = begun.elapsed();
    let message = all[0].data["message_id"].as_str().unwrap().to_owned();
    let before = resident(&server);

    let path = format!("/api/chat/sessions/{session}/messages/{message}/events");
    let mut readers = Vec::new();
    for _ in 0..STALLED {
        readers.push(stalled(&server, &path).await);
    }
    // Another one, at a byte now and then, and a run of its own while they stand still.
    let begun = Instant::now();
    let other = server.session().await;
    let again = server.ask(&other, json!({"content": "Go on again."})).await;
    assert_eq!(answer(&again), answer(&all), "a run is not held up");
    let undisturbed = server.events(&session, &message, 0).await;
    assert_eq!(undisturbed, all);
    // A machine that is slow at this is slow without them too.
    let beside = begun.elapsed();
    assert!(beside < PATIENCE / 2 + 6 * alone, "{beside:?}, without them {alone:?}");
    let grown = resident(&server).saturating_sub(before);
    println!("{STALLED} readers that take nothing cost {} KiB each", grown / 1024 / STALLED as u64);
    assert!(grown < 50 << 20, "memory stays bounded: {grown}");

    // Each is cut: what the sockets held still comes, then the end, well before the whole answer.
    let mut stream = readers.pop().unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut taken = Vec::new();
    let ended = async {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(bytes) = stream.read(&mut piece).await {
            if bytes == 0 {
                break;
            }
            taken.extend_from_slice(&piece[..bytes]);
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("a reader that takes nothing is cut");
    let text = String::from_utf8_lossy(&taken).into_owned();
    let last = text.rmatch_indices("\nid: ").find_map(|(at, _)| {
        let line = text[at + 5..].split_once('\n')?.0;
        line.trim().parse::<u64>().ok()
    });
    // The last event may be half there, so the one before it is the last that was read.
    let last = last.unwrap_or(1) - 1;
    assert!((last as usize) < all.len(), "it was cut before the end, at {last}");
    let rest = server.events(&session, &message, last).await;
    assert_eq!(rest, all[usize::try_from(last).unwrap()..], "and comes back for the rest");
}

#[tokio::test]
async fn a_slow_reader_that_makes_progress_is_not_cut() {
    let (server, _script) = server().await;
    let session = server.session().await;
    let all = server.ask(&session, json!({"content": "Go on."})).await;
    let message = all[0].data["message_id"].as_str().unwrap();
    let mut stream =
        stalled(&server, &format!("/api/chat/sessions/{session}/messages/{message}/events")).await;
    let mut taken = Vec::new();
    let begun = Instant::now();
    // Slowly for longer than a reader may stand still, then to the end.
    while begun.elapsed() < Duration::from_secs(5) {
        let mut piece = vec![0; 16 * 1024];
        let bytes = stream.read(&mut piece).await.unwrap();
        taken.extend_from_slice(&piece[..bytes]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sign = b"event: done";
    while !taken.windows(sign.len()).any(|bytes| bytes == sign) {
        let mut piece = vec![0; 1024 * 1024];
        let bytes = tokio::time::timeout(PATIENCE, stream.read(&mut piece)).await.unwrap().unwrap();
        assert!(bytes > 0, "it was cut");
        taken = [&taken[taken.len().saturating_sub(64)..], &piece[..bytes]].concat();
    }
}
