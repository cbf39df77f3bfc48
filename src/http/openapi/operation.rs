//! What is told of one route, row by row in `routes`, and how that reads as an OpenAPI operation.
//! Shapes come from the types that are sent and read; only words are written here by hand.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::failure::{WHILE_A_BODY_COMES, Wording, before_a_handler, headers, is_counted};

/// Asks a generator for a type's schema.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What is left of a caller's limit.
const RATE_LIMIT: &[&str] = &["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
const ON_READING_A_BODY: &[&str] = &["invalid_request", "too_large"];

/// A part of the API: what its routes have in common.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    wording: Wording,
    pub(super) operations: Vec<Operation>,
}

/// One method of one route.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    summary: &'static str,
    notes: &'static str,
    query: Option<SchemaOf>,
    takes: Option<Takes>,
    gives: Vec<Gives>,
    headers: Vec<&'static str>,
    sends: Vec<&'static str>,
    codes: Vec<&'static str>,
}

struct Takes {
    media_type: &'static str,
    schema: SchemaOf,
    is_required: bool,
}

struct Gives {
    status: u16,
    what: &'static str,
    /// The media type, and the shape where there is one to tell.
    body: Option<(&'static str, Option<SchemaOf>)>,
}

/// The schemas of what is read and of what is sent: a field with a default is optional in the
/// first and always there in the second.
pub(super) struct Generators {
    pub(super) read: SchemaGenerator,
    pub(super) sent: SchemaGenerator,
}

impl Section {
    pub(super) fn new(
        name: &'static str,
        about: &'static str,
        wording: Wording,
        operations: Vec<Operation>,
    ) -> Self {
        Self { name, about, wording, operations }
    }
}

/// The schema of `T`, once there is a generator.
pub(super) fn schema<T: JsonSchema>() -> SchemaOf {
    SchemaGenerator::subschema_for::<T>
}

/// One event of a stream: as the wire has it, its data are a text that holds JSON.
fn event_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let data = data_of::<T>(generator);
    json_schema!({
        "type": "object",
        "properties": { "id": { "type": "string" }, "event": { "type": "string" }, "data": data },
        "required": ["data"],
    })
}

fn event_or_done<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let data = data_of::<T>(generator);
    json_schema!({
        "type": "object",
        "properties": { "data": { "anyOf": [data, { "const": "[DONE]" }] } },
        "required": ["data"],
    })
}

fn data_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let shape = generator.subschema_for::<T>();
    json_schema!({ "type": "string", "contentMediaType": "application/json", "contentSchema": shape })
}

pub(super) fn get(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("get", path, summary)
}

pub(super) fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("post", path, summary)
}

pub(super) fn put(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("put", path, summary)
}

pub(super) fn patch(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("patch", path, summary)
}

pub(super) fn delete(path: &'static str, summary: &'static str) -> Operation {
    Operation::new("delete", path, summary)
}

impl Operation {
    fn new(method: &'static str, path: &'static str, summary: &'static str) -> Self {
        let (query, takes) = (None, None);
        let (gives, headers, sends, codes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { method, path, summary, notes: "", query, takes, gives, headers, sends, codes }
    }

    /// What else there is to know.
    pub(super) fn note(self, notes: &'static str) -> Self {
        Self { notes, ..self }
    }

    /// The query's parameters are the fields of `T`.
    pub(super) fn query<T: JsonSchema>(self) -> Self {
        Self { query: Some(T::json_schema), ..self }.fails(&["invalid_request"])
    }

    /// The body is a `T` as JSON.
    pub(super) fn takes<T: JsonSchema>(self) -> Self {
        self.takes_as::<T>("application/json").fails(&["unsupported_media_type"])
    }

    pub(super) fn takes_as<T: JsonSchema>(self, media_type: &'static str) -> Self {
        self.carries::<T>(media_type, true).fails(ON_READING_A_BODY)
    }

    /// The body may be left out.
    pub(super) fn takes_optional<T: JsonSchema>(self) -> Self {
        let operation = self.carries::<T>("application/json", false);
        operation.fails(ON_READING_A_BODY).fails(&["unsupported_media_type"])
    }

    /// The body is a `T`; how it fails to be read is told elsewhere.
    pub(super) fn carries<T: JsonSchema>(mut self, media_type: &'static str, is_required: bool) -> Self {
        self.takes = Some(Takes { media_type, schema: schema::<T>(), is_required });
        self
    }

    /// Answers with a `T` as JSON.
    pub(super) fn gives<T: JsonSchema>(self, status: u16, what: &'static str) -> Self {
        self.answers(status, what, Some(("application/json", Some(schema::<T>()))))
    }

    /// Answers with Server-Sent Events whose `data` are a `T` each.
    pub(super) fn streams<T: JsonSchema>(self, what: &'static str) -> Self {
        self.answers(200, what, Some(("text/event-stream", Some(event_of::<T>))))
    }

    /// The same; the last event's `data` are `[DONE]`.
    pub(super) fn streams_until_done<T: JsonSchema>(self, what: &'static str) -> Self {
        self.answers(200, what, Some(("text/event-stream", Some(event_or_done::<T>))))
    }

    /// Answers with something that is not JSON, or JSON of no shape of its own.
    pub(super) fn gives_as(self, media_type: &'static str, what: &'static str) -> Self {
        self.gives_with(200, media_type, what)
    }

    /// The same with another status.
    pub(super) fn gives_with(self, status: u16, media_type: &'static str, what: &'static str) -> Self {
        self.answers(status, what, Some((media_type, None)))
    }

    /// Answers without a body.
    pub(super) fn gives_nothing(self, status: u16, what: &'static str) -> Self {
        self.answers(status, what, None)
    }

    fn answers(
        mut self,
        status: u16,
        what: &'static str,
        body: Option<(&'static str, Option<SchemaOf>)>,
    ) -> Self {
        self.gives.push(Gives { status, what, body });
        self
    }

    /// Is carried out once under an `Idempotency-Key`.
    pub(super) fn once(mut self) -> Self {
        self.headers.push("Idempotency-Key");
        self.fails(&["idempotency_key_reused"])
    }

    /// Goes on after `Last-Event-ID`.
    pub(super) fn resumes(mut self) -> Self {
        self.headers.push("Last-Event-ID");
        self.fails(&["invalid_request"])
    }

    /// Answers with this header too.
    pub(super) fn sends(mut self, header: &'static str) -> Self {
        self.sends.push(header);
        self
    }

    /// May fail with these codes.
    pub(super) fn fails(mut self, codes: &[&'static str]) -> Self {
        self.codes.extend(codes);
        self
    }

    pub(super) fn to_json(&self, section: &Section, generators: &mut Generators) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".into(), self.id().into());
        operation.insert("tags".into(), json!([section.name]));
        operation.insert("summary".into(), self.summary.into());
        if !self.notes.is_empty() {
            operation.insert("description".into(), self.notes.into());
        }
        let parameters = self.parameters(&mut generators.read);
        if !parameters.is_empty() {
            operation.insert("parameters".into(), parameters.into());
        }
        if let Some(takes) = &self.takes {
            let schema = (takes.schema)(&mut generators.read);
            let content = json!({ takes.media_type: { "schema": schema } });
            operation
                .insert("requestBody".into(), json!({ "required": takes.is_required, "content": content }));
        }
        operation.insert("responses".into(), self.responses(section, &mut generators.sent).into());
        operation.into()
    }

    /// The method and the words of the path, as one name.
    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.fold(self.method.to_owned(), |id, word| {
            let (first, rest) = word.split_at(1);
            id + &first.to_uppercase() + rest
        })
    }

    fn parameters(&self, generator: &mut SchemaGenerator) -> Vec<Value> {
        let in_path = self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let in_path = in_path.map(|name| {
            let schema = match name {
                "n" => json!({ "type": "integer", "minimum": 0 }),
                "id" | "mid" => json!({ "type": "string", "format": "uuid" }),
                _ => json!({ "type": "string" }),
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        });
        let headers =
            self.headers.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
        let mut parameters: Vec<Value> = in_path.collect();
        parameters.extend(self.query.iter().flat_map(|query| in_query(&query(generator))));
        parameters.extend(headers);
        parameters
    }

    fn responses(&self, section: &Section, generator: &mut SchemaGenerator) -> Map<String, Value> {
        let mut responses = BTreeMap::<u16, Value>::new();
        for gives in &self.gives {
            let response = responses
                .entry(gives.status)
                .and_modify(|response| {
                    let before = response["description"].as_str().unwrap_or_default();
                    response["description"] = format!("{before} {}", gives.what).into();
                })
                .or_insert_with(
                    || json!({ "description": gives.what, "headers": headers(gives.status, false) }),
                );
            if let Some((media_type, schema)) = gives.body {
                let body = schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema(generator) }));
                response["content"][media_type] = body;
            }
        }
        section.wording.add(&mut responses, &self.codes, generator);
        let at_the_door = section.wording.at_the_door();
        at_the_door.add(&mut responses, before_a_handler(self.method, self.path), generator);
        if self.takes.is_some() {
            at_the_door.add(&mut responses, WHILE_A_BODY_COMES, generator);
        }
        let counted: &[&str] = if is_counted(self.method, self.path) { RATE_LIMIT } else { &[] };
        for (status, response) in &mut responses {
            let sent = self.sends.iter().filter(|_| *status == 200);
            for name in counted.iter().chain(sent) {
                response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
            }
        }
        responses.into_iter().map(|(status, response)| (status.to_string(), response)).collect()
    }
}

/// The fields of a query's type as parameters.
fn in_query(shape: &Schema) -> Vec<Value> {
    let required = shape.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let fields = shape.get("properties").and_then(Value::as_object).into_iter().flatten();
    let parameter = |(name, field): (&String, &Value)| {
        let mut schema = field.clone();
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter =
            json!({ "name": name, "in": "query", "required": is_required(name), "schema": schema });
        if let Some(about) = about {
            parameter["description"] = about;
        }
        parameter
    };
    fields.map(parameter).collect()
}
