//! The description as a page to read: one HTML document and one style sheet, no script. It reads
//! `/openapi.json` and knows nothing that is not in it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::http::{HeaderName, header};
use serde_json::Value;

use super::OPENAPI;
use super::shape::{anchor, escape, fields, in_words, prose};

static PAGE: LazyLock<String> = LazyLock::new(|| document(&OPENAPI));

/// The one style sheet, and the links; nothing else is loaded or run.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

type Sent<const N: usize> = ([(HeaderName, &'static str); N], &'static str);

pub(in crate::http) async fn page() -> Sent<2> {
    let media_type = (header::CONTENT_TYPE, "text/html; charset=utf-8");
    ([media_type, (header::CONTENT_SECURITY_POLICY, POLICY)], &PAGE)
}

pub(in crate::http) async fn style() -> Sent<1> {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("docs.css"))
}

fn document(openapi: &Value) -> String {
    let version = openapi["info"]["version"].as_str().unwrap_or_default();
    let about = prose(openapi["info"]["description"].as_str().unwrap_or_default());
    let (mut contents, mut sections) = (String::new(), String::new());
    for tag in openapi["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        let id = anchor(name);
        let _ = write!(contents, "<li><a href=\"#{id}\">{}</a><ul>", escape(name));
        let about = prose(tag["description"].as_str().unwrap_or_default());
        let _ = write!(sections, "<section id=\"{id}\"><h2>{}</h2><p>{about}</p>", escape(name));
        for (path, method, operation) in operations(openapi, name) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let summary = escape(operation["summary"].as_str().unwrap_or_default());
            let _ = write!(contents, "<li><a href=\"#{id}\">{summary}</a></li>");
            sections.push_str(&article(openapi, path, method, operation));
        }
        contents.push_str("</ul></li>");
        sections.push_str("</section>");
    }
    let shapes = shapes(openapi);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>ibid. over HTTP</title>\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body>\
         <nav aria-label=\"Contents\"><a class=\"brand\" href=\"/\">ibid.</a>\
         <ul>{contents}<li><a href=\"#shapes\">Shapes</a></li></ul></nav>\
         <main><header><h1>Over HTTP</h1><p class=\"lede\">{about}</p>\
         <p class=\"facts\">Version {version} · <a href=\"/openapi.json\">OpenAPI 3.1</a> · \
         <a href=\"/schema/events.json\">schema of the events</a></p></header>{sections}\
         <section id=\"shapes\"><h2>Shapes</h2><p>What bodies and events are made of.</p>{shapes}</section>\
         </main></body></html>"
    )
}

/// The operations of a tag, in the order of the table.
fn operations<'a>(
    openapi: &'a Value,
    tag: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> + 'a {
    let paths = openapi["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    all.filter(move |(_, _, operation)| operation["tags"][0] == tag)
}

fn article(openapi: &Value, path: &str, method: &str, operation: &Value) -> String {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let summary = escape(operation["summary"].as_str().unwrap_or_default());
    let path = escape(path).replace('/', "/<wbr>");
    let method = method.to_uppercase();
    let mut html = format!(
        "<article id=\"{id}\"><h3><a href=\"#{id}\">{summary}</a></h3>\
         <p class=\"route\"><b>{method}</b> <code>{path}</code></p>"
    );
    if let Some(notes) = operation["description"].as_str() {
        let _ = write!(html, "<p>{}</p>", prose(notes));
    }
    html.push_str(&parameters(openapi, operation));
    for (media_type, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let optional = if operation["requestBody"]["required"] == true { "" } else { ", may be left out" };
        let shape = in_words(&content["schema"]);
        let _ = write!(
            html,
            "<h4>Body</h4><p class=\"kind\">{shape} <span>{}{optional}</span></p>",
            escape(media_type)
        );
    }
    html.push_str(&answers(operation));
    html + "</article>"
}

fn parameters(openapi: &Value, operation: &Value) -> String {
    let mut html = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = parameter["$ref"]
            .as_str()
            .and_then(|reference| openapi.pointer(reference.trim_start_matches('#')))
            .unwrap_or(parameter);
        let name = escape(parameter["name"].as_str().unwrap_or_default());
        let place = escape(parameter["in"].as_str().unwrap_or_default());
        let need = if parameter["required"] == true && place != "path" { ", required" } else { "" };
        let kind = in_words(&parameter["schema"]);
        let about = prose(parameter["description"].as_str().unwrap_or_default());
        let _ = write!(
            html,
            "<dt><code>{name}</code> <span class=\"kind\">{kind} <span>{place}{need}</span></span></dt><dd>{about}</dd>"
        );
    }
    if html.is_empty() { html } else { format!("<h4>Parameters</h4><dl>{html}</dl>") }
}

fn answers(operation: &Value) -> String {
    let mut html = String::new();
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let good = if status.starts_with('2') { " class=\"good\"" } else { "" };
        let kinds: Vec<String> = response["content"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, content)| !good.is_empty() || content.get("schema").is_none())
            .map(|(media_type, content)| {
                let shape = content.get("schema").map(in_words).unwrap_or_default();
                format!("{shape} <span>{}</span>", escape(media_type))
            })
            .collect();
        let kinds = kinds.join(" or ");
        let about = prose(response["description"].as_str().unwrap_or_default());
        let _ = write!(html, "<dt{good}>{status} <span class=\"kind\">{kinds}</span></dt><dd>{about}</dd>");
    }
    format!("<h4>Answers</h4><dl class=\"answers\">{html}</dl>")
}

fn shapes(openapi: &Value) -> String {
    let schemas = openapi["components"]["schemas"].as_object().into_iter().flatten();
    let shape = |(name, schema): (&String, &Value)| {
        let id = anchor(&format!("shape {name}"));
        let about = prose(schema["description"].as_str().unwrap_or_default());
        let name = escape(name);
        format!(
            "<article id=\"{id}\"><h3><a href=\"#{id}\">{name}</a></h3><p>{about}</p>{}</article>",
            fields(schema)
        )
    };
    schemas.map(shape).collect()
}
