//! What commands answer, in Markdown, and what they change about their session. No model is called
//! and nothing is searched.

use std::fmt::Write;

use super::{COMMANDS, Command};
use crate::app::App;
use crate::ask::asked::{Asked, Past};
use crate::ask::told::escaped;
use crate::document::Status;
use crate::documents::{self, Filter};
use crate::provider::Model;
use crate::session::{Message, Mode, Session};
use crate::store::{Batch, Order, keys};
use crate::{Error, sessions};

/// Most documents that are named.
const MAX_DOCUMENTS: usize = 100;
/// How far back an answer with citations is looked for, in messages.
const MAX_BACK: usize = 50;
/// What a session can be downloaded as.
const FORMATS: [&str; 3] = ["json", "markdown", "pdf"];
/// Why a command can't do what it does elsewhere.
const NOT_KEPT: &str = "This conversation is not kept here, so there is nothing to";

/// Carries out a command and says what came of it.
pub(in crate::ask) async fn reply(app: &App, asked: &Asked, command: &Command) -> Result<String, Error> {
    match command {
        Command::Help => Ok(help()),
        Command::Unknown { word, nearest } => {
            Ok(format!("There is no command `/{word}`. Did you mean `/{nearest}`?\n\n{}", help()))
        }
        Command::Docs => docs(app, asked).await,
        Command::Sources => sources(app, asked).await,
        Command::Mode(mode) => choose_mode(app, asked, *mode).await,
        Command::Model(name) => choose_model(app, asked, name.as_deref()).await,
        Command::Export(format) => Ok(export(asked, format.as_deref())),
        Command::Clear => Ok("From here on, nothing said before is considered. It is still kept.".to_owned()),
    }
}

fn help() -> String {
    let mut text = "These are the commands:\n\n".to_owned();
    for command in COMMANDS {
        let space = if command.argument.is_empty() { "" } else { " " };
        let _ = writeln!(text, "- `/{}{space}{}`: {}", command.name, command.argument, command.about);
    }
    text.push_str("\nBegin with two slashes to ask a question that begins with one.");
    text
}

async fn docs(app: &App, asked: &Asked) -> Result<String, Error> {
    let filter = Filter { collection: asked.scope.collection().map(str::to_owned), ..Filter::default() };
    let (listed, more) = documents::list(app, &asked.caller, &filter, None, MAX_DOCUMENTS).await?;
    let searched: Vec<_> = listed.iter().filter(|document| asked.scope.contains(document)).collect();
    if searched.is_empty() {
        return Ok("There are no documents to search yet. Upload some, then ask.".to_owned());
    }
    let mut text = "These documents are searched:\n\n".to_owned();
    for document in searched {
        let pages = document.pages.map(|pages| format!(", {pages} pages")).unwrap_or_default();
        let state = match document.status {
            Status::Ready => "",
            Status::Failed => " (could not be read)",
            Status::Queued | Status::Extracting | Status::Indexing => " (being read)",
        };
        let _ = writeln!(text, "- {}{pages}{state}", escaped(&document.title));
    }
    if more.is_some() {
        text.push_str("\nThere are more; these are the newest.");
    }
    Ok(text)
}

async fn sources(app: &App, asked: &Asked) -> Result<String, Error> {
    if let Past::Given(_) = asked.past {
        return Ok(format!("{NOT_KEPT} look up. Each answer came with its citations."));
    }
    let prefix = keys::messages(asked.key.session);
    let before = keys::message(asked.key.session, asked.question_id);
    let stored = app.store.scan::<Message>(&prefix, Some(&before), MAX_BACK, Order::Descending).await?;
    for (_, record) in stored {
        let message = sessions::with_answer(app, asked.key.session, record.value).await?;
        if message.citations.is_empty() {
            continue;
        }
        let mut text = "The last answer with citations rests on:\n\n".to_owned();
        for citation in &message.citations {
            let page = citation.page.map(|page| format!(", page {page}")).unwrap_or_default();
            let (title, quote) = (escaped(&citation.title), escaped(&citation.quote));
            let _ = writeln!(text, "- **{title}**{page}: “{quote}”");
        }
        return Ok(text);
    }
    Ok("No answer here has cited anything yet.".to_owned())
}

async fn choose_mode(app: &App, asked: &Asked, mode: Mode) -> Result<String, Error> {
    let (how, name) = match mode {
        Mode::DeepResearch => ("with deep research", "deep"),
        Mode::Regular => ("in one pass", "regular"),
    };
    if !change(app, asked, |session| session.mode = mode).await? {
        return Ok(format!("{NOT_KEPT} change. Put the question behind it: `/{name} question`."));
    }
    Ok(format!("From here on, questions of this session are answered {how} unless they say otherwise."))
}

async fn choose_model(app: &App, asked: &Asked, name: Option<&str>) -> Result<String, Error> {
    let names: Vec<String> = app.models.iter().map(|model| format!("`{}`", model.name())).collect();
    let names = names.join(", ");
    let Some(name) = name else {
        return Ok(format!("`{}` answers. There are {names}; choose one with `/model name`.", asked.model));
    };
    let Some(model) = app.models.get(name).map(Model::name) else {
        return Ok(format!("There is no model `{}`. There are {names}.", name.replace('`', "'")));
    };
    if !change(app, asked, |session| session.model = Some(model.to_owned())).await? {
        return Ok(format!("{NOT_KEPT} change. Name the model with each request."));
    }
    Ok(format!("From here on, `{model}` answers in this session."))
}

fn export(asked: &Asked, format: Option<&str>) -> String {
    if let Past::Given(_) = asked.past {
        return format!("{NOT_KEPT} download.");
    }
    let link = |format: &&str| {
        let session = asked.key.session;
        format!("- [{format}](/api/chat/sessions/{session}/export?format={format})\n")
    };
    let wanted = format.map(str::to_ascii_lowercase);
    match FORMATS.iter().find(|known| wanted.as_deref() == Some(**known)) {
        Some(format) => format!("Here is this session:\n\n{}", link(format)),
        None => format!("Here is this session:\n\n{}", FORMATS.iter().map(link).collect::<String>()),
    }
}

/// Changes the session of a question. False if there is none.
async fn change(app: &App, asked: &Asked, how: impl Fn(&mut Session)) -> Result<bool, Error> {
    if let Past::Given(_) = asked.past {
        return Ok(false);
    }
    loop {
        let stored = sessions::get(app, &asked.caller, asked.key.session).await?;
        let mut changed = stored.value.clone();
        how(&mut changed);
        if sessions::update(app, Batch::new(), &stored, &changed).await? {
            return Ok(true);
        }
    }
}
