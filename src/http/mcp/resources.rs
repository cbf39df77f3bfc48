//! Documents as resources: listed with their names, read as their stored text.

use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use uuid::Uuid;

use super::{Asker, tools};
use crate::Error;
use crate::app::App;
use crate::document::Status;
use crate::documents::{self, Filter};

const SCHEME: &str = "ibid://documents/";
const TEXT: &str = "text/plain";

pub(super) async fn list(
    app: &App,
    asker: &Asker,
    cursor: Option<String>,
) -> Result<ListResourcesResult, Error> {
    // One that is still being read, or never was, has no text to give.
    let filter = Filter { status: Some(Status::Ready), ..Filter::default() };
    let (documents, next_cursor) = tools::page(app, asker, &filter, cursor).await?;
    let resources = documents.into_iter().map(|document| {
        Resource::new(format!("{SCHEME}{}", document.id), document.name)
            .with_title(document.title)
            .with_mime_type(TEXT)
    });
    let mut listed = ListResourcesResult::with_all_items(resources.collect());
    listed.next_cursor = next_cursor;
    Ok(listed)
}

pub(super) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{SCHEME}{{id}}"), "document")
            .with_title("A document's text")
            .with_mime_type(TEXT),
        ResourceTemplate::new(format!("{SCHEME}{{id}}/passages/{{n}}"), "passage")
            .with_title("A passage of a document")
            .with_mime_type(TEXT),
    ]
}

pub(super) async fn read(app: &App, asker: &Asker, uri: &str) -> Result<ReadResourceResult, Error> {
    let missing = || Error::NotFound { what: "resource", id: uri.to_owned() };
    let place = uri.strip_prefix(SCHEME).ok_or_else(missing)?;
    let (id, ordinal) = match place.split_once("/passages/") {
        Some((id, ordinal)) => (id, Some(ordinal.parse::<usize>().map_err(|_| missing())?)),
        None => (place, None),
    };
    let id: Uuid = id.parse().map_err(|_| missing())?;
    let text = match ordinal {
        None => tools::text_of(app, asker, id).await?.1,
        Some(ordinal) => {
            let document = documents::get(app, &asker.caller, id).await?.value;
            let layout = documents::layout(app, &document).await?;
            let passage = layout.passages.get(ordinal).ok_or_else(missing)?;
            app.files.read_text(id, passage.range()).await?
        }
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(TEXT)]))
}
