//! The page: what a browser gets from this server, compiled in. It is a client of the HTTP API like
//! any other; nothing here reads a store, and no byte of a document passes through it.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::app::App;

/// Scripts, styles and requests of this server only; nothing inline, nothing from elsewhere.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// A file of the page.
struct Asset {
    name: &'static str,
    bytes: &'static [u8],
    etag: HeaderValue,
}

macro_rules! assets {
    ($($name:literal),+ $(,)?) => {
        [$(Asset::new($name, include_bytes!(concat!("web/assets/", $name)))),+]
    };
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    assets![
        "index.html",
        "app.css",
        "answer.js",
        "api.js",
        "app.js",
        "bytes.js",
        "chat.js",
        "commands.js",
        "composer.js",
        "dom.js",
        "library.js",
        "markdown.js",
        "research.js",
        "review.js",
        "scope.js",
        "sessions.js",
        "signin.js",
        "source.js",
        "upload.js",
    ]
    .into()
});

/// The page at every address that it gives to its views, and its files.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(page))
        .route("/library", get(page))
        .route("/s/{session}", get(page))
        .route("/s/{session}/citations", get(page))
        .route("/d/{document}", get(page))
        .route("/d/{document}/citations", get(page))
        .route("/assets/{name}", get(asset))
}

async fn page(headers: HeaderMap) -> Response {
    // It names its style and first module and no more: the modules named ahead came a little sooner,
    // but kept the browser from painting.
    send("index.html", &headers)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    send(&name, &headers)
}

fn send(name: &str, request: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::ETAG, asset.etag.clone());
    // A new server means a new page, so a browser asks each time; mostly the answer is `304`.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if is_known(asset, request) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, asset.media_type());
    (headers, asset.bytes).into_response()
}

/// Whether the browser has these very bytes.
fn is_known(asset: &Asset, request: &HeaderMap) -> bool {
    request.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok()).any(|tags| {
        tags.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == asset.etag.as_bytes()
        })
    })
}

impl Asset {
    fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        let digest: String = Sha256::digest(bytes)[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let etag = HeaderValue::from_str(&format!("\"{digest}\""));
        Self { name, bytes, etag: etag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")) }
    }

    fn media_type(&self) -> HeaderValue {
        HeaderValue::from_static(match self.name.rsplit_once('.') {
            Some((_, "html")) => "text/html; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/javascript; charset=utf-8",
        })
    }
}
