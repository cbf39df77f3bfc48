//! Readers of streamed answers: many at a time, each seeing to it that every word comes, once and in
//! order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use reqwest::{Client, Response};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::model::{Manner, now_ns};
use crate::support::{self, Server};
use crate::{chat, question};

/// Requests made at once to get ready.
const AT_ONCE: usize = 32;

/// Where and how to ask.
#[derive(Clone)]
pub(crate) struct Ask {
    client: Client,
    url: String,
    /// Whether each question has a session of its own.
    is_stored: bool,
    pub(crate) pid: Option<u32>,
}

/// What came of reading answers.
#[derive(Default)]
pub(crate) struct Read {
    /// From the question to the first word.
    pub(crate) first: Vec<Duration>,
    /// From the model to the reader, a word each.
    pub(crate) on_the_way: Vec<Duration>,
    pub(crate) words: usize,
    pub(crate) took: Duration,
}

impl Ask {
    pub(crate) fn chat(url: String, pid: Option<u32>) -> Self {
        Self { client: support::client(), url, is_stored: false, pid }
    }

    pub(crate) fn stored(server: &Server) -> Self {
        let url = format!("{}/api/chat/sessions", server.url);
        Self { client: support::client(), url, is_stored: true, pid: Some(server.pid()) }
    }

    /// The addresses to ask at, one a question.
    pub(crate) async fn prepare(&self, server: &Server, total: usize) -> Vec<String> {
        if !self.is_stored {
            return vec![self.url.clone(); total];
        }
        let mut places = Vec::with_capacity(total);
        while places.len() < total {
            let sessions = join_all((0..AT_ONCE.min(total - places.len())).map(|_| server.session())).await;
            places.extend(sessions.into_iter().map(|session| format!("{}/{session}/messages", self.url)));
        }
        places
    }

    async fn send(&self, place: &str, number: usize) -> Response {
        let body = if self.is_stored { json!({"content": question(number)}) } else { chat(number) };
        self.client.post(place).json(&body).send().await.unwrap().error_for_status().unwrap()
    }
}

/// Reads all answers, so many at a time, which begin spread over the length of one.
pub(crate) async fn read(ask: &Ask, places: Vec<String>, at_once: usize, manner: Manner) -> Read {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let begun = Instant::now();
    let (places, next) = (Arc::new(places), Arc::new(AtomicUsize::new(0)));
    let length = manner.pause * u32::try_from(manner.words).unwrap();
    let mut readers = JoinSet::new();
    for reader in 0..at_once {
        let (ask, places, next) = (ask.clone(), Arc::clone(&places), Arc::clone(&next));
        readers.spawn(async move {
            sleep(length.mul_f64(reader as f64 / at_once as f64)).await;
            let mut all = Read::default();
            while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                let mut response = ask.send(place, NUMBER.fetch_add(1, Ordering::Relaxed)).await;
                let mut words = Words::default();
                while let Some(piece) = response.chunk().await.unwrap() {
                    let before = words.num;
                    words.take(&piece, &mut all.on_the_way);
                    if before == 0 && words.num > 0 {
                        all.first.push(asked.elapsed());
                    }
                }
                assert_eq!(words.num, manner.words, "an answer is not whole");
                all.words += words.num;
            }
            all
        });
    }
    let mut all = Read::default();
    while let Some(read) = readers.join_next().await {
        let read = read.unwrap();
        all.first.extend(read.first);
        all.on_the_way.extend(read.on_the_way);
        all.words += read.words;
    }
    all.took = begun.elapsed();
    all
}

/// Finds the model's words, `w12:` and a moment, in whatever they are wrapped in.
#[derive(Default)]
struct Words {
    rest: Vec<u8>,
    num: usize,
}

impl Words {
    fn take(&mut self, piece: &[u8], on_the_way: &mut Vec<Duration>) {
        let now = now_ns();
        self.rest.extend_from_slice(piece);
        let mut from = 0;
        while let Some(at) = self.rest[from..].iter().position(|byte| *byte == b'w').map(|at| from + at) {
            let Some((number, end)) = digits(&self.rest, at + 1) else {
                if at + 1 == self.rest.len() {
                    // Its number is in the next piece.
                    break;
                }
                from = at + 1;
                continue;
            };
            let sent = (self.rest.get(end) == Some(&b':')).then(|| digits(&self.rest, end + 1)).flatten();
            match sent {
                Some((sent, end)) if end < self.rest.len() => {
                    assert_eq!(number, self.num as u64, "a word is lost, doubled or misplaced");
                    self.num += 1;
                    on_the_way.push(Duration::from_nanos(now.saturating_sub(sent)));
                    from = end;
                }
                // It may go on in the next piece.
                _ if self.rest.len() - at < 40 => break,
                _ => from = at + 1,
            }
        }
        let keep = self.rest.len().min(40).min(self.rest.len() - from);
        self.rest.drain(..self.rest.len() - keep);
    }
}

/// A number that begins here, and where it ends.
fn digits(bytes: &[u8], from: usize) -> Option<(u64, usize)> {
    let end = from + bytes.get(from..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&bytes[from..end]).ok()?.parse().ok()?;
    Some((number, end))
}

/// Answers that are being read and do not end.
pub(crate) struct Held {
    readers: JoinSet<()>,
    /// Where an answer that would go on without its reader is stopped.
    stops: Vec<String>,
}

/// Asks at every place and reads on.
pub(crate) async fn hold(ask: &Ask, places: Vec<String>) -> Held {
    let mut held = Held { readers: JoinSet::new(), stops: Vec::new() };
    for (number, place) in places.iter().enumerate() {
        let mut response = ask.send(place, number).await;
        if ask.is_stored {
            let answer = message_id(&mut response).await;
            held.stops.push(format!("{place}/{answer}/cancel"));
        }
        held.readers.spawn(async move { while let Ok(Some(_)) = response.chunk().await {} });
    }
    held
}

/// The answer's name, which its first event says.
async fn message_id(response: &mut Response) -> String {
    let mut text = String::new();
    loop {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
        let named = text.split_once("\"message_id\":\"").and_then(|(_, rest)| rest.split_once('"'));
        if let Some((answer, _)) = named {
            return answer.to_owned();
        }
    }
}

impl Held {
    /// Leaves all of them at once. An answer that is stored goes on without readers, so it is stopped, so
    /// many at a time.
    pub(crate) async fn leave(mut self, at_once: usize) {
        let client = support::client();
        let stops = self.stops.iter().map(async |stop| {
            client.post(stop).send().await.unwrap().error_for_status().unwrap();
        });
        stream::iter(stops).buffer_unordered(at_once).collect::<()>().await;
        self.readers.abort_all();
        while self.readers.join_next().await.is_some() {}
    }
}
