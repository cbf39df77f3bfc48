//! The one door that every request goes through: is it meant for this server (`origin`), who asks,
//! may they, and not too often.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::error::{Problem, tell};
use super::permit::{Need, need};
use super::{observe, origin, signin};
use crate::Error;
use crate::access::{self, Admitted, Allowance, Denied};
use crate::app::App;
use crate::config::access::Mode;

/// A browser's `EventSource` can't send a header, so on this route alone the address may carry the
/// credential.
const ADDRESSED_STREAM: [&str; 2] = ["/chat/stream", "/api/chat/stream"];

/// Where a credential came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Header,
    Cookie,
    Address,
}

pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (mut request, body) = request.into_parts();
    let route = request.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let need = need(&request.method, route);
    if let Err(problem) = origin::meant_for_us(&app, &request, need) {
        return problem.into_response();
    }
    if need == Need::Nothing {
        return next.run(Request::from_parts(request, body)).await;
    }
    match let_in(&app, &request, need).await {
        Err(problem) => problem.into_response(),
        Ok((admitted, allowance)) => {
            observe::is_of(&admitted.caller.user);
            request.extensions.insert(admitted.caller.clone());
            let response = next.run(Request::from_parts(request, body)).await;
            let mut response = ending(response, app, admitted);
            if let Some(allowance) = allowance {
                tell(allowance, response.headers_mut());
            }
            response
        }
    }
}

async fn let_in(
    app: &Arc<App>,
    request: &Parts,
    need: Need,
) -> Result<(Admitted, Option<Allowance>), Problem> {
    let shown = credential(request);
    let credential = shown.as_ref().map(|(credential, _)| credential.as_str());
    let admitted = match app.gate.admit(app, credential).await {
        Ok(admitted) => admitted,
        Err(denied) => return Err(refused(app, request, denied, credential.is_some())),
    };
    let is_from_cookie = matches!(shown, Some((_, Shown::Cookie)));
    if is_from_cookie && !request.method.is_safe() && !origin::is_own_page(&request.headers, &request.uri) {
        return Err(origin::foreign("a page of another site may not do this with your sign-in"));
    }
    if let Need::Permit(permit) = need {
        admitted.caller.require(permit)?;
    }
    // Who can reach this machine's ports can't always read its data folder.
    let makes_keys = request.uri.path().starts_with("/api/keys");
    if makes_keys && app.gate.mode() == Mode::None && !admitted.is_operator {
        let detail = "keys are made with `ibid key`, on the machine that has the data folder".to_owned();
        return Err(Error::Forbidden(detail).into());
    }
    let allowance = if admitted.is_operator { None } else { app.gate.limits.user(&admitted.caller.user)? };
    Ok((admitted, allowance))
}

/// Counts a refusal, so that nobody can go on guessing, and words it.
fn refused(app: &App, request: &Parts, denied: Denied, has_shown: bool) -> Problem {
    if let Denied::Failed(error) = denied {
        return error.into();
    }
    if let Err(error) = app.gate.limits.address(&address(request)) {
        return error.into();
    }
    let detail = match denied {
        Denied::Expired => "this credential has expired; get a new one",
        _ if has_shown => "this credential is not good here",
        _ => "say who you are: send `Authorization: Bearer` with a key or token, or sign in",
    };
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// Where a request comes from, as far as limits tell addresses apart: of IPv6, the network.
pub(super) fn address(request: &Parts) -> String {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    match peer.map(|ConnectInfo(peer)| peer.ip().to_canonical()) {
        Some(IpAddr::V6(address)) => format!("{:?}", &address.segments()[..4]),
        Some(IpAddr::V4(address)) => address.to_string(),
        None => "unknown".to_owned(),
    }
}

fn credential(request: &Parts) -> Option<(String, Shown)> {
    let headers = &request.headers;
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        // A header that can't be read is a credential that is not good, and not none.
        let (scheme, bearer) =
            value.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
        let bearer = if scheme.eq_ignore_ascii_case("bearer") { bearer.trim() } else { "" };
        return Some((bearer.to_owned(), Shown::Header));
    }
    if let Some(cookie) = signin::cookie(headers) {
        return Some((cookie.to_owned(), Shown::Cookie));
    }
    if !ADDRESSED_STREAM.contains(&request.uri.path()) || request.method != Method::GET {
        return None;
    }
    let query = request.uri.query()?;
    let token = query.split('&').find_map(|pair| pair.strip_prefix("access_token="))?;
    Some((token.to_owned(), Shown::Address))
}

/// Ends a stream when the credential it was asked for with is good no more.
fn ending(response: Response, app: Arc<App>, admitted: Admitted) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream || !admitted.can_end() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = body.into_data_stream().take_until(Box::pin(access::ended(app, admitted)));
    Response::from_parts(parts, Body::from_stream(body))
}
