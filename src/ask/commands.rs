//! Slash commands: words for ibid itself, found before any model is called. This says which there
//! are and when a message is one; what they answer is in `reply`.
//!
//! A message is a command if it begins with `/` and a word of letters alone that names one, in any
//! case: `/docs`, `/Deep why?`. A word that names none counts as a mistyped command only if nothing
//! follows it, or if it is a slip away from one (`/sumarize the report`); then the answer names the
//! nearest. Everything else is a question: `/etc/passwd is what?`, `/tmp is full, why?`, `/ 2`. Two
//! slashes make a question of anything: `//help` asks about "/help".

pub(super) mod reply;

use schemars::JsonSchema;
use serde::Serialize;

use super::prompt::Turn;
use crate::edits;
use crate::session::{Mode, Role};

/// What a reader may know of a command.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Command")]
pub struct Usage {
    /// The word after the slash.
    pub name: &'static str,
    /// What may follow it; empty if nothing does.
    pub argument: &'static str,
    /// What it does.
    pub about: &'static str,
}

/// Every command, in the order of telling.
pub const COMMANDS: [Usage; 9] = [
    Usage { name: "help", argument: "", about: "list the commands" },
    Usage {
        name: "deep",
        argument: "[question]",
        about: "answer the question with deep research; alone, every question from here on",
    },
    Usage {
        name: "regular",
        argument: "[question]",
        about: "answer the question in one pass; alone, every question from here on",
    },
    Usage { name: "docs", argument: "", about: "list the documents that are searched" },
    Usage { name: "sources", argument: "", about: "list what the last answer cites, with its quotes" },
    Usage {
        name: "summarize",
        argument: "[subject]",
        about: "sum up what the documents say about a subject, or about what was just asked",
    },
    Usage { name: "model", argument: "[name]", about: "tell which model answers, or choose another" },
    Usage {
        name: "export",
        argument: "[json|markdown|pdf]",
        about: "tell where the session can be downloaded",
    },
    Usage {
        name: "clear",
        argument: "",
        about: "begin anew: what was said before is kept, but not considered",
    },
];

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something the documents may answer.
    Question {
        /// What is asked.
        text: String,
        /// How, if the message says so.
        mode: Option<Mode>,
    },
    /// Something ibid answers itself.
    Command(Command),
}

/// A command that calls no model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Which commands there are.
    Help,
    /// Answer every question this way.
    Mode(Mode),
    /// Which documents there are.
    Docs,
    /// What the last answer cites.
    Sources,
    /// Which model answers, or shall.
    Model(Option<String>),
    /// Where the session can be downloaded.
    Export(Option<String>),
    /// Consider nothing from before.
    Clear,
    /// A word that names no command, and the one most like it.
    Unknown { word: String, nearest: &'static str },
}

/// Tells a question from a command.
pub(super) fn hear(content: &str) -> Heard {
    let question = |text: &str, mode| Heard::Question { text: text.to_owned(), mode };
    let Some(after_slash) = content.trim().strip_prefix('/') else { return question(content, None) };
    if after_slash.starts_with('/') {
        return question(after_slash, None);
    }
    let (word, rest) = after_slash.split_once(char::is_whitespace).unwrap_or((after_slash, ""));
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return question(content, None);
    }
    let (word, rest) = (word.to_ascii_lowercase(), rest.trim());
    let argument = (!rest.is_empty()).then(|| rest.to_owned());
    Heard::Command(match (word.as_str(), argument) {
        ("help", _) => Command::Help,
        ("deep", None) => Command::Mode(Mode::DeepResearch),
        ("regular", None) => Command::Mode(Mode::Regular),
        ("deep", Some(asked)) => return question(&asked, Some(Mode::DeepResearch)),
        ("regular", Some(asked)) => return question(&asked, Some(Mode::Regular)),
        ("docs", _) => Command::Docs,
        ("sources", _) => Command::Sources,
        ("summarize", Some(subject)) => return question(&format!("Summarize {subject}"), None),
        // It has no words of its own, so it leans on the questions before it.
        ("summarize", None) => return question("Summarize this.", None),
        ("model", name) => Command::Model(name),
        ("export", format) => Command::Export(format),
        ("clear", _) => Command::Clear,
        (_, argument) => {
            let (nearest, slips) = nearest(&word);
            if argument.is_some() && slips > 1 + usize::from(word.len() > 6) {
                return question(content, None);
            }
            Command::Unknown { word, nearest }
        }
    })
}

/// What of a conversation is said to a model: the questions without the words that choose how they
/// are answered, nothing of commands and their answers, and nothing from before a `/clear`.
pub(super) fn spoken(turns: Vec<Turn>) -> Vec<Turn> {
    let mut spoken = Vec::with_capacity(turns.len());
    let mut answers_command = false;
    for turn in turns {
        let heard = (turn.role == Role::User).then(|| hear(&turn.content));
        answers_command = heard.as_ref().map_or(answers_command, |heard| matches!(heard, Heard::Command(_)));
        match heard {
            Some(Heard::Command(Command::Clear)) => spoken.clear(),
            Some(Heard::Question { text, .. }) => spoken.push(Turn { content: text, ..turn }),
            None if !answers_command => spoken.push(turn),
            None | Some(Heard::Command(_)) => {}
        }
    }
    spoken
}

/// The command most like a word, and how many slips away it is.
fn nearest(word: &str) -> (&'static str, usize) {
    let slips = COMMANDS.iter().map(|command| (command.name, edits(word, command.name)));
    slips.min_by_key(|(_, slips)| *slips).unwrap_or((COMMANDS[0].name, usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str, mode: Option<Mode>) -> Heard {
        Heard::Question { text: text.to_owned(), mode }
    }

    fn unknown(word: &str, nearest: &'static str) -> Heard {
        Heard::Command(Command::Unknown { word: word.to_owned(), nearest })
    }

    #[test]
    fn every_command_that_is_listed_is_heard() {
        for command in COMMANDS {
            let alone = hear(&format!("/{}", command.name));
            assert!(!matches!(alone, Heard::Command(Command::Unknown { .. })), "{}", command.name);
            assert_ne!(alone, question(&format!("/{}", command.name), None), "{}", command.name);
        }
    }

    #[test]
    fn a_command_may_be_in_any_case_and_have_an_argument() {
        assert_eq!(hear(" /HELP\n"), Heard::Command(Command::Help));
        assert_eq!(
            hear("/deep  why do\neels leave?"),
            question("why do\neels leave?", Some(Mode::DeepResearch))
        );
        assert_eq!(hear("/Regular\nwhy?"), question("why?", Some(Mode::Regular)));
        assert_eq!(hear("/deep"), Heard::Command(Command::Mode(Mode::DeepResearch)));
        assert_eq!(hear("/summarize the eels"), question("Summarize the eels", None));
        assert_eq!(hear("/model claude"), Heard::Command(Command::Model(Some("claude".to_owned()))));
    }

    #[test]
    fn a_slip_is_heard_as_one_and_nothing_else_that_begins_with_a_slash() {
        assert_eq!(hear("/hlep"), unknown("hlep", "help"));
        assert_eq!(hear("/sumarize the report"), unknown("sumarize", "summarize"));
        assert_eq!(hear("/summarise the report"), unknown("summarise", "summarize"));
        assert_eq!(hear("/frobnicate").to_owned(), unknown("frobnicate", nearest("frobnicate").0));
        for asked in [
            "/etc/passwd is what?",
            "/tmp is full, why?",
            "/dev is what?",
            "/ 2",
            "/",
            "/2 of it",
            "/help/me",
            "/docs.rs is what?",
            "what does /help do?",
            "",
        ] {
            assert_eq!(hear(asked), question(asked, None), "{asked}");
        }
    }

    #[test]
    fn two_slashes_make_a_question_of_anything() {
        assert_eq!(hear("//help"), question("/help", None));
        assert_eq!(hear("///"), question("//", None));
    }

    #[test]
    fn a_model_hears_nothing_of_commands_nor_of_what_was_cleared() {
        let turn = |role, content: &str| Turn { role, content: content.to_owned() };
        let said = |turns: &[&str]| {
            let roles = [Role::User, Role::Assistant].into_iter().cycle();
            let turns = roles.zip(turns).map(|(role, content)| turn(role, content)).collect();
            spoken(turns).into_iter().map(|turn| turn.content).collect::<Vec<_>>()
        };
        assert_eq!(said(&["a?", "A.", "/help", "Commands.", "/deep b?", "B."]), ["a?", "A.", "b?", "B."]);
        assert_eq!(said(&["a?", "A.", "/clear", "Cleared.", "b?", "B."]), ["b?", "B."]);
    }
}
