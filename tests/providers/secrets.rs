//! What must stay inside: the key, the prompt and the answer, at the most talkative log level.

use std::cell::RefCell;
use std::io;

use ibid::config::model::{ModelConfig, Vendor};
use ibid::provider::Models;

use crate::replay::{Answer, Replay};
use crate::{ask, config, fixture};

const KEY: &str = "sk-canary-7c1f";

thread_local! {
    /// What this test logged. Every test has a thread of its own.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to the log of the thread, if it keeps one.
struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_key_nor_prompt_nor_answer_is_logged_or_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();

    // Global, since a subscriber of one thread can miss what another thread logged first.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Log);
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    LOG.set(Some(Vec::new()));

    let mut shown = String::new();
    for (vendor, header, folder) in
        [(Vendor::OpenAi, "authorization", "openai"), (Vendor::Anthropic, "x-api-key", "anthropic")]
    {
        let echo = fixture("openai/refusals/bad_request.json");
        let server = Replay::start([
            Answer::json(500, &echo),
            Answer::stream(fixture(&format!("{folder}/answer.sse")), 50),
            Answer::stream(fixture(&format!("{folder}/malformed.sse")), 50),
            Answer::json(400, &echo),
        ])
        .await;
        let config = ModelConfig { api_key_file: Some(file.clone()), ..config(vendor, server.base_url()) };
        let models = Models::new(std::slice::from_ref(&config)).unwrap();
        for _ in 0..3 {
            shown.push_str(&ask(models.default_model()).await);
        }
        shown.push_str(&format!("{models:?} {config:?} {:?}", config.api_key().unwrap()));
        for asked in server.asked() {
            assert!(asked.headers[header].to_str().unwrap().contains(KEY), "the key was sent");
        }
    }

    assert!(shown.contains("the key was [redacted]"), "{shown}");
    assert!(!shown.contains(KEY), "{shown}");
    let log = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(log.contains("a call to a model failed") && log.contains("TRACE"), "the log was not caught");
    for secret in
        [KEY, "When was the treaty signed", "Answer from the passages", "Zürich", "treaty", "In 1859"]
    {
        assert!(!log.contains(secret), "`{secret}` is in the log:\n{log}");
    }
}
