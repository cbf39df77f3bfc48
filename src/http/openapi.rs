//! The description of the HTTP API: OpenAPI 3.1 made from the types that are read and sent and from
//! the table of routes, and the JSON Schema of an answer's events. It describes; it routes nothing.

mod contracts;
mod docs;
mod failure;
mod operation;
mod routes;
mod shape;

use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::event::Event;
use operation::Generators;

pub(super) use docs::{page, style};

const ABOUT: &str = "Answers from your own documents and, for every claim, the exact place. Ids are \
    UUIDs, lists go on after `next_cursor`, errors carry a stable `code` and a `detail` that says what \
    to do. All ranges are byte offsets into a document's stored text.";

static OPENAPI: LazyLock<Value> = LazyLock::new(describe);
static OPENAPI_TEXT: LazyLock<String> = LazyLock::new(|| format!("{:#}", *OPENAPI));
static EVENTS_TEXT: LazyLock<String> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    format!("{:#}", settings.into_generator().into_root_schema_for::<Event>().to_value())
});

type JsonText = ([(HeaderName, &'static str); 1], &'static str);

pub(super) async fn openapi() -> JsonText {
    ([(header::CONTENT_TYPE, "application/json")], &OPENAPI_TEXT)
}

pub(super) async fn events() -> JsonText {
    ([(header::CONTENT_TYPE, "application/schema+json")], &EVENTS_TEXT)
}

fn describe() -> Value {
    let settings =
        || SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generators = Generators {
        read: settings().for_deserialize().into_generator(),
        sent: settings().for_serialize().into_generator(),
    };
    let mut paths = Map::new();
    let mut tags = Vec::new();
    for section in routes::sections() {
        tags.push(json!({ "name": section.name, "description": section.about }));
        for operation in &section.operations {
            let path = paths.entry(operation.path).or_insert_with(|| json!({}));
            path[operation.method] = operation.to_json(&section, &mut generators);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "ibid",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas(generators),
            "parameters": parameters(),
            "headers": {
                "x-request-id": {
                    "description": "Names the request in the server's log; one that is sent along is kept.",
                    "schema": { "type": "string" },
                },
                "RateLimit-Limit": number("How many requests there may be in a window of time."),
                "RateLimit-Remaining": number("How many are left of them."),
                "RateLimit-Reset": number("Seconds until all are there again; where none is left, until the next."),
                "X-Conversation-Id": {
                    "description": "The conversation, from the start of the stream.",
                    "schema": { "type": "string", "format": "uuid" },
                },
                "Retry-After": {
                    "description": "Seconds to wait before trying again.",
                    "schema": { "type": "integer", "minimum": 1 },
                },
            },
        },
    })
}

fn number(what: &str) -> Value {
    json!({ "description": what, "schema": { "type": "integer", "minimum": 0 } })
}

/// What is read and what is sent, each type once.
fn schemas(mut generators: Generators) -> Map<String, Value> {
    let take = |generator: &mut SchemaGenerator| generator.take_definitions(true);
    let mut schemas = take(&mut generators.read);
    schemas.extend(take(&mut generators.sent));
    schemas
}

fn parameters() -> Value {
    json!({
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "A request that comes again under its key is not carried out again: it gets the \
                first one's result.",
            "schema": { "type": "string", "minLength": 1 },
        },
        "Last-Event-ID": {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The `id` of the last event that was read. A browser's EventSource sends it by itself.",
            "schema": { "type": "integer", "minimum": 0 },
        },
    })
}

#[cfg(test)]
mod tests;
