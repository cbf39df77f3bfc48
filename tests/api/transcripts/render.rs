//! A run as text that people can read and compare: what happened, in order, and what came of it.
//! Ids, times and token counts are left out, since they differ from run to run.

use std::fmt::Write;

use serde_json::Value;

use crate::support::Frame;

/// The events of a run and the message it became.
pub(super) fn transcript(frames: &[Frame], message: &Value) -> String {
    let mut out = String::new();
    frames.iter().for_each(|frame| event(&mut out, frame));
    let _ = writeln!(out, "\nmessage {}", words(&message["status"]));
    for (what, told) in message["coverage"].as_object().into_iter().flatten() {
        let _ = match told.as_array() {
            Some(all) if ["skipped", "readings"].contains(&what.as_str()) => {
                writeln!(out, "  {what}: {}", all.len())
            }
            Some(_) => {
                lines(&mut out, &format!("  {what}:"), told, |question| format!("  {}", words(question)))
            }
            None => writeln!(out, "  {what}: {told}"),
        };
    }
    out
}

fn event(out: &mut String, Frame { event, data, .. }: &Frame) {
    let _ = match event.as_str() {
        "started" => writeln!(out, "started {}", words(&data["mode"])),
        "plan" => plan(out, data),
        "step" => step(out, data),
        "sources" => lines(out, "sources", &data["sources"], |source| {
            format!("[{}] {}", source["n"], words(&source["title"]))
        }),
        "token" => {
            let text = words(&data["text"]);
            text.trim_end().lines().try_for_each(|line| writeln!(out, "  | {line}"))
        }
        "citation" => {
            let [quote, verdict] = ["quote", "verdict"].map(|name| words(&data[name]));
            writeln!(out, "  cited [{}] “{quote}” {verdict}", data["n"])
        }
        "done" => {
            let calls = &data["usage"]["calls"];
            let reason = words(&data["finish_reason"]);
            writeln!(out, "done {reason}: {} citations, {calls} calls", data["citations"])
        }
        _ => writeln!(out, "{event} {}: {}", words(&data["code"]), words(&data["message"])),
    };
}

fn plan(out: &mut String, data: &Value) -> std::fmt::Result {
    let waits = if data["awaiting_approval"] == true { ", waits for approval" } else { "" };
    lines(
        out,
        &format!("plan for “{}”{waits}", words(&data["question"])),
        &data["questions"],
        |question| {
            let round = if question["round"] == 0 {
                String::new()
            } else {
                format!(" (round {})", question["round"])
            };
            format!("{}. {}{round}: {}", question["id"], words(&question["text"]), words(&question["why"]))
        },
    )
}

fn step(out: &mut String, data: &Value) -> std::fmt::Result {
    let mut line = format!("{} {} {}", data["id"], words(&data["kind"]), words(&data["state"]));
    if let Some(question) = data["question_id"].as_u64() {
        line += &format!(", question {question}");
    }
    if let Some(found) = data["found"].as_u64() {
        line += &format!(", {found} found");
    }
    if let Some(calls) = data["result"]["usage"]["calls"].as_u64().filter(|calls| *calls > 0) {
        line += &format!(", {calls} calls");
    }
    if let Some(note) = data["note"].as_str() {
        line += &format!(": {note}");
    }
    lines(out, &line, &data["result"]["notes"], |note| format!("“{}”", words(&note["quote"])))
}

fn lines(out: &mut String, head: &str, all: &Value, line: impl Fn(&Value) -> String) -> std::fmt::Result {
    writeln!(out, "{head}")?;
    all.as_array().into_iter().flatten().try_for_each(|one| writeln!(out, "  {}", line(one)))
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
