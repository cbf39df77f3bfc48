//! `/v1`: what clients of OpenAI's chat completions expect, worded from the same answers. Nothing is
//! stored: the client has the conversation, and when it leaves, the answer stops.

mod answer;
mod error;
mod models;
mod request;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::dialects::once_it_speaks;
use super::error::Problem;
use super::extract::Json as Body;
use super::links::Site;
use super::sse;
use crate::access::Caller;
use crate::app::App;
use crate::ask;
use crate::session::Mode;
use answer::Writer;

pub(super) use answer::{Chunk, Completion};
pub(super) use error::{Envelope, in_their_words};
pub(super) use models::{ModelCard, ModelList, list, show};
pub(super) use request::Request;

pub(super) async fn complete(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
    Body(request): Body<Request>,
) -> Result<Response, Problem> {
    let is_streamed = request.is_streamed();
    let with_usage = request.wants_usage();
    let (model, conversation) = request.conversation(&app)?;
    let is_deep = conversation.mode == Mode::DeepResearch;
    let frames = ask::once(&app, &caller, conversation).await?;
    // A failure before the first word still has a status; the steps of a research are shown at once.
    let events = match is_deep && is_streamed {
        true => frames.map(|frame| frame.event()).boxed(),
        false => once_it_speaks(frames).await.map_err(|failure| Problem::from(&failure))?,
    };
    let mut writer = Writer::new(model, Site::of(&headers, &uri), with_usage);
    if is_streamed {
        let lines = events.flat_map(move |event| futures::stream::iter(writer.chunks(event)));
        return Ok(sse::plain(lines.map(|line| axum::response::sse::Event::default().data(line))));
    }
    let completion = writer.whole(events.collect().await)?;
    Ok(Json(completion).into_response())
}
