//! Those who are slow, silent or many lose their connection; those who are only thorough keep it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, Version};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::support::{PATIENCE, Server, eventually};

/// Waits that a test can wait for.
const SHORT: &str =
    "[server]\nhead_timeout_s = 1\nbody_window_s = 1\nmin_body_rate = 1000\nstalled_reader_s = 1\n";
/// Longer than every one of them.
const LONGER: Duration = Duration::from_millis(1600);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Everything that still comes before the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut all)).await.expect("the server closes");
    String::from_utf8_lossy(&all).into_owned()
}

/// Writes until the server has enough; false if it never has.
async fn trickle(stream: &mut TcpStream, piece: &[u8], pause: Duration) -> bool {
    let begun = Instant::now();
    let mut byte = [0];
    while begun.elapsed() < PATIENCE {
        if stream.write_all(piece).await.is_err() {
            return true;
        }
        if let Ok(read) = timeout(pause, stream.read(&mut byte)).await {
            assert!(!matches!(read, Ok(1..)), "an answer to half a request");
            return true;
        }
    }
    false
}

/// One answer with its body.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
        all.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&all).into_owned();
        if read == 0 || text.ends_with("\r\n\r\nok") {
            return text;
        }
    }
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn who_says_nothing_is_hung_up_on() {
    let server = Server::with_config(SHORT).await;
    assert_eq!(rest(&mut connect(&server).await).await, "");
    let mut half_a_preface = connect(&server).await;
    half_a_preface.write_all(b"PRI * HT").await.unwrap();
    assert_eq!(rest(&mut half_a_preface).await, "");
    let mut only_a_preface = connect(&server).await;
    only_a_preface.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    rest(&mut only_a_preface).await;
}

#[tokio::test]
async fn a_request_that_begins_like_http_2_or_comes_byte_by_byte_is_answered() {
    let server = Server::with_config(SHORT).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"PRI /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 405"));
    let mut stream = connect(&server).await;
    stream.set_nodelay(true).unwrap();
    for byte in HEALTH {
        stream.write_all(&[*byte]).await.unwrap();
        sleep(Duration::from_millis(2)).await;
    }
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn headers_that_never_end_are_cut_off_on_a_new_connection_and_on_a_used_one() {
    let server = Server::with_config(SHORT).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    assert!(trickle(&mut stream, b"x: y\r\n", Duration::from_millis(50)).await, "it went on for ever");

    let mut stream = connect(&server).await;
    stream.write_all(HEALTH).await.unwrap();
    assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
    assert!(trickle(&mut stream, b"x: y\r\n", Duration::from_millis(50)).await, "it went on for ever");
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_but_not_for_ever() {
    let patient = Server::with_config(&format!("{SHORT}idle_timeout_s = 60\n")).await;
    let mut stream = connect(&patient).await;
    for _ in 0..2 {
        stream.write_all(HEALTH).await.unwrap();
        assert!(read_answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        // Longer than headers may take: resting is no slow request.
        sleep(LONGER).await;
    }
    let impatient = Server::with_config(&format!("{SHORT}idle_timeout_s = 1\n")).await;
    let mut stream = connect(&impatient).await;
    stream.write_all(HEALTH).await.unwrap();
    assert!(rest(&mut stream).await.ends_with("ok"));
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_refused_as_too_slow() {
    let server = Server::with_config(SHORT).await;
    for route in ["/api/chat/sessions", "/api/documents"] {
        let mut stream = connect(&server).await;
        let kind =
            if route.ends_with("documents") { "multipart/form-data; boundary=b" } else { "application/json" };
        let head = format!(
            "POST {route} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: 90000\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let begun = Instant::now();
        let mut buffer = [0; 4096];
        while begun.elapsed() < PATIENCE {
            // The server may hang up between its answer and this byte.
            let _ = stream.write_all(b" ").await;
            match timeout(Duration::from_millis(50), stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(read)) => answer.extend_from_slice(&buffer[..read]),
                Err(_) => {}
            }
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{route}: {answer}");
        let problem: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert_eq!(problem["code"], "too_slow", "{problem}");
    }
}

#[tokio::test]
async fn a_long_upload_that_moves_is_taken() {
    let server = Server::with_config(SHORT).await;
    let mut stream = connect(&server).await;
    let begin = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
    let (line, number, end) = ("Bees make honey in the hollow tree.\n".repeat(10), 30, "\r\n--b--\r\n");
    let length = begin.len() + line.len() * number + end.len();
    let head = format!(
        "POST /api/documents HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{begin}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..number {
        stream.write_all(line.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    stream.write_all(end.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

#[tokio::test]
async fn a_reader_who_takes_nothing_loses_the_connection() {
    let server = Server::with_config(SHORT).await;
    let document = server.upload("long.txt", "All work and no play. ".repeat(1 << 20), None).await;
    let mut stream = connect(&server).await;
    let id = document["id"].as_str().unwrap();
    let ask = format!("GET /api/documents/{id}/content HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    eventually("only the one who asks for numbers is connected", async || {
        let numbers = server.send(Method::GET, "/metrics", None).await.text().await.unwrap();
        numbers.contains("\nibid_connections 1\n").then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_address_may_have_only_so_many_connections_and_gets_its_places_back() {
    let server = Server::with_config("[server]\nmax_connections_per_address = 3\n").await;
    let held = [connect(&server).await, connect(&server).await, connect(&server).await];
    let refused = eventually("the places are taken", async || {
        let mut one_more = connect(&server).await;
        one_more.write_all(HEALTH).await.unwrap();
        let answer = read_answer(&mut one_more).await;
        (!answer.starts_with("HTTP/1.1 200")).then_some(answer)
    })
    .await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 5"), "{refused}");
    assert!(refused.contains("too_many_connections"), "{refused}");
    drop(held);
    eventually("the places are free again", async || {
        let mut stream = connect(&server).await;
        stream.write_all(HEALTH).await.ok()?;
        read_answer(&mut stream).await.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn all_together_may_have_only_so_many_connections() {
    let server = Server::with_config("[server]\nmax_connections = 2\n").await;
    let _held = [connect(&server).await, connect(&server).await];
    eventually("the places are taken", async || {
        let mut one_more = connect(&server).await;
        one_more.write_all(HEALTH).await.unwrap();
        read_answer(&mut one_more).await.starts_with("HTTP/1.1 503").then_some(())
    })
    .await;
}

#[tokio::test]
async fn others_are_served_while_hundreds_never_end_their_headers() {
    let server = Server::with_config("").await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = connect(&server).await;
        stream.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        slow.push(stream);
    }
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.send(Method::GET, "/healthz", None).await.status(), StatusCode::OK);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_those_who_say_nothing() {
    let mut server = Server::with_config("[server]\nhead_timeout_s = 600\nidle_timeout_s = 600\n").await;
    let _silent = connect(&server).await;
    let mut rested = connect(&server).await;
    rested.write_all(HEALTH).await.unwrap();
    read_answer(&mut rested).await;
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(server.exit().await.success());
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it_and_slow_bodies_are_cut_there_too() {
    let server = Server::with_config(SHORT).await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let answer = client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));

    let drops = futures::stream::unfold((), |()| async {
        sleep(Duration::from_millis(50)).await;
        Some((Ok::<_, std::io::Error>(bytes::Bytes::from_static(b" ")), ()))
    });
    let slow = client.post(format!("{}/api/chat/sessions", server.url));
    let slow = slow.header("content-type", "application/json").body(reqwest::Body::wrap_stream(drops));
    let answer = timeout(PATIENCE, slow.send()).await.expect("it is cut").unwrap();
    assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    let body = json!({});
    let created = client.post(format!("{}/api/chat/sessions", server.url)).json(&body).send().await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED, "the connection goes on");
}
