//! HTTP: every route on one screen, and its layers. Nothing here decides anything; a handler reads a
//! request, calls one function, and words the answer. How requests get here is the work of `serve`.

mod backup;
mod collections;
mod commands;
mod connection;
mod dialects;
mod documents;
mod error;
mod export;
mod extract;
mod guard;
mod health;
mod history;
mod keys;
mod links;
mod mcp;
mod messages;
mod metrics;
mod models;
mod observe;
mod openai;
mod openapi;
mod origin;
mod pace;
mod page;
mod permit;
mod search;
mod serve;
mod sessions;
mod signin;
mod sse;
mod tls;
mod unread;
mod uploads;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::{delete, get, post, put};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::web;

pub use serve::serve;
pub use tls::{Tls, TlsError};

/// All routes, with their layers.
pub fn router(app: Arc<App>) -> Router {
    let max_body_bytes = app.config.server.max_body_bytes;
    Router::new()
        // the library
        .route("/api/documents", get(documents::list))
        .route("/api/documents", post(uploads::upload).layer(DefaultBodyLimit::disable()))
        .route("/api/documents/events", get(documents::all_events))
        .route("/api/documents/{id}", get(documents::show).patch(documents::change).delete(documents::remove))
        .route("/api/documents/{id}/reread", post(documents::reread))
        .route("/api/documents/{id}/content", get(documents::content))
        .route("/api/documents/{id}/text", get(documents::text))
        .route("/api/documents/{id}/passages/{n}", get(documents::passage))
        .route("/api/documents/{id}/pages", get(documents::pages))
        .route("/api/documents/{id}/events", get(documents::events))
        .route("/api/documents/{id}/citations", get(history::citations))
        .route("/api/search", get(search::search))
        // the conversation
        .route("/api/chat/sessions", get(sessions::list).post(sessions::create))
        .route(
            "/api/chat/sessions/{id}",
            get(sessions::show).patch(sessions::change).delete(sessions::remove),
        )
        .route("/api/chat/sessions/{id}/export", get(export::export))
        .route("/api/chat/sessions/{id}/messages", post(messages::ask))
        .route("/api/chat/sessions/{id}/messages/{mid}", get(messages::show))
        .route("/api/chat/sessions/{id}/messages/{mid}/events", get(messages::events))
        .route("/api/chat/sessions/{id}/messages/{mid}/cancel", post(messages::cancel))
        .route("/api/chat/sessions/{id}/messages/{mid}/plan", post(messages::plan))
        .route("/api/chat/sessions/{id}/messages/{mid}/regenerate", post(messages::regenerate))
        .route(
            "/api/chat/sessions/{id}/messages/{mid}/reaction",
            put(history::react).delete(history::take_back),
        )
        .route("/api/history", get(history::search))
        // who may
        .route("/api/collections", get(collections::list))
        .route("/api/collections/{name}/sharing", put(collections::share))
        .route("/api/keys", get(keys::list).post(keys::create))
        .route("/api/keys/{id}", delete(keys::revoke))
        .route("/api/login", post(signin::login))
        .route("/api/logout", post(signin::logout))
        .route("/api/me", get(signin::show))
        .route("/api/usage", get(signin::usage))
        // the server
        .route("/api/models", get(models::list))
        .route("/api/commands", get(commands::list))
        .route("/api/backup", get(backup::download))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/api/metrics", get(metrics::show))
        // what all this is
        .route("/openapi.json", get(openapi::openapi))
        .route("/schema/events.json", get(openapi::events))
        .route("/docs", get(openapi::page))
        .route("/docs/style.css", get(openapi::style))
        // other clients' contracts
        .route("/v1/chat/completions", post(openai::complete))
        .route("/v1/responses", post(openai::respond))
        .route("/v1/models", get(openai::list))
        .route("/v1/models/{*model}", get(openai::show))
        .route("/mcp", mcp::route(&app))
        .merge(dialects::routes())
        // the page
        .merge(web::routes())
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), pace::keep))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(CatchPanicLayer::custom(error::panicked))
        .layer(middleware::from_fn(openai::in_their_words))
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(header::REFERRER_POLICY, "no-referrer"))
        .layer(header_layer(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), observe::observe))
        .with_state(app)
}

fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
