//! While there is no access control, only this machine may ask: a page from elsewhere that a browser
//! here has open must not reach the server, by its own origin or by a name it makes point here.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Problem;
use crate::access::Caller;
use crate::app::App;

pub(super) async fn same_machine(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if app.config.listen.ip().is_loopback() && !is_local(request.headers(), request.uri()) {
        let detail = "this server answers only requests made to and from this machine";
        return Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail).into_response();
    }
    let caller = Caller::local();
    super::observe::is_of(&caller.user);
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn is_local(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => uri.authority().map(axum::http::uri::Authority::as_str),
        _ => None,
    };
    // A page served from another port of this machine is another site too.
    let origin_is_ours = headers.get_all(header::ORIGIN).iter().all(|origin| {
        let origin = origin.to_str().ok();
        let authority = origin.and_then(|origin| origin.strip_prefix("http://"));
        authority.is_some_and(|authority| Some(authority) == host)
    });
    let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    host.is_some_and(is_loopback_authority) && origin_is_ours && !cross_site
}

/// `localhost` or a loopback address, with or without a port, and nothing else.
fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
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
        assert!(!check(&[("host", "localhost:4747"), ("origin", "http://localhost:3000")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "https://evil.example")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "null")]));
        assert!(!check(&[("host", "localhost:4747"), ("host", "evil.example")]));
        assert!(!check(&[("host", "localhost:4747"), ("sec-fetch-site", "cross-site")]));
        assert!(!check(&[]));
    }
}
