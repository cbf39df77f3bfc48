//! The description holds what the router does, and nothing in it points nowhere.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use tower::ServiceExt as _;

use super::*;
use crate::app::App;
use crate::config::{Config, Flags};

/// Routes that are described elsewhere: the style sheet of the page that reads the description.
const PART_OF_A_PAGE: &[&str] = &["/docs/style.css"];

/// The paths of a router, as it tells them itself.
fn paths(router: &str) -> BTreeSet<String> {
    router.split('"').filter(|quoted| quoted.starts_with('/')).map(str::to_owned).collect()
}

async fn router() -> (axum::Router, tempfile::TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let flags = Flags { data: Some(folder.path().to_owned()), ..Flags::default() };
    let app = App::open(Config::load(&flags).unwrap()).await.unwrap();
    (crate::http::router(app), folder)
}

/// Every method of every route the router has, pages aside.
async fn routed() -> BTreeSet<String> {
    let (router, _folder) = router().await;
    let pages = paths(&format!("{:?}", crate::web::routes()));
    let mut routed = BTreeSet::new();
    for path in paths(&format!("{router:?}")) {
        if pages.contains(&path) || PART_OF_A_PAGE.contains(&path.as_str()) {
            continue;
        }
        // A method that no route has is answered with those that this one has.
        let request = Request::builder().method(Method::TRACE).uri(path.replace(['{', '}', '*'], ""));
        let request = request.header(header::HOST, "localhost").body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let allowed = response.headers().get(header::ALLOW).map(|value| value.to_str().unwrap().to_owned());
        let allowed = allowed.unwrap_or_else(|| panic!("`{path}` does not say its methods"));
        for method in allowed.split(',').filter(|method| *method != "HEAD") {
            routed.insert(format!("{method} {}", path.replace('*', "")));
        }
    }
    routed
}

fn described() -> BTreeSet<String> {
    let paths = OPENAPI["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let (routed, described) = (routed().await, described());
    assert!(routed.len() > 20, "the router tells its paths: {routed:?}");
    let missing: Vec<_> = routed.difference(&described).collect();
    assert!(missing.is_empty(), "add a row to src/http/openapi/routes.rs for {missing:?}");
    let unknown: Vec<_> = described.difference(&routed).collect();
    assert!(unknown.is_empty(), "src/http/openapi/routes.rs describes what is not routed: {unknown:?}");
}

/// Every `$ref` in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [OPENAPI.clone(), serde_json::from_str(&EVENTS_TEXT).unwrap()] {
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_code_is_told() {
    let paths = OPENAPI["paths"].as_object().unwrap();
    let operations: Vec<&Value> =
        paths.values().flat_map(|path| path.as_object().unwrap().values()).collect();
    let ids: BTreeSet<&str> =
        operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    let told = OPENAPI.to_string();
    for code in crate::http::error::CODES {
        // Only what is asked for in vain, by a wrong address, belongs to no operation.
        let is_told = told.contains(&format!("`{}`", code.name));
        assert!(is_told || code.name == "method_not_allowed", "no operation tells of `{}`", code.name);
    }
}

#[test]
fn a_type_that_is_read_and_sent_looks_the_same_both_ways() {
    let settings =
        |settings: SchemaSettings| settings.with(|s| s.definitions_path = "/components/schemas".into());
    let mut generators = Generators {
        read: settings(SchemaSettings::draft2020_12()).for_deserialize().into_generator(),
        sent: settings(SchemaSettings::draft2020_12()).for_serialize().into_generator(),
    };
    for section in routes::sections() {
        for operation in &section.operations {
            operation.to_json(&section, &mut generators);
        }
    }
    let (read, sent) = (generators.read.definitions(), generators.sent.definitions());
    for (name, schema) in read {
        assert!(sent.get(name).is_none_or(|other| other == schema), "{name}");
    }
}

#[test]
fn the_schema_of_the_events_tells_each_of_them() {
    let schema: Value = serde_json::from_str(&EVENTS_TEXT).unwrap();
    let forms = schema["oneOf"].as_array().unwrap();
    let names: Vec<&str> =
        forms.iter().map(|form| form["properties"]["type"]["const"].as_str().unwrap()).collect();
    assert_eq!(names, ["started", "step", "plan", "sources", "token", "citation", "done", "error"]);
}
