//! Whether a JSON schema meets the vendor's conditions for being followed to the letter. One that
//! doesn't would be refused if sent as binding, so it is sent as advice.

use serde_json::{Map, Value};

/// What such a schema may say; the vendor knows some more words, of which this program needs none.
const KEYWORDS: [&str; 13] = [
    "$defs",
    "$ref",
    "$schema",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "title",
    "type",
];

/// The root has to be an object, every object closed, and every property required.
pub(super) fn is_strict(schema: &Value) -> bool {
    schema["type"] == "object" && is_strict_part(schema)
}

fn is_strict_part(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    let knows = |keyword: &String| KEYWORDS.contains(&keyword.as_str());
    let parts =
        |keyword: &str| fields.get(keyword).and_then(Value::as_object).into_iter().flat_map(Map::values);
    let choices = fields.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    fields.keys().all(knows)
        && (fields.get("type").is_none_or(|kind| kind != "object") || is_closed(fields))
        && parts("properties").chain(parts("$defs")).all(is_strict_part)
        && choices.chain(fields.get("items")).all(is_strict_part)
}

fn is_closed(fields: &Map<String, Value>) -> bool {
    let required = fields.get("required").and_then(Value::as_array);
    let is_required = |name: &String| required.is_some_and(|names| names.iter().any(|other| other == name));
    let properties = fields.get("properties").and_then(Value::as_object);
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.is_none_or(|properties| properties.keys().all(is_required))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(property: &Value) -> Value {
        json!({
            "type": "object",
            "properties": {"p": property},
            "required": ["p"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn only_closed_and_complete_schemas_of_known_words_are_strict() {
        let plain = json!({"type": "string", "description": "said"});
        let open = json!({"type": "object", "properties": {}});
        let optional = json!({
            "type": "object", "properties": {"a": plain}, "required": [], "additionalProperties": false,
        });
        for (schema, strict) in [
            (object(&plain), true),
            (object(&object(&plain)), true),
            (object(&json!({"type": "array", "items": object(&plain)})), true),
            (object(&json!({"anyOf": [plain, {"type": "null"}]})), true),
            (plain.clone(), false),
            (open.clone(), false),
            (object(&open), false),
            (object(&optional), false),
            (object(&json!({"type": "array", "items": open})), false),
            (object(&json!({"anyOf": [open]})), false),
            (object(&json!({"type": "integer", "format": "uint32"})), false),
            (object(&json!(true)), false),
        ] {
            assert_eq!(is_strict(&schema), strict, "{schema}");
        }
        let mut with_defs = object(&json!({"$ref": "#/$defs/d"}));
        with_defs["$defs"] = json!({"d": object(&plain)});
        assert!(is_strict(&with_defs));
        with_defs["$defs"] = json!({"d": optional});
        assert!(!is_strict(&with_defs));
    }
}
