//! JSON Schemas in words and as HTML, for the page that describes the API.

use std::fmt::Write as _;

use serde_json::Value;

/// Text that is safe between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A description as HTML: what stands between backticks is code.
pub(super) fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.fold(String::new(), |mut html, (number, part)| {
        let part = escape(part);
        let written =
            if number % 2 == 1 { write!(html, "<code>{part}</code>") } else { write!(html, "{part}") };
        // Writing to a string can't fail.
        let _ = written;
        html
    })
}

/// A name as the target of a link.
pub(super) fn anchor(name: &str) -> String {
    let name = name.to_lowercase();
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// What kind of value a schema asks for, with links to the shapes it names.
pub(super) fn in_words(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return format!("<a href=\"#{}\">{}</a>", anchor(&format!("shape {name}")), escape(name));
    }
    if let Some(constant) = schema.get("const") {
        return format!("<code>{}</code>", escape(&constant.to_string()));
    }
    if let Some(values) = schema["enum"].as_array() {
        return values
            .iter()
            .map(|value| format!("<code>{}</code>", escape(&value.to_string())))
            .collect::<Vec<_>>()
            .join(" ");
    }
    let choices = ["anyOf", "oneOf"].iter().find_map(|key| schema[*key].as_array());
    if let Some(choices) = choices {
        let choices = choices.iter().filter(|choice| choice["type"] != "null");
        return choices.map(in_words).collect::<Vec<_>>().join(" or ");
    }
    if schema["type"] == "array" || schema["type"][0] == "array" {
        return format!("list of {}", in_words(&schema["items"]));
    }
    let kind = schema["format"].as_str().filter(|format| !is_width(format));
    let kind = kind.or_else(|| schema["type"].as_str()).or_else(|| schema["type"][0].as_str());
    escape(kind.unwrap_or("any value"))
}

/// How wide a number is says nothing to a reader.
fn is_width(format: &str) -> bool {
    format.starts_with("uint") || format.starts_with("int") || format == "float" || format == "double"
}

/// The fields of an object, or the forms a value can take.
pub(super) fn fields(schema: &Value) -> String {
    let mut html = String::new();
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array();
        html.push_str("<dl>");
        for (name, field) in properties {
            let optional = required.is_none_or(|required| !required.iter().any(|other| other == name));
            let optional = if optional { " <span>optional</span>" } else { "" };
            let about = prose(field["description"].as_str().unwrap_or_default());
            let (name, kind) = (escape(name), in_words(field));
            let _ = write!(
                html,
                "<dt><code>{name}</code> <span class=\"kind\">{kind}{optional}</span></dt><dd>{about}</dd>"
            );
        }
        html.push_str("</dl>");
    }
    let parts = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array());
    for part in parts.into_iter().flatten() {
        let about = prose(part["description"].as_str().unwrap_or_default());
        let name = if part.get("properties").is_some() { form_name(part) } else { in_words(part) };
        let _ = write!(html, "<div class=\"form\"><h4>{name}</h4><p>{about}</p>{}</div>", fields(part));
    }
    if html.is_empty() {
        let _ = write!(html, "<p class=\"kind\">{}</p>", in_words(schema));
    } else if let Some(reference) = schema.get("$ref") {
        let reference = serde_json::json!({ "$ref": reference });
        let _ = write!(html, "<p class=\"kind\">and all of {}</p>", in_words(&reference));
    }
    html
}

/// A form of a tagged value is called by its tag.
fn form_name(part: &Value) -> String {
    let tag = part["properties"]["type"]["const"].as_str();
    tag.map(|tag| format!("<code>{}</code>", escape(tag))).unwrap_or_default()
}
