//! The policy around the calls: tries, pauses, deadlines, the breaker, the model that stands in,
//! and what happens upstream when the reader leaves.

use std::time::Duration;

use futures::StreamExt;
use ibid::config::model::{ModelConfig, Timeouts, Vendor};
use ibid::provider::{CallOptions, Delta, Model, ProviderError};
use tokio::time::Instant;

use crate::replay::{Answer, Replay, Then};
use crate::{ask, config, fixture, model, prompt};

const FINE: &str = "In 1859 [1]. | 412+5 in 1 | Stop";

fn fine() -> Answer {
    Answer::stream(fixture("openai/no_done.sse"), 64)
}

fn failing(status: u16) -> Answer {
    Answer::json(status, &fixture("openai/refusals/server_error.json"))
}

fn limited(retry_after_ms: &str) -> Answer {
    Answer::json(429, &fixture("openai/refusals/rate_limit.json")).header("retry-after-ms", retry_after_ms)
}

/// A scripted model, which needs no network, so that time can be paused.
fn scripted(name: &str, script: &str) -> (tempfile::TempDir, ModelConfig) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.json");
    std::fs::write(&path, script).unwrap();
    let config =
        ModelConfig { script: Some(path), delay_ms: Some(0), ..ModelConfig::new(name, Vendor::Scripted) };
    (folder, config)
}

#[tokio::test]
async fn what_passes_is_tried_three_times_in_all_and_each_call_is_counted() {
    for first in [failing(500), failing(529), limited("20"), Answer::stream("", 1), failing(408)] {
        let server = Replay::start([first.clone(), first, fine()]).await;
        let said = ask(&model(&[config(Vendor::OpenAi, server.base_url())])).await;
        assert_eq!(said, "In 1859 [1]. | 412+5 in 3 | Stop");
    }
    let server = Replay::start([failing(503)]).await;
    let said = ask(&model(&[config(Vendor::OpenAi, server.base_url())])).await;
    assert!(said.starts_with(" | Unavailable(\"status 503"), "{said}");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn what_will_not_pass_is_not_tried_again() {
    for (status, name) in [
        (400, "bad_request"),
        (400, "context_length"),
        (401, "invalid_key"),
        (403, "invalid_key"),
        (404, "model_not_found"),
        (429, "insufficient_quota"),
    ] {
        let refusal = Answer::json(status, &fixture(&format!("openai/refusals/{name}.json")));
        let server = Replay::start([refusal, fine()]).await;
        let said = ask(&model(&[config(Vendor::OpenAi, server.base_url())])).await;
        assert!(!said.contains("1859") && server.asked().len() == 1, "{status} {name}: {said}");
    }
}

#[tokio::test]
async fn nothing_is_tried_again_once_there_is_text() {
    for name in ["openai/no_end_mark.sse", "openai/malformed.sse", "openai/error_midway.sse"] {
        let server = Replay::start([Answer::stream(fixture(name), 64), fine()]).await;
        let said = ask(&model(&[config(Vendor::OpenAi, server.base_url())])).await;
        assert!(said.starts_with("In 1859") && !said.contains("Stop"), "{said}");
        assert_eq!(server.asked().len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_word_is_written_twice_whatever_fails_and_whenever() {
    const KINDS: [&str; 7] = [
        "unauthorized",
        "rate_limited",
        "context_too_long",
        "unavailable",
        "timed_out",
        "rejected",
        "truncated",
    ];
    let (_b, second) = scripted("second", r#"[{"reply": "other words"}]"#);
    for (kind, after) in KINDS.into_iter().flat_map(|kind| (0..5).map(move |after| (kind, after))) {
        let rule = format!(r#"[{{"reply": "a b c d", "error": {{"kind": "{kind}", "after": {after}}}}}]"#);
        let (_a, alone) = scripted("first", &rule);
        let helped = ModelConfig { fallback: Some("second".to_owned()), ..alone.clone() };
        let written = &"a b c d"[..(after * 2).min(7)];
        let said = ask(&model(&[alone])).await;
        assert_eq!(said.split(" | ").next(), Some(written), "{kind} after {after}");
        let said = ask(&model(&[helped, second.clone()])).await;
        let helps = after == 0 && !["unauthorized", "context_too_long", "rejected"].contains(&kind);
        assert_eq!(said.contains("other words"), helps, "{kind} after {after}: {said}");
        assert!(helps || said.starts_with(written), "{kind} after {after}: {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_asked_for_is_kept_up_to_half_a_minute() {
    let limited =
        |seconds: u32| format!(r#"[{{"error": {{"kind": "rate_limited", "retry_after_s": {seconds}}}}}]"#);
    let (_folder, config) = scripted("m", &limited(30));
    let begun = Instant::now();
    assert!(ask(&model(&[config])).await.contains("RateLimited"));
    assert_eq!(begun.elapsed().as_secs(), 60, "two pauses");

    let (_folder, config) = scripted("m", &limited(31));
    let begun = Instant::now();
    assert!(ask(&model(&[config])).await.contains("RateLimited"));
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_random_and_grow_no_longer_than_their_limits() {
    let (_folder, config) = scripted("m", r#"[{"error": {"kind": "truncated"}}]"#);
    let mut pauses = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        ask(&model(std::slice::from_ref(&config))).await;
        pauses.push(begun.elapsed());
    }
    let (least, most) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
    assert!(*most <= Duration::from_millis(1503), "{most:?}");
    assert!(*most - *least > Duration::from_millis(500), "from {least:?} to {most:?} is no jitter");
}

#[tokio::test(start_paused = true)]
async fn the_total_deadline_covers_pauses_and_tries() {
    let (_folder, mut config) =
        scripted("m", r#"[{"error": {"kind": "rate_limited", "retry_after_s": 20}}]"#);
    config.timeouts.total_s = 30.0;
    let begun = Instant::now();
    assert!(ask(&model(&[config])).await.contains("RateLimited"));
    assert_eq!(begun.elapsed().as_secs(), 20, "the second pause would not fit");

    let (_folder, mut config) = scripted("m", r#"[{"reply": "one two three four", "delay_ms": 10000}]"#);
    config.timeouts.total_s = 35.0;
    let begun = Instant::now();
    assert_eq!(ask(&model(&[config])).await, "one two three  | TimedOut(\"the whole answer took too long\")");
    assert_eq!(begun.elapsed().as_secs(), 35);
}

#[tokio::test(start_paused = true)]
async fn a_slow_first_token_and_a_long_silence_time_out() {
    let (_folder, config) = scripted("m", r#"[{"reply": "late", "delay_ms": 31000}]"#);
    let begun = Instant::now();
    assert_eq!(ask(&model(&[config])).await, " | TimedOut(\"no first token\")");
    assert!((90..92).contains(&begun.elapsed().as_secs()), "three tries");

    let (_folder, mut config) = scripted("m", r#"[{"reply": "one two", "delay_ms": 5000}]"#);
    config.timeouts.idle_s = 4.0;
    assert_eq!(ask(&model(&[config])).await, "one  | TimedOut(\"no more tokens\")");
}

#[tokio::test]
async fn a_server_that_goes_silent_is_left() {
    let timeouts = Timeouts { first_token_s: 0.4, idle_s: 0.4, ..Timeouts::default() };
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"In\"}}]}\n\n";
    let silent_after_text = Answer::stream(half, 9).then(Then::Hang);
    let pings_only = Answer::stream(": ping\n\n".repeat(3), 9).then(Then::Hang);
    let no_head = fine().head_after(Duration::from_secs(60));
    for (answer, expected, calls) in [
        (silent_after_text, "In | TimedOut(\"no more tokens\")", 1),
        (pings_only, " | TimedOut(\"no first token\")", 3),
        (no_head, " | TimedOut(\"no first token\")", 3),
    ] {
        let server = Replay::start([answer]).await;
        let config = ModelConfig { timeouts, ..config(Vendor::OpenAi, server.base_url()) };
        assert_eq!(ask(&model(&[config])).await, expected);
        assert_eq!(server.asked().len(), calls);
    }
}

#[tokio::test]
async fn a_model_that_is_seen_thinking_is_waited_for() {
    let timeouts = Timeouts { first_token_s: 0.4, ..Timeouts::default() };
    for (name, expected) in [
        ("openai/reasoning.sse", "In 1859 [1]. | 412+40 in 1 | Stop"),
        // The same pace without a sign of life.
        ("openai/empty_deltas.sse", " | TimedOut(\"no first token\")"),
    ] {
        let frames = fixture(name).split_inclusive("\n\n").map(str::to_owned).collect();
        let server = Replay::start([Answer::paced(frames, Duration::from_millis(100))]).await;
        let config = ModelConfig { timeouts, ..config(Vendor::OpenAi, server.base_url()) };
        assert_eq!(ask(&model(&[config])).await, expected);
    }
}

#[tokio::test]
async fn a_reader_who_leaves_before_the_first_token_closes_the_connection_too() {
    let server = Replay::start([fine().head_after(Duration::from_secs(60))]).await;
    let model = model(&[config(Vendor::OpenAi, server.base_url())]);
    let mut stream = model.stream(prompt(), CallOptions::default());
    tokio::time::timeout(Duration::from_millis(400), stream.next()).await.unwrap_err();
    assert_eq!((server.asked().len(), server.num_closed()), (1, 0));
    drop(stream);
    server.closed(1).await;
}

#[tokio::test]
async fn a_reader_who_leaves_closes_the_connection_upstream() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"In\"}}]}\n\n";
    let server = Replay::start([Answer::stream(half, 9).then(Then::Hang)]).await;
    let model = model(&[config(Vendor::OpenAi, server.base_url())]);
    let mut stream = model.stream(prompt(), CallOptions::default());
    assert_eq!(stream.next().await.unwrap().unwrap(), Delta::Text("In".to_owned()));
    assert_eq!(server.num_closed(), 0);
    drop(stream);
    server.closed(1).await;
}

#[tokio::test]
async fn a_finished_answer_leaves_nothing_open_upstream() {
    let server = Replay::start([Answer::stream(fixture("openai/answer.sse"), 64).then(Then::Hang)]).await;
    let model = model(&[config(Vendor::OpenAi, server.base_url())]);
    let mut stream = model.stream(prompt(), CallOptions::default());
    while !matches!(stream.next().await.unwrap().unwrap(), Delta::End(_)) {}
    server.closed(1).await;
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn nothing_is_sent_before_the_stream_is_read() {
    let server = Replay::start([fine()]).await;
    let model = model(&[config(Vendor::OpenAi, server.base_url())]);
    drop(model.stream(prompt(), CallOptions::default()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_dead_model_is_soon_left_alone() {
    let server = Replay::start([failing(500)]).await;
    let model = model(&[config(Vendor::OpenAi, server.base_url())]);
    ask(&model).await;
    let said = ask(&model).await;
    assert!(said.contains("status 500"), "the failure that opened the breaker is told: {said}");
    assert_eq!(server.asked().len(), 5);

    let begun = Instant::now();
    let said = ask(&model.clone()).await;
    assert!(said.contains("left alone"), "{said}");
    assert!(begun.elapsed() < Duration::from_millis(250));
    assert_eq!(server.asked().len(), 5, "nobody was called");
}

#[tokio::test(start_paused = true)]
async fn the_breaker_lets_one_call_try_after_five_seconds() {
    let (_folder, config) = scripted("m", r#"[{"error": {"kind": "unavailable"}}]"#);
    let model = model(&[config]);
    ask(&model).await;
    ask(&model).await;
    assert!(ask(&model).await.contains("left alone"));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(ask(&model).await.contains("the script says so"), "the probe was made");
    assert!(ask(&model).await.contains("left alone"), "and failed");
}

#[tokio::test]
async fn another_model_stands_in_and_says_so() {
    let dead = Replay::start([failing(500)]).await;
    let well = Replay::start([fine()]).await;
    let first =
        ModelConfig { fallback: Some("second".to_owned()), ..config(Vendor::OpenAi, dead.base_url()) };
    let second = ModelConfig { name: "second".to_owned(), ..config(Vendor::OpenAi, well.base_url()) };
    let model = model(&[first, second]);
    let said = ask(&model).await;
    let told = "(second, because `m` is unavailable) In 1859 [1]. | 412+5 in 3 | Stop";
    assert_eq!(said, told, "two calls to the first and one to the second");

    for _ in 0..3 {
        ask(&model).await;
    }
    assert_eq!(dead.asked().len(), 5, "the breaker spares the dead one");
    assert!(ask(&model).await.ends_with(FINE));
}

#[tokio::test]
async fn no_other_model_stands_in_for_a_wrong_key_or_a_begun_answer() {
    let well = Replay::start([fine()]).await;
    let refusal = Answer::json(401, &fixture("openai/refusals/invalid_key.json"));
    for answer in [refusal, Answer::stream(fixture("openai/no_end_mark.sse"), 64)] {
        let server = Replay::start([answer]).await;
        let first =
            ModelConfig { fallback: Some("second".to_owned()), ..config(Vendor::OpenAi, server.base_url()) };
        let second = ModelConfig { name: "second".to_owned(), ..config(Vendor::OpenAi, well.base_url()) };
        ask(&model(&[first, second])).await;
    }
    assert!(well.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn if_both_fail_one_error_comes_and_nothing_before_it() {
    let (_a, first) = scripted("first", r#"[{"error": {"kind": "unavailable"}}]"#);
    let (_b, second) = scripted("second", r#"[{"error": {"kind": "unauthorized"}}]"#);
    let first = ModelConfig { fallback: Some("second".to_owned()), ..first };
    assert_eq!(ask(&model(&[first, second])).await, " | Unauthorized");
}

#[tokio::test]
async fn a_whole_answer_can_be_waited_for() {
    let server = Replay::start([Answer::stream(fixture("openai/answer.sse"), 64)]).await;
    let model: Model = model(&[config(Vendor::OpenAi, server.base_url())]);
    let whole = model.complete(prompt(), CallOptions::default()).await.unwrap();
    assert_eq!(whole.text, "The Zürich treaty – 条約 – was signed in 1859 [1].");
    assert_eq!((whole.usage.input_tokens, whole.usage.output_tokens, whole.usage.calls), (412, 14, 1));

    let server = Replay::start([Answer::stream(fixture("openai/no_end_mark.sse"), 64)]).await;
    let model: Model = crate::model(&[config(Vendor::OpenAi, server.base_url())]);
    let failed = model.complete(prompt(), CallOptions::default()).await;
    assert_eq!(failed, Err(ProviderError::Truncated("it has no end mark".to_owned())));
}
