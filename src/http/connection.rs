//! One connection from its first byte to its last: HTTP/1.1 or HTTP/2, plain or under TLS, and never
//! open for nothing. It is closed if it is silent, if its headers never end, if it has rested long
//! enough, or if its reader takes nothing. What is asked on it is the router's matter.

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::ops::DerefMut;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, Version};
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tower::ServiceExt as _;

use super::tls::{self, Tls};
use super::unread::Unread;
use crate::app::App;
use crate::config::ServerConfig;

/// How a connection of HTTP/2 begins, as far as no request of HTTP/1 does.
const PREFACE: &[u8; 14] = b"PRI * HTTP/2.0";
/// Most requests at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 128;
/// How often a connection of HTTP/2 is asked whether it still lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
/// How long a rested connection gets to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// What is needed to answer on a connection.
pub(super) struct Connection {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
    pub(super) peer: SocketAddr,
    pub(super) tls: Option<Tls>,
}

/// Answers what is asked on this connection until it ends or the server stops.
pub(super) async fn answer(connection: Connection, stream: TcpStream) {
    // Without it, small events would wait for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it began");
        return;
    }
    if let Some(tls) = connection.tls.clone() {
        // What it needs is several times what others do.
        return Box::pin(secure(connection, &tls, stream)).await;
    }
    let stopping = connection.app.stopping.clone();
    let limit = seconds(connection.app.config.server.head_timeout_s);
    let is_http2 = tokio::select! {
        is_http2 = timeout(limit, begins_http2(&stream)) => is_http2,
        () = stopping.cancelled() => return,
    };
    match is_http2 {
        Ok(Ok(is_http2)) => converse(connection, stream, is_http2).await,
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended before it began"),
        Err(_) => tracing::debug!("a connection took too long to ask"),
    }
}

/// The same under TLS.
async fn secure(connection: Connection, tls: &Tls, stream: TcpStream) {
    let limit = seconds(connection.app.config.server.head_timeout_s);
    match timeout(limit, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let is_http2 = tls::agreed_on_http2(&stream);
            converse(connection, stream, is_http2).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a connection was not set up"),
        Err(_) => tracing::debug!("a connection was not set up in time"),
    }
}

/// Whether the first bytes of a connection are those of HTTP/2. They stay to be read.
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0; PREFACE.len()];
    // No client sends the preface in pieces as small as would be told wrong here.
    let num_bytes = stream.peek(&mut first).await?;
    Ok(first[..num_bytes] == *PREFACE)
}

async fn converse(
    connection: Connection,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    is_http2: bool,
) {
    let Connection { app, router, peer, .. } = connection;
    let limits = &app.config.server;
    let activity = Arc::new(Activity::new());
    let service = service_fn(|request: Request<Incoming>| {
        let busy = Busy::begin(&activity, request.version());
        let mut request = request.map(|body| Body::new(Unread::new(body)));
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().oneshot(request);
        // In a box: the conversation has room for this all along, also while a long answer is sent.
        Box::pin(async move {
            let response: Response<Body> = answering.await?;
            Ok::<_, Infallible>(response.map(|body| Holding { body, _held: busy }))
        })
    });
    let stream = TokioIo::new(Watched {
        stream,
        activity: Arc::clone(&activity),
        patience: seconds(limits.stalled_reader_s),
        stuck: None,
    });
    if is_http2 {
        let conversation = Box::pin(http2(limits).serve_connection(stream, service));
        conduct(&app, &activity, conversation).await;
    } else {
        let conversation = pin!(http1(limits).serve_connection(stream, service));
        conduct(&app, &activity, conversation).await;
    }
}

/// Sees to it that a conversation ends when the connection is open for nothing, or the server stops.
async fn conduct<C: GracefulConnection>(
    app: &App,
    activity: &Activity,
    mut conversation: Pin<impl DerefMut<Target = C>>,
) where
    C::Error: Display,
{
    let outcome = tokio::select! {
        outcome = conversation.as_mut() => Some(outcome),
        () = app.stopping.cancelled() => None,
        why = activity.overdue(&app.config.server) => match why {
            Overdue::Head => {
                tracing::debug!("a connection took too long to ask");
                return;
            }
            Overdue::Rest => None,
        },
    };
    let outcome = match outcome {
        Some(outcome) => outcome,
        None => {
            conversation.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = conversation => outcome,
                () = activity.rested(GOODBYE) => return,
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection broke off");
    }
}

fn http1(limits: &ServerConfig) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(limits.max_header_bytes);
    http
}

fn http2(limits: &ServerConfig) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    http
}

/// What a connection is doing, as far as it decides how long it may go on.
struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    /// Requests being answered.
    num_busy: usize,
    /// Whether there has been a request, and whether one can follow the other without an order.
    asked: Option<Version>,
    /// Since when there is nothing to do.
    resting_since: Instant,
    /// When the headers of a request began that have not ended.
    head_since: Option<Instant>,
}

/// Why a connection has to end.
enum Overdue {
    /// It should have asked something by now.
    Head,
    /// It has rested long enough.
    Rest,
}

impl Activity {
    fn new() -> Self {
        let now = Instant::now();
        let state = State { num_busy: 0, asked: None, resting_since: now, head_since: Some(now) };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes came in. Between requests of HTTP/1 they are the headers of the next one.
    fn received(&self) {
        let mut state = self.state();
        if state.num_busy == 0 && state.head_since.is_none() && state.asked != Some(Version::HTTP_2) {
            state.head_since = Some(Instant::now());
            self.changed.notify_one();
        }
    }

    /// Bytes went out.
    fn sent(&self) {
        self.state().resting_since = Instant::now();
    }

    /// Resolves once the connection is open for nothing.
    async fn overdue(&self, limits: &ServerConfig) -> Overdue {
        loop {
            let deadline = {
                let state = self.state();
                match state.head_since {
                    _ if state.num_busy > 0 => None,
                    Some(since) => Some((since + seconds(limits.head_timeout_s), Overdue::Head)),
                    None => Some((state.resting_since + seconds(limits.idle_timeout_s), Overdue::Rest)),
                }
            };
            match deadline {
                Some((deadline, why)) if deadline <= Instant::now() => return why,
                Some((deadline, _)) => tokio::select! {
                    () = sleep_until(deadline) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// Resolves once nothing has been asked, answered or sent for this long.
    async fn rested(&self, while_: Duration) {
        loop {
            let deadline = {
                let state = self.state();
                (state.num_busy == 0).then_some(state.resting_since + while_)
            };
            match deadline {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => sleep_until(deadline).await,
                None => self.changed.notified().await,
            }
        }
    }
}

/// A request being answered, to the end of its answer's body.
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: &Arc<Activity>, version: Version) -> Self {
        let mut state = activity.state();
        state.num_busy += 1;
        state.asked = Some(version);
        state.head_since = None;
        drop(state);
        activity.changed.notify_one();
        Self(Arc::clone(activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.num_busy -= 1;
        state.resting_since = Instant::now();
        drop(state);
        self.0.changed.notify_one();
    }
}

/// The body of an answer, which holds something until it is sent or given up.
pub(super) struct Holding<T> {
    pub(super) body: Body,
    pub(super) _held: T,
}

impl<T: Unpin> HttpBody for Holding<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells when bytes come and go, and breaks off if none go for too long.
struct Watched<S> {
    stream: S,
    activity: Arc<Activity>,
    /// How long its reader may take nothing.
    patience: Duration,
    /// Runs while the reader takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Watched<S> {
    /// What came of trying to send, unless it is tried in vain for too long.
    fn progress<T>(&mut self, cx: &mut Context<'_>, tried: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = tried {
            self.stuck = None;
            self.activity.sent();
            return Poll::Ready(done);
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the reader takes nothing")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.activity.received();
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress(cx, tried)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tried = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.progress(cx, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
