//! `/v1`: what clients of OpenAI's chat completions and responses expect, worded from the same answers.
//! Nothing is stored: the client has the conversation, and when it leaves, the answer stops.

mod answer;
mod cited;
mod error;
mod models;
mod request;
mod responses;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};

use super::dialects::{line, once_it_speaks};
use super::error::Problem;
use super::extract::Json as Body;
use super::links::Site;
use super::sse;
use crate::access::Caller;
use crate::app::App;
use crate::ask::{self, Conversation};
use crate::session::Mode;
use answer::Writer;

pub(super) use answer::{Chunk, Completion};
pub(super) use error::{Envelope, in_their_words, worded};
pub(super) use models::{ModelCard, ModelList, list, show};
pub(super) use request::Request;
pub(super) use responses::{Frame as ResponseFrame, Request as ResponseRequest, Response as WholeResponse};

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
    let events = answer(&app, &caller, conversation, is_streamed).await?;
    let mut writer = Writer::new(model, Site::of(&app, &headers, &uri), with_usage);
    if is_streamed {
        let lines = events.flat_map(move |event| stream::iter(writer.chunks(event)));
        return Ok(sse::plain(lines.map(|line| sse::Event::default().data(&line))));
    }
    Ok(Json(writer.whole(events.collect().await)?).into_response())
}

pub(super) async fn respond(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
    Body(request): Body<ResponseRequest>,
) -> Result<Response, Problem> {
    let is_streamed = request.is_streamed();
    let (model, conversation) = request.conversation(&app)?;
    let events = answer(&app, &caller, conversation, is_streamed).await?;
    let mut writer = responses::Writer::new(model, Site::of(&app, &headers, &uri));
    if is_streamed {
        let frames = events.flat_map(move |event| stream::iter(writer.frames(event)));
        return Ok(sse::plain(
            frames.map(|frame| sse::Event::default().name(frame.kind).data(&line(&frame))),
        ));
    }
    Ok(Json(writer.whole(events.collect().await)?).into_response())
}

/// The events of an answer. A failure before the first word still has a status; the steps of a
/// research are shown at once.
async fn answer(
    app: &Arc<App>,
    caller: &Caller,
    conversation: Conversation,
    is_streamed: bool,
) -> Result<BoxStream<'static, crate::event::Event>, Problem> {
    let is_deep = conversation.mode == Mode::DeepResearch;
    let events = ask::once(app, caller, conversation).await?;
    match is_deep && is_streamed {
        true => Ok(events.boxed()),
        false => once_it_speaks(events).await.map_err(|failure| Problem::from(&failure)),
    }
}
