//! The providers against a server on this machine that replays recorded answers, and the policy
//! around them. Nothing here reaches a vendor.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod anthropic;
mod faults;
mod openai;
mod policy;
mod replay;
mod scripted;
mod secrets;

use std::path::PathBuf;

use futures::StreamExt;
use ibid::ask::prompt::{Excerpt, Prompt, Turn};
use ibid::config::model::{ModelConfig, Vendor};
use ibid::document::PassageId;
use ibid::event::Source;
use ibid::provider::{CallOptions, Delta, DeltaStream, Model, Models, Provider};
use ibid::session::Role;
use uuid::Uuid;

/// A question with two passages and one earlier turn.
fn prompt() -> Prompt {
    Prompt {
        system: "Answer from the passages.".to_owned(),
        history: vec![
            Turn { role: Role::User, content: "What is it about?".to_owned() },
            Turn { role: Role::Assistant, content: "A treaty [1].".to_owned() },
        ],
        question: "When was the treaty signed?".to_owned(),
        passages: vec![
            excerpt(1, "# Zürich\n\nThe treaty of Zürich was signed\nin November 1859. It has 3 parts."),
            excerpt(
                2,
                "| a | b |\n\nand so on.\n\nAustria kept most of its fortresses [4]. France ceded Lombardy at once.",
            ),
        ],
        user: "<passages>…</passages>\nWhen was the treaty signed?".to_owned(),
        index: None,
    }
}

fn excerpt(n: u32, text: &str) -> Excerpt {
    let document = Uuid::from_u128(7);
    let source = Source {
        n,
        document_id: document,
        version: "v".to_owned(),
        title: "Treaties".to_owned(),
        page: None,
        heading: None,
        columns: None,
        introduction: None,
        in_code: false,
        passage_id: PassageId { document, ordinal: n },
        start: 0,
        end: text.len(),
        score: 1.0,
    };
    Excerpt { source, text: text.to_owned() }
}

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/providers").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn config(vendor: Vendor, base_url: &str) -> ModelConfig {
    ModelConfig { base_url: Some(base_url.to_owned()), ..ModelConfig::new("m", vendor) }
}

/// One call without the policy around it, in one line: what was written, what was counted, how it
/// ended. A `~` stands for each sign of thinking.
async fn call(config: &ModelConfig, options: &CallOptions) -> String {
    line(Provider::new(config).unwrap().stream(&prompt(), options)).await
}

async fn line(mut stream: DeltaStream) -> String {
    let mut line = String::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(Delta::Text(text)) => line.push_str(&text),
            Ok(Delta::Thinking) => line.push('~'),
            Ok(Delta::Usage(usage)) => {
                let ibid::event::Usage { input_tokens, output_tokens, calls } = usage;
                line.push_str(&format!(" | {input_tokens}+{output_tokens} in {calls}"));
            }
            Ok(Delta::End(reason)) => line.push_str(&format!(" | {reason:?}")),
            Ok(Delta::Model { name, reason }) => line.push_str(&format!("({name}, because {reason}) ")),
            Err(error) => line.push_str(&format!(" | {error:?}")),
        }
    }
    line
}

/// The first of these models, with the policy around it.
fn model(configs: &[ModelConfig]) -> Model {
    Models::new(configs).unwrap().default_model().clone()
}

async fn ask(model: &Model) -> String {
    line(model.stream(prompt(), CallOptions::default())).await
}
