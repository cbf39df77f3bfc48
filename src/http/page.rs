//! Lists: `{"items": […], "next_cursor": …}`. A cursor is the last key of a page, opaque outside.

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Problem;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    /// The things.
    items: Vec<T>,
    /// Where to go on; `null` at the end.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page that ends at the key `last`, if more follows.
    pub(crate) fn new(items: Vec<T>, last: Option<String>) -> Self {
        let next_cursor = last.map(|key| key.bytes().map(|byte| format!("{byte:02x}")).collect());
        Self { items, next_cursor }
    }
}

/// What a request for a page says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct PageQuery {
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many, at most 500; 50 if absent.
    pub(crate) limit: Option<usize>,
}

impl PageQuery {
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// The key to go on after. It must lie among the keys of the list.
    pub(crate) fn after(&self, prefix: &str) -> Result<Option<String>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let key = decode(cursor).filter(|key| key.starts_with(prefix));
        key.map(Some).ok_or_else(|| {
            let detail = "`cursor` is not one this list gave; leave it out to begin at the start";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
        })
    }
}

fn decode(cursor: &str) -> Option<String> {
    let digits = cursor.as_bytes();
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(pairs.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_key_and_nowhere_else() {
        let page = Page::new(vec![1], Some("document/7".to_owned()));
        let query = PageQuery { cursor: page.next_cursor, limit: None };
        assert_eq!(query.after("document/").unwrap().as_deref(), Some("document/7"));
        assert!(query.after("session/").is_err());
        assert!(PageQuery { cursor: Some("zz".to_owned()), limit: None }.after("document/").is_err());
    }
}
