//! Which slash commands there are, for completion.

use axum::Json;

use super::page::Page;
use crate::ask::{COMMANDS, Usage};

pub(super) async fn list() -> Json<Page<Usage>> {
    Json(Page::new(COMMANDS.to_vec(), None))
}
