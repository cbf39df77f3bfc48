//! What each route asks of its caller. Whatever is not named here is only for administrators, so a
//! route that nobody thought of is closed and not open.

use axum::http::Method;

use crate::access::Permit;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: it tells nothing that is anyone's.
    Nothing,
    /// A good credential, whatever it permits.
    Credential,
    /// A credential with this permit.
    Permit(Permit),
}

/// The page's own files and addresses, and what is needed before there is a credential.
const PUBLIC: &[&str] = &[
    "/",
    "/library",
    "/s/{session}",
    "/s/{session}/citations",
    "/d/{document}",
    "/d/{document}/citations",
    "/assets/{name}",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/schema/events.json",
    "/docs",
    "/docs/style.css",
    "/api/login",
    "/api/logout",
];
/// Where questions are asked, in each dialect.
const ASKING: &[&str] = &["/api/chat", "/api/ai", "/sessions", "/chat", "/v1", "/mcp"];
/// Where the library changes.
const WRITING: &[&str] = &["/api/documents", "/api/collections"];
/// What only administrators get to see.
const GUARDED: &[&str] = &["/api/keys", "/api/backup", "/metrics", "/api/metrics"];

/// What a request to the route with this pattern asks for; `None` is a route that does not exist.
pub(super) fn need(method: &Method, route: Option<&str>) -> Need {
    let Some(route) = route else { return Need::Credential };
    let is_under = |bases: &[&str]| {
        bases
            .iter()
            .any(|base| route.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    if PUBLIC.contains(&route) {
        Need::Nothing
    } else if matches!(route, "/api/me" | "/api/usage") {
        Need::Credential
    } else if is_under(GUARDED) {
        Need::Permit(Permit::Admin)
    } else if method.is_safe() {
        Need::Permit(Permit::Read)
    } else if is_under(WRITING) {
        Need::Permit(Permit::Write)
    } else if is_under(ASKING) {
        Need::Permit(Permit::Ask)
    } else {
        Need::Permit(Permit::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_nobody_named_is_for_administrators() {
        let admin = Need::Permit(Permit::Admin);
        assert_eq!(need(&Method::POST, Some("/api/new")), admin);
        assert_eq!(need(&Method::DELETE, Some("/api/chatter")), admin);
        assert_eq!(need(&Method::GET, Some("/api/keys")), admin);
        assert_eq!(need(&Method::DELETE, Some("/api/keys/{id}")), admin);
        assert_eq!(need(&Method::GET, None), Need::Credential);
        assert_eq!(need(&Method::GET, Some("/api/documents")), Need::Permit(Permit::Read));
        assert_eq!(need(&Method::POST, Some("/api/documents")), Need::Permit(Permit::Write));
        assert_eq!(need(&Method::POST, Some("/v1/chat/completions")), Need::Permit(Permit::Ask));
    }
}
