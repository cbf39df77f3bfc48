//! What is told of every request: an id, a span that all its work stands in, a line in the log, and
//! numbers. The route is told as its pattern; what stands in a path, a query or a body never is.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use super::connection::Holding;
use crate::access::User;
use crate::app::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from whoever asks.
const MAX_ID_BYTES: usize = 64;
/// What stands for the path of a request that no route fits.
const NO_ROUTE: &str = "none";

/// Wraps all that is done for a request.
pub(super) async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or(NO_ROUTE);
    let route = route.to_owned();
    let span = tracing::info_span!(
        "request",
        request_id = id.to_str().unwrap_or_default(),
        method,
        route,
        user = Empty
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id);
    let response = streamed(response, &app);
    let status = response.status().as_u16();
    let spent = begun.elapsed();
    app.metrics.answered(method, &route, status, spent);
    let duration_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(target: "ibid::access", status, duration_ms, "answered"));
    response
}

/// An answer that counts as a stream, as long as it is one, and that nothing on its way holds back.
fn streamed(mut response: Response, app: &Arc<App>) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let streaming = Streaming::begin(app);
    response.map(|body| Body::new(Holding { body, _held: streaming }))
}

/// A stream that is being read, until this is dropped.
struct Streaming(Arc<App>);

impl Streaming {
    fn begin(app: &Arc<App>) -> Self {
        app.metrics.streams.inc();
        Self(Arc::clone(app))
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.metrics.streams.dec();
    }
}

/// Says in the log whose request this is.
pub(super) fn is_of(user: &User) {
    Span::current().record("user", user.as_str());
}

/// The id that whoever asks gave, if it is one, or a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let given = headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=MAX_ID_BYTES).contains(&id.len()) && id.iter().all(is_plain)
    });
    let new = || {
        let id = Uuid::now_v7().to_string();
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
    };
    given.cloned().unwrap_or_else(new)
}

/// A method by its name; those that nobody needs share one, so that nobody can make up numbers.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_outside_is_taken_over_only_if_it_is_plain_and_short() {
        let taken = |id: &'static str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(id))]);
            request_id(&headers) == HeaderValue::from_static(id)
        };
        assert!(taken("0191-abc_DEF.7"));
        assert!(!taken("two words"));
        assert!(!taken(""));
        assert!(!taken("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
        assert_eq!(request_id(&HeaderMap::new()).len(), 36);
    }

    #[test]
    fn made_up_methods_are_one() {
        assert_eq!(method(&Method::from_bytes(b"BREW").unwrap()), "other");
        assert_eq!(method(&Method::DELETE), "DELETE");
    }
}
