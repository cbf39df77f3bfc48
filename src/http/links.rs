//! Addresses of places in documents, as a reader opens them in a browser.

use axum::http::{HeaderMap, Uri, header};
use uuid::Uuid;

use crate::app::App;

/// The address of this server as the one who asks knows it.
#[derive(Clone, Debug)]
pub(super) struct Site(String);

impl Site {
    /// The site a request was made to, over TLS if this server speaks it or a proxy in front says so.
    pub(super) fn of(app: &App, headers: &HeaderMap, uri: &Uri) -> Self {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
        let is_secure = app.config.server.tls_cert.is_some()
            || headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        let scheme = if is_secure { "https" } else { "http" };
        Self(format!("{scheme}://{}", host.unwrap_or("localhost")))
    }

    /// A document's text.
    pub(super) fn document(&self, id: Uuid) -> String {
        format!("{}/d/{id}", self.0)
    }

    /// A stretch of a document's text, in bytes.
    pub(super) fn place(&self, document: Uuid, start: usize, end: usize) -> String {
        format!("{}/d/{document}?start={start}&end={end}", self.0)
    }
}

/// A document's title with the page, where there is one.
pub(super) fn title(title: &str, page: Option<u32>) -> String {
    page.map_or_else(|| title.to_owned(), |page| format!("{title}, p. {page}"))
}
