//! XML of office files, as a flat walk with a bounded depth. Entities a document declares are
//! never expanded, external ones never fetched.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{ExtractError, Limits};

/// What a walk meets; names are without their prefix.
pub(super) enum Node<'a> {
    Open(&'a str, &'a BytesStart<'a>),
    Close(&'a str),
    Text(Cow<'a, str>),
}

/// Shows every element and text of a part to `visit`, in document order.
pub(super) fn walk(
    bytes: &[u8],
    format: &'static str,
    limits: &Limits,
    mut visit: impl FnMut(Node<'_>) -> Result<(), ExtractError>,
) -> Result<(), ExtractError> {
    let xml = super::charset::decode_html(bytes);
    let mut reader = Reader::from_str(&xml);
    reader.config_mut().allow_dangling_amp = true;
    let mut depth = 0;
    loop {
        match reader.read_event().map_err(|error| ExtractError::damaged(format, error))? {
            Event::Start(start) => {
                depth += 1;
                if depth > limits.xml_depth {
                    let detail = format_args!("its parts are nested more than {} deep", limits.xml_depth);
                    return Err(ExtractError::damaged(format, detail));
                }
                visit(Node::Open(start.local_name().as_ref(), &start))?;
            }
            Event::Empty(start) => {
                visit(Node::Open(start.local_name().as_ref(), &start))?;
                visit(Node::Close(start.local_name().as_ref()))?;
            }
            Event::End(end) => {
                depth -= 1;
                visit(Node::Close(end.local_name().as_ref()))?;
            }
            Event::Text(text) => visit(Node::Text(text.xml10_content()))?,
            Event::CData(text) => visit(Node::Text(text.xml10_content()))?,
            Event::GeneralRef(reference) => {
                let named = match reference.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                if let Some(c) = named {
                    visit(Node::Text(Cow::Owned(c.to_string())))?;
                }
            }
            Event::Eof if depth > 0 => return Err(ExtractError::damaged(format, "it ends too early")),
            Event::Eof => return Ok(()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// The value of an attribute, by its name without prefix.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    // The check for doubles takes quadratic time, which a hostile file would use.
    let mut attributes = start.attributes();
    let found = attributes
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(match found.normalized_value(XmlVersion::Implicit1_0) {
        Ok(value) => value.into_owned(),
        Err(_) => found.value.into_owned(),
    })
}

/// The text of the first element called `name`, such as a title among the metadata.
pub(super) fn first_text(bytes: &[u8], format: &'static str, limits: &Limits, name: &str) -> Option<String> {
    let (mut inside, mut done) = (false, false);
    let mut words = String::new();
    let walked = walk(bytes, format, limits, |node| {
        match node {
            Node::Open(open, _) if open == name && !done => inside = true,
            Node::Close(close) if close == name && inside => (inside, done) = (false, true),
            Node::Text(text) if inside => words.push_str(&text),
            _ => {}
        }
        Ok(())
    });
    (walked.is_ok() && !words.trim().is_empty()).then_some(words)
}
