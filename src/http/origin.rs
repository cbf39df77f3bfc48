//! Is a request meant for this server, and is it a page of this server that asks? A browser that has
//! a page from elsewhere open must not be its way in: neither by that page's own origin, nor by a
//! name that it makes point here.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};

use super::error::Problem;
use super::permit::Need;
use crate::app::App;
use crate::config::access::Mode;

/// Checks who a request is addressed to and, where nobody is asked who they are, which page sends it.
///
/// # Errors
/// [`Problem`] `foreign_origin`.
pub(super) fn meant_for_us(app: &App, request: &Parts, need: Need) -> Result<(), Problem> {
    let (headers, uri) = (&request.headers, &request.uri);
    let hosts = &app.config.access.hosts;
    let is_unasked = app.gate.mode() == Mode::None;
    let is_private = is_unasked && app.config.listen.ip().is_loopback();
    // This machine's own commands call it by address; a page that makes a name of its own point here
    // brings that name along.
    let named = host(headers, uri).map(without_port);
    let is_ours = named
        .is_some_and(|named| is_loopback(named) || hosts.iter().any(|host| host.eq_ignore_ascii_case(named)));
    if !hosts.is_empty() && !is_ours {
        return Err(foreign("this server does not answer to this name"));
    }
    if is_private && !is_ours {
        return Err(foreign("this server answers only requests made to and from this machine"));
    }
    let is_link = need == Need::Nothing && is_followed_link(request);
    if is_unasked && !is_link && !is_from_here(headers, uri) {
        return Err(foreign("a page of another site may not do this"));
    }
    Ok(())
}

pub(super) fn foreign(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail)
}

/// Whether a browser says that a page of this very server asks.
pub(super) fn is_own_page(headers: &HeaderMap, uri: &Uri) -> bool {
    headers.contains_key(header::ORIGIN) && is_from_here(headers, uri)
}

/// Whether no page asks, as far as is told, or one of this very server. A page served from another
/// port of this machine is another site too.
fn is_from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = host(headers, uri);
    let origins = headers.get_all(header::ORIGIN);
    let are_ours = origins.iter().all(|origin| {
        // With a certificate, our own pages say https.
        let origin = origin.to_str().ok();
        let authority =
            origin.and_then(|origin| origin.strip_prefix("http://").or(origin.strip_prefix("https://")));
        authority.is_some() && authority == host
    });
    let is_one = origins.iter().count() <= 1;
    let mut sites = headers.get_all("sec-fetch-site").iter();
    is_one && are_ours && sites.all(|site| site == "same-origin" || site == "none")
}

/// Whether a browser opens an address in a tab of its own: where a link led is nothing that the page
/// with the link gets to see.
fn is_followed_link(request: &Parts) -> bool {
    let says = |name, word| request.headers.get(name).is_some_and(|value| value == word);
    request.method == Method::GET
        && !request.headers.contains_key(header::ORIGIN)
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
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

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `localhost` or a loopback address, and nothing else.
fn is_loopback(host: &str) -> bool {
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
            assert!(is_loopback(without_port(good)), "{good}");
        }
        for bad in [
            "",
            ":4747",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "localhost.evil.example:4747",
            "127.0.0.1:x",
            "127.0.0.1:80:80",
            "user@127.0.0.1",
            "0.0.0.0:4747",
            "192.168.0.1",
            "null",
        ] {
            assert!(!is_loopback(without_port(bad)), "{bad}");
        }
    }

    #[test]
    fn a_page_of_another_origin_is_not_from_here() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            is_from_here(&headers, &Uri::from_static("/"))
        };
        assert!(check(&[("host", "localhost:4747")]));
        assert!(check(&[("host", "localhost:4747"), ("origin", "http://localhost:4747")]));
        assert!(check(&[("host", "localhost:4747"), ("origin", "https://localhost:4747")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "http://localhost:3000")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "https://evil.example")]));
        assert!(!check(&[("host", "localhost:4747"), ("origin", "null")]));
        assert!(!check(&[("host", "localhost:4747"), ("sec-fetch-site", "cross-site")]));
        assert!(!check(&[("host", "localhost:4747"), ("sec-fetch-site", "same-site")]));
        let doubled =
            [("host", "localhost:4747"), ("host", "evil.example"), ("origin", "http://localhost:4747")];
        assert!(!check(&doubled));
    }

    #[test]
    fn only_a_page_of_this_server_uses_its_sign_in() {
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            is_own_page(&headers, &Uri::from_static("/"))
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
