//! Whole deep researches against the built server, each with a model that follows a script: what
//! must always hold is checked first, then the transcript is compared with the one in `snapshots/`.
//! After a wanted change, `INSTA_UPDATE=always cargo test --test api transcripts` writes them anew.

mod render;
mod stage;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Frame;
use stage::{LADDER, OPENED, Stage, but, held, script};

/// The calls of the script, by their place in it.
const PLAN: usize = 0;
const READ: usize = 1;
const READ_AGAIN: usize = 2;
const GAP: usize = 3;
const READ_LATER: usize = 4;
const GAP_AGAIN: usize = 5;
const SUMMARY: usize = 6;
const SECTION: usize = 8;

/// The event on which a held call hangs.
fn reaches(call: usize) -> impl Fn(&[Frame]) -> bool {
    let (kind, question, nth) = match call {
        PLAN => ("plan", Value::Null, 1),
        READ => ("read", json!(1), 1),
        READ_AGAIN => ("read", json!(2), 1),
        GAP => ("gap", Value::Null, 1),
        READ_LATER => ("read", json!(3), 1),
        GAP_AGAIN => ("gap", Value::Null, 2),
        SUMMARY => ("write", Value::Null, 1),
        _ => ("write", json!(2), 1),
    };
    move |frames| {
        let is_it = |data: &Value| {
            data["kind"] == kind && data["state"] == "started" && data["question_id"] == question
        };
        frames.iter().filter(|frame| frame.event == "step" && is_it(&frame.data)).count() >= nth
    }
}

fn plans(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.event == "plan")
}

#[tokio::test]
async fn from_the_plan_to_the_report() {
    let not_a_plan = json!({"when": ["You plan research"], "reply": "First I would", "times": 1});
    let mut repaired = script();
    repaired.insert(PLAN, not_a_plan);
    let never = but(PLAN, &json!({"reply": "First I would"}));
    let stage =
        Stage::open(&[("plain", script()), ("plan_repaired", repaired), ("plan_unreadable", never)]).await;
    for name in ["plain", "plan_repaired", "plan_unreadable"] {
        stage.play(name, &json!({})).await;
    }
}

#[tokio::test]
async fn without_documents() {
    let stage = Stage::bare(&[("no_documents", script())]).await;
    stage.play("no_documents", &json!({})).await;
}

#[tokio::test]
async fn with_a_budget_that_ends_in_each_phase() {
    let plays = [("budget_plan", 0), ("budget_read", 3), ("budget_gap", 4), ("budget_report", 9)];
    let scripts: Vec<_> = plays.iter().map(|(name, _)| (*name, script())).collect();
    let stage = Stage::open(&scripts).await;
    for (name, calls) in plays {
        stage.play(name, &json!({"budget": {"calls": calls}})).await;
    }
}

#[tokio::test]
async fn with_calls_that_are_tried_again_and_are_paid_for() {
    let mut failing = script();
    let error = json!({"kind": "unavailable"});
    failing.insert(READ, json!({"when": ["You take notes", OPENED], "error": error, "times": 2}));
    let stage = Stage::open(&[("tried_again", failing.clone()), ("tried_once", failing)]).await;
    stage.play("tried_again", &json!({})).await;
    stage.play("tried_once", &json!({"budget": {"calls": 3}})).await;
}

#[tokio::test]
async fn with_a_model_that_breaks_off_in_each_phase() {
    let broken = |at| but(at, &json!({"error": {"kind": "truncated", "after": 2}}));
    let plays = [
        ("broken_plan", broken(PLAN)),
        ("broken_read", broken(READ_AGAIN)),
        ("broken_gap", broken(GAP)),
        ("broken_summary", broken(SUMMARY)),
        ("broken_section", broken(SECTION)),
    ];
    let stage = Stage::open(&plays).await;
    for (name, _) in plays {
        stage.play(name, &json!({})).await;
    }
}

#[tokio::test]
async fn with_a_plan_that_the_reader_changes() {
    let plays = [
        ("plan_edited", script()),
        ("steered_while_reading", held(READ)),
        ("steered_while_gaps_are_looked_for", held(GAP)),
        ("steered_too_late", held(SUMMARY)),
    ];
    let stage = Stage::open(&plays).await;
    let change = async |play: &stage::Play, change: Value| {
        stage.server.post(&format!("{}/plan", Stage::path(play)), change).await
    };
    let paid = json!({"text": "Who paid for the Halden weir?"});

    let play = stage.begin("plan_edited", &json!({"approve_plan": true}), plans).await;
    change(&play, json!({"approve": false, "questions": [{"id": 2}, paid]})).await;
    change(&play, json!({"approve": true})).await;
    stage.finish(play, None).await;

    for (name, call) in [("steered_while_reading", READ), ("steered_while_gaps_are_looked_for", GAP)] {
        let play = stage.begin(name, &json!({}), reaches(call)).await;
        let changed = change(&play, json!({"questions": [{"id": 1}, paid]})).await;
        assert_eq!(changed["plan"]["questions"].as_array().unwrap().len(), 2, "taken up at once: {changed}");
        stage.release(name);
        stage.finish(play, None).await;
    }

    let play = stage.begin("steered_too_late", &json!({}), reaches(SUMMARY)).await;
    let path = format!("{}/plan", Stage::path(&play));
    let late = json!({"questions": [{"text": LADDER}]});
    let late = stage.server.problem(StatusCode::CONFLICT, Method::POST, &path, Some(late)).await;
    assert!(late["detail"].as_str().unwrap().contains("is being written"), "{late}");
    stage.release("steered_too_late");
    stage.finish(play, None).await;
}

#[tokio::test]
async fn cancelled_at_each_step() {
    let plays = [
        ("cancelled_in_plan", PLAN),
        ("cancelled_in_read", READ_AGAIN),
        ("cancelled_in_gap", GAP),
        ("cancelled_in_summary", SUMMARY),
        ("cancelled_in_section", SECTION),
    ];
    let mut scripts: Vec<_> = plays.iter().map(|(name, call)| (*name, held(*call))).collect();
    scripts.push(("cancelled_before_consent", script()));
    let stage = Stage::open(&scripts).await;
    for (name, call) in plays {
        let play = stage.begin(name, &json!({}), reaches(call)).await;
        stage.server.post(&format!("{}/cancel", Stage::path(&play)), json!({})).await;
        stage.finish(play, None).await;
    }
    let play = stage.begin("cancelled_before_consent", &json!({"approve_plan": true}), plans).await;
    stage.server.post(&format!("{}/cancel", Stage::path(&play)), json!({})).await;
    stage.finish(play, None).await;
}

#[tokio::test]
async fn killed_and_resumed_at_each_step() {
    let plays = [
        ("killed_in_plan", PLAN),
        ("killed_in_read", READ),
        ("killed_in_second_read", READ_AGAIN),
        ("killed_in_gap", GAP),
        ("killed_in_later_read", READ_LATER),
        ("killed_in_later_gap", GAP_AGAIN),
        ("killed_in_summary", SUMMARY),
        ("killed_in_section", SECTION),
    ];
    let mut scripts: Vec<_> = plays.iter().map(|(name, call)| (*name, held(*call))).collect();
    scripts.push(("killed_before_consent", script()));
    let mut stage = Stage::open(&scripts).await;
    let mut begun = Vec::new();
    for (name, call) in plays {
        begun.push(stage.begin(name, &json!({}), reaches(call)).await);
    }
    // Its plan is durable once the step that drew it up is over.
    let is_planned = |frames: &[Frame]| frames.iter().filter(|frame| frame.event == "step").count() > 1;
    begun.push(stage.begin("killed_before_consent", &json!({"approve_plan": true}), is_planned).await);
    for play in &begun {
        stage.recorded(play).await;
    }
    stage.server.kill();
    plays.iter().for_each(|(name, _)| stage.release(name));
    stage.server.start_again().await;
    let waiting = stage.server.get(&Stage::path(begun.last().unwrap())).await;
    assert_eq!(waiting["plan"]["awaiting_approval"], true, "it waits for consent as before: {waiting}");
    let consent = format!("{}/plan", Stage::path(begun.last().unwrap()));
    stage.server.post(&consent, json!({"approve": true})).await;
    for play in begun {
        stage.finish(play, None).await;
    }
}
