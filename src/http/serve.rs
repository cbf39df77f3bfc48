//! The loop that takes connections: how many at once, from whom, and until when. What happens on
//! one of them is the work of `connection`.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::{self, Connection};
use super::tls::Tls;
use crate::app::App;

/// How long connections get to end after the last answer has.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);
/// What the system keeps for a connection beyond what its other end has room for, in bytes. The
/// system's own choice is megabytes, of which a third has to be taken before that counts as progress.
const SEND_BYTES: usize = 128 << 10;
/// Connections of one address, if nothing else is set.
const MAX_PER_ADDRESS: usize = 256;
/// Open files that are no connections: the store, the index, answers being written.
const OTHER_FILES: u64 = 1024;
/// However few files may be open, so many connections are taken.
const MIN_CONNECTIONS: usize = 64;
/// How long to wait when the system gives no more connections.
const EXHAUSTED: Duration = Duration::from_millis(200);
/// How many connections over the cap are told so at once; others are just closed.
const MAX_TURNED_AWAY: usize = 64;
/// How long a connection over the cap has to hear it.
const FAREWELL: Duration = Duration::from_secs(1);
/// What a connection over the cap is told.
const FULL: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\nretry-after: 5\r\ncontent-length: 159\r\nconnection: close\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\
    \"detail\":\"too many connections are open; try again in a moment\",\"code\":\"too_many_connections\"}";

/// Answers on this listener until `shutdown` resolves; then no new connection is taken, answers
/// being made get their time, and what they have is kept.
///
/// # Errors
/// If the address can't be announced.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.announce(&format!("{scheme}://{}", listener.local_addr()?))?;
    // Connections inherit it; where it can't be set, a slow reader may be taken to stand still.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&listener, SEND_BYTES);
    let stopping = app.stopping.clone();
    let begin = async {
        shutdown.await;
        stopping.cancel();
        std::future::pending::<()>().await;
    };
    let closing = async {
        stopping.cancelled().await;
        app.close().await;
        sleep(LAST_CONNECTIONS).await;
    };
    // Dropped at the end, it closes the connections that are still open.
    let mut open = JoinSet::new();
    let answering = async {
        take(&app, listener, tls, &mut open).await;
        while open.join_next().await.is_some() {}
    };
    tokio::select! {
        () = begin => {}
        () = closing => {}
        () = answering => app.close().await,
    }
    Ok(())
}

/// Takes connections until the server stops.
async fn take(app: &Arc<App>, listener: TcpListener, tls: Option<Tls>, open: &mut JoinSet<()>) {
    let places = Arc::new(Places::new(app));
    let router = super::router(Arc::clone(app));
    let mut turned_away = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = app.stopping.cancelled() => return,
            Some(_) = open.join_next() => continue,
            Some(_) = turned_away.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection can be taken for a moment");
                sleep(EXHAUSTED).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            app.metrics.connections_refused.inc();
            if tls.is_none() && turned_away.len() < MAX_TURNED_AWAY {
                turned_away.spawn(turn_away(stream));
            }
            continue;
        };
        let connection = Connection { app: Arc::clone(app), router: router.clone(), peer, tls: tls.clone() };
        open.spawn(async move {
            connection::answer(connection, stream).await;
            drop(place);
        });
    }
}

/// Whether only the connection that was to be taken is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn turn_away(mut stream: TcpStream) {
    let farewell = async {
        stream.write_all(FULL.as_bytes()).await?;
        stream.shutdown().await?;
        // What was sent is read, or the system would take the answer back.
        let mut sink = [0; 1024];
        while stream.read(&mut sink).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // Whoever does not listen misses it.
    let _ = timeout(FAREWELL, farewell).await;
}

/// Who has how many connections open.
struct Places {
    app: Arc<App>,
    max: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One open connection; its place is free again when this is dropped.
struct Place {
    places: Arc<Places>,
    of: IpAddr,
}

impl Places {
    fn new(app: &Arc<App>) -> Self {
        let max = app.config.server.max_connections.unwrap_or_else(as_files_allow);
        Self { app: Arc::clone(app), max, taken: Mutex::default() }
    }

    /// A place, unless all are taken, or all that this address may have.
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let of = network(address);
        let unset = if of.is_loopback() { usize::MAX } else { MAX_PER_ADDRESS };
        let max_of_address = self.app.config.server.max_connections_per_address.unwrap_or(unset);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = taken.values().sum();
        let of_address = taken.get(&of).copied().unwrap_or(0);
        if total >= self.max || of_address >= max_of_address {
            return None;
        }
        taken.insert(of, of_address + 1);
        self.app.metrics.connections.inc();
        Some(Place { places: Arc::clone(self), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = taken.get_mut(&self.of) {
            *number -= 1;
            if *number == 0 {
                taken.remove(&self.of);
            }
        }
        self.places.app.metrics.connections.dec();
    }
}

/// As many as the limit on open files lets through, each with a call to a model.
fn as_files_allow() -> usize {
    use rustix::process::{Resource, getrlimit};
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files.saturating_sub(OTHER_FILES) / 2).unwrap_or(usize::MAX).max(MIN_CONNECTIONS)
}

/// What counts as one address: of IPv6 the network, since one machine has all of its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_count_as_one() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn the_farewell_is_whole() {
        let (head, body) = FULL.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}
