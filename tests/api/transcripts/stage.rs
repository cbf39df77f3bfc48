//! Where plays are given: a server with three short documents, and for each play a model of its own
//! that follows the play's script. A line that is held is said once the play is let go on.

use std::path::PathBuf;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::render::transcript;
use crate::research::check_quotes;
use crate::support::{Frame, Server, answer, eventually, frames};

/// What is asked in every play.
pub(super) const QUESTION: &str = "When was the Halden weir opened and how many eels were counted?";
pub(super) const OPENED: &str = "When was the Halden weir opened?";
pub(super) const EELS: &str = "How many eels were counted at the Halden weir?";
pub(super) const LADDER: &str = "When was the ladder for eels built?";

const WEIR: &str = "# The Halden weir\n\nThe Halden weir was opened in 1953. It is 31 metres long and holds \
    the river at 2.4 metres. It cost 40,000 crowns, and the town paid for all of it.\n";
const LETTERS: &str = "# Letters from the mill\n\nThe Halden weir was opened in 1957, my father wrote, and \
    the whole mill came to see it. In spring the eels gather below it.\n";
const SURVEY: &str = "# Eel survey\n\nIn 2019 the count at the Halden weir found 412 eels. A ladder for eels \
    was built beside the weir in 2016.\n";

pub(super) struct Stage {
    pub(super) server: Server,
    folder: PathBuf,
}

/// A play under way.
pub(super) struct Play {
    name: &'static str,
    session: String,
    id: String,
    num_seen: usize,
    _stream: Response,
}

/// The script that all others are changes of: two questions, a third one found missing, no more,
/// then a summary and three sections. The order is that of the calls.
pub(super) fn script() -> Vec<Value> {
    let plan = json!({"question": QUESTION, "questions": [
        {"text": OPENED, "why": "the year"}, {"text": EELS, "why": "the eels"},
    ]});
    let missing = json!({"questions": [{"text": LADDER, "why": "the notes name a ladder"}]});
    // Whichever passage a sentence stands in; where it does not, the note is dropped.
    let notes = |quotes: &[&str]| {
        let placed =
            quotes.iter().flat_map(|quote| (1..=3).map(move |n| json!({"passage": n, "quote": quote})));
        json!({"notes": placed.collect::<Vec<_>>()}).to_string()
    };
    let opened = notes(&["The Halden weir was opened in 1953.", "The Halden weir was opened in 1957"]);
    let says = |of: &str, text: &str| json!({"when": ["You write one section", of], "reply": text});
    vec![
        json!({"when": ["You plan research"], "reply": plan.to_string()}),
        json!({"when": ["You take notes", OPENED], "reply": opened}),
        json!({"when": ["You take notes", EELS], "reply": notes(&["In 2019 the count at the Halden weir found 412 eels."])}),
        json!({"when": ["You look for gaps"], "reply": missing.to_string(), "times": 1}),
        json!({"when": ["You take notes", LADDER], "reply": notes(&["A ladder for eels was built beside the weir in 2016."])}),
        json!({"when": ["You look for gaps"], "reply": "{\"questions\": []}"}),
        says(QUESTION, "The weir was opened in 1953 [2]. This mark is wrong [99]."),
        says(OPENED, "The Halden weir was opened in 1953 [2], or in 1957 [3]."),
        says(EELS, "The count of 2019 found 412 eels [1]."),
        says(LADDER, "A ladder for eels was built in 2016 [1]."),
    ]
}

/// The script with one call changed.
pub(super) fn but(at: usize, change: &Value) -> Vec<Value> {
    let mut script = script();
    let (rule, change) = (script[at].as_object_mut().unwrap(), change.as_object().unwrap());
    rule.extend(change.clone());
    script
}

/// The script with one call held.
pub(super) fn held(at: usize) -> Vec<Value> {
    but(at, &json!({"hold": ""}))
}

impl Stage {
    pub(super) async fn open(plays: &[(&'static str, Vec<Value>)]) -> Self {
        let stage = Self::bare(plays).await;
        for (name, text) in [("weir.md", WEIR), ("letters.md", LETTERS), ("survey.md", SURVEY)] {
            assert_eq!(stage.server.add(name, text).await["status"], "ready");
        }
        stage
    }

    /// A stage without documents.
    pub(super) async fn bare(plays: &[(&'static str, Vec<Value>)]) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut config = "[research]\nparallel = 1\n".to_owned();
        for (name, script) in plays {
            let mut script = script.clone();
            for rule in script.iter_mut().filter(|rule| rule.get("hold").is_some()) {
                rule["hold"] = json!(folder.join(name));
            }
            let file = folder.join(format!("{name}.json"));
            std::fs::write(&file, json!(script).to_string()).unwrap();
            config += &format!(
                "[[models]]\nname = \"{name}\"\nprovider = \"scripted\"\ndelay_ms = 0\nscript = \"{}\"\n",
                file.display()
            );
        }
        Self { server: Server::with_config(&config).await, folder }
    }

    /// Waits until all that was seen of a play is written down too.
    pub(super) async fn recorded(&self, play: &Play) {
        let file = format!("answers/{}/{}.jsonl", play.session, play.id);
        let file = self.server.data.path().join(file);
        eventually("what was seen is in the record", async || {
            let text = std::fs::read_to_string(&file).unwrap();
            (text.lines().count() >= play.num_seen).then_some(())
        })
        .await;
    }

    /// Lets a play go on.
    pub(super) fn release(&self, name: &str) {
        std::fs::write(self.folder.join(name), "").unwrap();
    }

    /// Begins a play and watches it up to an event.
    pub(super) async fn begin(
        &self,
        name: &'static str,
        more: &Value,
        sign: impl Fn(&[Frame]) -> bool,
    ) -> Play {
        let session = self.server.session().await;
        let mut body = json!({"content": QUESTION, "mode": "deep_research", "model": name});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = format!("/api/chat/sessions/{session}/messages");
        let mut stream = self.server.send(Method::POST, &path, Some(body)).await;
        let mut seen = String::new();
        loop {
            let whole = seen.rfind("\n\n").map_or_else(Vec::new, |end| frames(&seen[..end + 2]));
            if sign(&whole) {
                let id = whole[0].data["message_id"].as_str().unwrap().to_owned();
                return Play { name, session, id, num_seen: whole.len(), _stream: stream };
            }
            let bytes = stream.chunk().await.unwrap();
            let bytes = bytes.unwrap_or_else(|| panic!("{name} ended before its sign: {seen}"));
            seen.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Where a play is asked about.
    pub(super) fn path(play: &Play) -> String {
        format!("/api/chat/sessions/{}/messages/{}", play.session, play.id)
    }

    /// A play from beginning to end.
    pub(super) async fn play(&self, name: &'static str, more: &Value) {
        let play = self.begin(name, more, |frames| frames.iter().any(|frame| frame.event == "started")).await;
        let most = more["budget"]["calls"].as_u64();
        self.finish(play, most).await;
    }

    /// Waits for the end of a play, checks what holds for all, and compares its transcript.
    pub(super) async fn finish(&self, play: Play, most_calls: Option<u64>) {
        let message = eventually("the play is over", async || {
            let message = self.server.get(&Self::path(&play)).await;
            (message["status"] != "running").then_some(message)
        })
        .await;
        let frames = self.server.events(&play.session, &play.id, 0).await;
        let ends = frames.iter().filter(|frame| matches!(frame.event.as_str(), "done" | "error"));
        assert_eq!(ends.count(), 1, "{}: one end", play.name);
        let last = frames.last().unwrap();
        assert!(matches!(last.event.as_str(), "done" | "error"), "{}: nothing after the end", play.name);
        assert!(frames.iter().zip(1..).all(|(frame, seq)| frame.id == seq), "{}: no gaps", play.name);
        assert_eq!(message["content"], answer(&frames), "{}: history is what was streamed", play.name);
        let calls = last.data["usage"]["calls"].as_u64().unwrap_or(0);
        assert!(calls <= most_calls.unwrap_or(40), "{}: {calls} calls", play.name);
        check_steps(&frames, play.name);
        check_quotes(&self.server, &frames).await;
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(play.name, transcript(&frames, &message));
        });
    }
}

/// A step ends once, after it began, and what was found to a question is found once.
fn check_steps(frames: &[Frame], name: &str) {
    let steps: Vec<&Value> =
        frames.iter().filter(|frame| frame.event == "step").map(|frame| &frame.data).collect();
    let finished: Vec<&&Value> = steps.iter().filter(|step| step["state"] == "finished").collect();
    for step in &finished {
        let same = |other: &&&Value| other["id"] == step["id"];
        let begins = steps.iter().filter(same).filter(|other| other["state"] == "started").count();
        let is_resume = step["kind"] == "resume";
        assert!(is_resume || begins == 1, "{name}: {step}");
        assert_eq!(finished.iter().filter(|other| other["id"] == step["id"]).count(), 1, "{name}: {step}");
        let again = finished.iter().filter(|other| {
            other["kind"] == "read" && step["kind"] == "read" && other["question_id"] == step["question_id"]
        });
        assert!(again.count() <= 1, "{name}: read twice: {step}");
    }
}
