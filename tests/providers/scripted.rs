//! The scripted model: rules, failures, and what it says without a rule.

use std::time::Duration;

use futures::StreamExt;
use ibid::ask::prompt::Prompt;
use ibid::config::model::{ModelConfig, Vendor};
use ibid::provider::{CallOptions, Delta, Provider};
use tokio::time::Instant;

use crate::{call, prompt};

fn config() -> ModelConfig {
    ModelConfig { delay_ms: Some(0), ..ModelConfig::new("demo", Vendor::Scripted) }
}

async fn by_script(script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.json");
    std::fs::write(&path, script).unwrap();
    call(&ModelConfig { script: Some(path), ..config() }, &CallOptions::default()).await
}

#[tokio::test]
async fn without_a_rule_it_quotes_the_first_good_sentences() {
    let expected = "The treaty of Zürich was signed in November 1859. [1] \
                    France ceded Lombardy at once. [2] | 17+16 in 1 | Stop";
    let said = call(&config(), &CallOptions::default()).await;
    assert_eq!(said, expected);
    assert_eq!(call(&config(), &CallOptions::default()).await, said, "same prompt, same bytes");
}

#[tokio::test]
async fn without_passages_it_says_that_there_is_nothing() {
    let prompt = Prompt { passages: Vec::new(), ..prompt() };
    let stream = Provider::new(&config()).unwrap().stream(&prompt, &CallOptions::default());
    assert!(crate::line(stream).await.starts_with("The documents say nothing about this."));
}

#[tokio::test]
async fn the_first_rule_that_fits_answers() {
    let rules = r#"[
        {"when": ["treaty", "no such words"], "reply": "wrong"},
        {"when": ["treaty", "Answer from"], "reply": ["In 18", "59 [", "1]."], "usage": {"input_tokens": 9, "output_tokens": 3}},
        {"reply": "too late"}
    ]"#;
    assert_eq!(by_script(rules).await, "In 1859 [1]. | 9+3 in 1 | Stop");
    let said = by_script(r#"[{"when": ["elsewhere"], "reply": "no"}]"#).await;
    assert!(said.starts_with("The treaty of Zürich"), "{said}");
}

#[tokio::test]
async fn a_rule_can_fail_wherever_it_likes() {
    for (kind, expected) in [
        ("unauthorized", "one two  | Unauthorized"),
        ("rate_limited", "one two  | RateLimited { retry_after: None }"),
        ("context_too_long", "one two  | ContextTooLong"),
        ("unavailable", "one two  | Unavailable(\"the script says so\")"),
        ("timed_out", "one two  | TimedOut(\"the script says so\")"),
        ("rejected", "one two  | Rejected(\"the script says so\")"),
        ("truncated", "one two  | Truncated(\"the script says so\")"),
    ] {
        let rules = format!(r#"[{{"reply": "one two three", "error": {{"kind": "{kind}", "after": 2}}}}]"#);
        assert_eq!(by_script(&rules).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn it_types_word_by_word() {
    let config = ModelConfig::new("demo", Vendor::Scripted);
    let begun = Instant::now();
    let stream = Provider::new(&config).unwrap().stream(&prompt(), &CallOptions::default());
    let texts = stream.filter(|item| std::future::ready(matches!(item, Ok(Delta::Text(_))))).count().await;
    assert_eq!(texts, 16);
    assert_eq!(begun.elapsed(), Duration::from_millis(16 * 15));
}

#[test]
fn a_script_that_cannot_be_read_is_a_mistake_in_the_configuration() {
    let missing = ModelConfig { script: Some("/no/such/script.json".into()), ..config() };
    let words = Provider::new(&missing).unwrap_err().to_string();
    assert!(words.contains("`/no/such/script.json` of model `demo`"), "{words}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.json");
    std::fs::write(&path, r#"[{"replay": "typo"}]"#).unwrap();
    let words = Provider::new(&ModelConfig { script: Some(path), ..config() }).unwrap_err().to_string();
    assert!(words.contains("replay"), "{words}");
}
