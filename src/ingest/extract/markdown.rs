//! Markdown: the text stays as written, its headings and front matter are found.

use pulldown_cmark::{Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::ExtractError;
use super::compose::Composer;

pub(super) fn read(text: &str, out: &mut Composer) -> Result<(), ExtractError> {
    out.verbatim(text)?;
    let mut found = Vec::new();
    let mut title = None;
    let mut words = String::new();
    let mut inside = None;
    let mut in_front_matter = false;
    let options =
        Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(out.text(), options).into_offset_iter() {
        match event {
            Event::Start(Tag::MetadataBlock(MetadataBlockKind::YamlStyle)) => in_front_matter = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_front_matter = false,
            Event::Text(yaml) if in_front_matter => title = title.or_else(|| yaml_title(&yaml)),
            Event::Start(Tag::Heading { level, .. }) => {
                words.clear();
                // Inside a quotation the heading follows the quotation mark; its line begins before.
                let line = out.text()[..range.start].rfind('\n').map_or(0, |feed| feed + 1);
                inside = Some((line, level as u8));
            }
            Event::End(TagEnd::Heading(_)) => {
                if let Some((start, level)) = inside.take() {
                    found.push((start, level, words.clone()));
                }
            }
            Event::Text(piece) | Event::Code(piece) if inside.is_some() => words.push_str(&piece),
            Event::SoftBreak | Event::HardBreak if inside.is_some() => words.push(' '),
            _ => {}
        }
    }
    let first = found.iter().find(|(_, level, _)| *level == 1).map(|(_, _, words)| words.clone());
    out.title = title.or(first);
    for (start, level, words) in found {
        out.mark_heading(start, level, &words);
    }
    Ok(())
}

/// `title: …` at the top level of the front matter.
fn yaml_title(yaml: &str) -> Option<String> {
    let value = yaml.lines().find_map(|line| line.strip_prefix("title:"))?.trim();
    let unquoted = [('"', '"'), ('\'', '\'')]
        .iter()
        .find_map(|(open, close)| value.strip_prefix(*open)?.strip_suffix(*close))
        .unwrap_or(value);
    (!unquoted.is_empty() && !matches!(unquoted, "|" | ">" | ">-" | "|-")).then(|| unquoted.to_owned())
}
