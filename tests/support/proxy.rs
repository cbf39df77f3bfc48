//! A line between a reader and a server that can be cut at any moment, and that stays at its address
//! while servers come and go behind it. Asked for `/reader`, it serves a page of the test's own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;

use super::eventually;

/// What a page asks for to hand in what it read.
const RESULT: &str = "POST /result ";
const PAGE: &str = "GET /reader ";

pub(crate) struct Proxy {
    pub(crate) url: String,
    line: Arc<Line>,
}

struct Line {
    /// Where the server listens now.
    server: Mutex<String>,
    page: String,
    result: Mutex<Option<String>>,
    cuts: broadcast::Sender<()>,
    /// Events that went through to readers.
    num_events: AtomicUsize,
    /// Of these, how many were text.
    num_texts: AtomicUsize,
    /// Connections that carried events.
    num_streams: AtomicUsize,
}

impl Proxy {
    pub(crate) async fn start(server: &str, page: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let line = Arc::new(Line {
            server: Mutex::new(server.to_owned()),
            page,
            result: Mutex::default(),
            cuts: broadcast::Sender::new(16),
            num_events: AtomicUsize::new(0),
            num_texts: AtomicUsize::new(0),
            num_streams: AtomicUsize::new(0),
        });
        let taking = Arc::clone(&line);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let line = Arc::clone(&taking);
                let mut cut = line.cuts.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.recv() => {}
                        _ = line.carry(stream) => {}
                    }
                });
            }
        });
        Self { url, line }
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        // Nobody connected is fine.
        let _ = self.line.cuts.send(());
    }

    /// From now on the server is there.
    pub(crate) fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.line.server.lock().unwrap());
    }

    pub(crate) fn num_events(&self) -> usize {
        self.line.num_events.load(Ordering::Relaxed)
    }

    pub(crate) fn num_texts(&self) -> usize {
        self.line.num_texts.load(Ordering::Relaxed)
    }

    pub(crate) fn num_streams(&self) -> usize {
        self.line.num_streams.load(Ordering::Relaxed)
    }

    /// What the page handed in, once it did.
    pub(crate) async fn result(&self) -> String {
        eventually("the page hands in what it read", async || self.line.result.lock().unwrap().take()).await
    }
}

impl Line {
    async fn carry(&self, mut reader: TcpStream) -> std::io::Result<()> {
        let mut request = vec![0; 64 * 1024];
        let bytes = reader.read(&mut request).await?;
        let request = &request[..bytes];
        if request.starts_with(PAGE.as_bytes()) {
            return respond(&mut reader, "text/html; charset=utf-8", &self.page).await;
        }
        if request.starts_with(RESULT.as_bytes()) {
            let body = whole_body(&mut reader, request.to_vec()).await?;
            *self.result.lock().unwrap() = Some(body);
            return respond(&mut reader, "text/plain", "thank you").await;
        }
        let address = self.server.lock().unwrap().strip_prefix("http://").unwrap().to_owned();
        let mut server = TcpStream::connect(address).await?;
        server.write_all(request).await?;
        let (mut from_reader, mut to_reader) = reader.split();
        let (mut from_server, mut to_server) = server.split();
        let there = tokio::io::copy(&mut from_reader, &mut to_server);
        let back = async {
            let mut piece = vec![0; 16 * 1024];
            let mut is_stream = false;
            loop {
                let bytes = from_server.read(&mut piece).await?;
                if bytes == 0 {
                    return Ok::<_, std::io::Error>(());
                }
                to_reader.write_all(&piece[..bytes]).await?;
                let text = String::from_utf8_lossy(&piece[..bytes]);
                let num = text.matches("\nevent: ").count();
                self.num_texts.fetch_add(text.matches("\nevent: token").count(), Ordering::Relaxed);
                if num > 0 && !is_stream {
                    is_stream = true;
                    self.num_streams.fetch_add(1, Ordering::Relaxed);
                }
                self.num_events.fetch_add(num, Ordering::Relaxed);
            }
        };
        tokio::select! { _ = there => {}, _ = back => {} }
        Ok(())
    }
}

async fn respond(reader: &mut TcpStream, media_type: &str, body: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    reader.write_all(format!("{head}{body}").as_bytes()).await
}

async fn whole_body(reader: &mut TcpStream, mut request: Vec<u8>) -> std::io::Result<String> {
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).map(str::to_owned)
            });
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return Ok(body.to_owned());
            }
        }
        let mut piece = vec![0; 16 * 1024];
        let bytes = reader.read(&mut piece).await?;
        if bytes == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&piece[..bytes]);
    }
}
