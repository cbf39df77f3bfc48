//! How failures are described: under which statuses, which codes, in whose words. The codes and what
//! they mean come from the one table; this says nothing of its own.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::operation::{SchemaOf, schema};
use crate::http::error::{CODES, Problem};
use crate::http::permit::{Need, need};

/// What any route may answer.
const EVERYWHERE: &[&str] = &["foreign_origin", "internal"];
/// What a route may answer besides that asks for a credential.
const WITH_A_CREDENTIAL: &[&str] =
    &["foreign_origin", "internal", "unauthorized", "forbidden", "rate_limited"];
/// What whoever reads a body for the handlers may answer.
pub(super) const WHILE_A_BODY_COMES: &[&str] = &["too_slow"];
/// A request that failed with one of these statuses says when to come back.
const WITH_RETRY_AFTER: [u16; 3] = [429, 503, 507];

/// The status and the name that a contract has for a code.
type Worded = fn(&str, StatusCode) -> (StatusCode, String);

/// How a contract words failures.
#[derive(Clone, Copy)]
pub(super) struct Wording {
    schema: SchemaOf,
    media_type: &'static str,
    worded: Worded,
    /// Whether what stands before the handlers speaks in these words as well.
    is_at_the_door: bool,
}

impl Wording {
    /// Problem JSON, as everywhere but in a few other clients' contracts.
    pub(super) fn problems() -> Self {
        let worded = |code: &str, status| (status, code.to_owned());
        Self {
            schema: schema::<Problem>(),
            media_type: "application/problem+json",
            worded,
            is_at_the_door: true,
        }
    }

    /// Problem JSON with statuses of its own.
    pub(super) fn problems_as(worded: Worded) -> Self {
        Self { worded, is_at_the_door: false, ..Self::problems() }
    }

    /// JSON of a handler's own shape.
    pub(super) fn of_handlers(schema: SchemaOf, worded: Worded) -> Self {
        Self { schema, media_type: "application/json", worded, is_at_the_door: false }
    }

    /// JSON of a shape that every layer's failures are put into.
    pub(super) fn of_all(schema: SchemaOf, worded: Worded) -> Self {
        Self { is_at_the_door: true, ..Self::of_handlers(schema, worded) }
    }

    /// The words of what stands before the handlers.
    pub(super) fn at_the_door(self) -> Self {
        if self.is_at_the_door { self } else { Self::problems() }
    }

    /// Adds these codes to the responses, each under its status, in the order of the table.
    pub(super) fn add(
        self,
        responses: &mut BTreeMap<u16, Value>,
        codes: &[&str],
        generator: &mut SchemaGenerator,
    ) {
        for code in CODES.iter().filter(|code| codes.contains(&code.name)) {
            let (status, name) = (self.worded)(code.name, code.status);
            let response = responses
                .entry(status.as_u16())
                .or_insert_with(|| json!({ "description": "", "headers": headers(status.as_u16(), true) }));
            let before = response["description"].as_str().unwrap_or_default();
            let meaning = format!("`{name}`: {}", code.meaning);
            if !before.contains(&meaning) {
                response["description"] = format!("{before} {meaning}").trim_start().into();
            }
            response["content"][self.media_type] = json!({ "schema": (self.schema)(generator) });
        }
    }
}

/// The codes that a route may answer before its handler is asked.
pub(super) fn before_a_handler(method: &str, path: &str) -> &'static [&'static str] {
    if is_counted(method, path) { WITH_A_CREDENTIAL } else { EVERYWHERE }
}

/// Whether requests to a route count as its caller's.
pub(super) fn is_counted(method: &str, path: &str) -> bool {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap_or_default();
    need(&method, Some(path)) != Need::Nothing
}

pub(super) fn headers(status: u16, is_failure: bool) -> Value {
    let mut headers = json!({ "x-request-id": { "$ref": "#/components/headers/x-request-id" } });
    if is_failure && WITH_RETRY_AFTER.contains(&status) {
        headers["Retry-After"] = json!({ "$ref": "#/components/headers/Retry-After" });
    }
    headers
}
