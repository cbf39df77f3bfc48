//! The one door that every request goes through: is it meant for this server, who asks, may they,
//! and not too often. Where there are no accounts only this machine may ask: a page from elsewhere
//! that a browser here has open must not reach the server, by its own origin or by a name it makes
//! point here.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::error::Problem;
use super::observe;
use super::permit::{Need, need};
use super::signin;
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
    if let Err(problem) = meant_for_us(&app, &request) {
        return problem.into_response();
    }
    let route = request.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let need = need(&request.method, route);
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
    if is_from_cookie && !request.method.is_safe() && !is_same_origin(&request.headers, &request.uri) {
        return Err(foreign("a page of another site may not do this with your sign-in"));
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

fn tell(allowance: Allowance, headers: &mut HeaderMap) {
    for (name, value) in [
        ("ratelimit-limit", u64::from(allowance.limit)),
        ("ratelimit-remaining", u64::from(allowance.remaining)),
        ("ratelimit-reset", allowance.reset_s),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}

fn meant_for_us(app: &App, request: &Parts) -> Result<(), Problem> {
    let (headers, uri) = (&request.headers, &request.uri);
    let hosts = &app.config.access.hosts;
    if !hosts.is_empty() {
        let named = host(headers, uri).map(without_port);
        // This machine's own commands call it by address; a page that makes a name of its own point
        // here brings that name along.
        let is_ours = named.is_some_and(|named| {
            is_loopback_authority(named) || hosts.iter().any(|host| host.eq_ignore_ascii_case(named))
        });
        return if is_ours { Ok(()) } else { Err(foreign("this server does not answer to this name")) };
    }
    let is_private = app.gate.mode() == Mode::None && app.config.listen.ip().is_loopback();
    if is_private && !is_local(headers, uri) {
        return Err(foreign("this server answers only requests made to and from this machine"));
    }
    Ok(())
}

fn foreign(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail)
}

/// Who the request is addressed to; nobody if that is said twice.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => uri.authority().map(axum::http::uri::Authority::as_str),
        _ => None,
    }
}

fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = host(headers, uri);
    // A page served from another port of this machine is another site too.
    let origin_is_ours = headers.get_all(header::ORIGIN).iter().all(|origin| {
        let origin = origin.to_str().ok();
        // With a certificate, our own pages say https.
        let authority =
            origin.and_then(|origin| origin.strip_prefix("http://").or(origin.strip_prefix("https://")));
        authority.is_some_and(|authority| Some(authority) == host)
    });
    host.is_some_and(is_loopback_authority) && origin_is_ours && !is_cross_site(headers)
}

/// Whether a browser says that a page of this very server asks.
pub(super) fn is_same_origin(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = host(headers, uri);
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (Some(origin), None) => origin.to_str().ok(),
        _ => None,
    };
    let authority = origin.and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.is_some() && authority == host && !is_cross_site(headers)
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site")
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `localhost` or a loopback address, with or without a port, and nothing else.
fn is_loopback_authority(authority: &str) -> bool {
    let host = without_port(authority);
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_authorities_pass() {
        for good in ["localhost", "LOCALHOST:4747", "127.0.0.1", "127.0.0.1:80", "[::1]:4747", "[::1]"] {
            assert!(is_loopback_authority(good), "{good}");
        }
        for bad in [
            "",
            ":4747",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "localhost.evil.example:4747",
            "127.0.0.1:x",
            "user@127.0.0.1",
            "0.0.0.0:4747",
            "192.168.0.1",
            "null",
        ] {
            assert!(!is_loopback_authority(bad), "{bad}");
        }
    }

    #[test]
    fn a_foreign_origin_or_a_doubled_host_is_refused() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            is_local(&headers, &Uri::from_static("/"))
        };
        assert!(check(&[("host", "localhost:4747")]));
        assert!(check(&[("host", "localhost:4747"), ("origin", "http://localhost:4747")]));
        assert!(check(&[("host", "localhost:4747"), ("origin", "https://localhost:4747")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "http://localhost:3000")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "https://evil.example")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "null")]));
        assert!(!check(&[("host", "localhost:4747"), ("host", "evil.example")]));
        assert!(!check(&[("host", "localhost:4747"), ("sec-fetch-site", "cross-site")]));
        assert!(!check(&[]));
    }

    #[test]
    fn only_a_page_of_this_server_uses_its_sign_in() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            is_same_origin(&headers, &Uri::from_static("/"))
        };
        assert!(check(&[("host", "ibid.example"), ("origin", "https://ibid.example")]));
        assert!(check(&[("host", "10.0.0.7:4747"), ("origin", "http://10.0.0.7:4747")]));
        assert!(!check(&[("host", "ibid.example")]));
        assert!(!check(&[("host", "ibid.example"), ("origin", "null")]));
        assert!(!check(&[("host", "ibid.example"), ("origin", "https://ibid.example.evil.example")]));
        assert!(!check(&[("host", "ibid.example"), ("origin", "https://ibid.example:444")]));
        assert!(!check(&[
            ("host", "ibid.example"),
            ("origin", "https://ibid.example"),
            ("sec-fetch-site", "cross-site"),
        ]));
    }
}
