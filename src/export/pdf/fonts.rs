//! The fonts of the machine and the one that is built in, and text set with them: shaped, in both
//! directions, broken into lines, every letter from a font that has it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cosmic_text::{
    Attrs, AttrsList, Family, FontSystem, Hinting, LayoutGlyph, ShapeLine, Shaping, Wrap, fontdb,
};
use krilla::text::{Font, Tag};

use super::text::{Line, Span, Style};

/// Noto Serif with the letters of Latin, Greek and Cyrillic.
const BUILT_IN: [&[u8]; 3] = [
    include_bytes!("fonts/IbidSerif-Regular.ttf"),
    include_bytes!("fonts/IbidSerif-Italic.ttf"),
    include_bytes!("fonts/IbidSerif-Bold.ttf"),
];
const FAMILY: &str = "Ibid Serif";
/// Families of letters of one width, the first that is there is taken.
const MONO: [&str; 7] =
    ["Noto Sans Mono", "DejaVu Sans Mono", "Liberation Mono", "Menlo", "Consolas", "Courier New", "Courier"];
/// Families whose letters are pictures, which are not embedded: another font's outlines serve.
const PICTURES: [&str; 2] = ["Noto Color Emoji", "Apple Color Emoji"];
const TAB_WIDTH: u16 = 4;

pub(super) struct Fonts {
    system: FontSystem,
    mono: Option<&'static str>,
    /// As they go into the file; None where one can't.
    embedded: HashMap<(fontdb::ID, u16), Option<Font>>,
    /// Letters that no font has.
    missing: BTreeSet<char>,
}

/// A font's bytes, shared with the layout.
struct Bytes(Arc<cosmic_text::Font>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self.0.data()
    }
}

impl Fonts {
    /// The machine's fonts behind the one that is built in.
    pub(super) fn of_this_machine() -> Self {
        let mut db = fontdb::Database::new();
        db.load_system_fonts();
        let is_picture = |face: &&fontdb::FaceInfo| {
            face.families.iter().any(|(name, _)| PICTURES.contains(&name.as_str()))
        };
        let pictures: Vec<fontdb::ID> = db.faces().filter(is_picture).map(|face| face.id).collect();
        pictures.into_iter().for_each(|id| db.remove_face(id));
        Self::with(db)
    }

    /// The one that is built in, alone.
    pub(super) fn built_in() -> Self {
        Self::with(fontdb::Database::new())
    }

    fn with(mut db: fontdb::Database) -> Self {
        for font in BUILT_IN {
            db.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        let has = |wanted: &&str| db.faces().any(|face| face.families.iter().any(|(name, _)| name == wanted));
        let mono = MONO.iter().copied().find(|name| has(name));
        let system = FontSystem::new_with_locale_and_db("en".to_owned(), db);
        Self { system, mono, embedded: HashMap::new(), missing: BTreeSet::new() }
    }

    /// The letters that no font had so far.
    pub(super) fn missing(&self) -> &BTreeSet<char> {
        &self.missing
    }

    /// Sets words into lines of at most this width.
    pub(super) fn set(&mut self, spans: &[Span], width: f32) -> Vec<Line> {
        let text: Arc<str> = spans.iter().map(|span| span.text.as_str()).collect::<String>().into();
        let styles: Arc<[Style]> = spans.iter().map(|span| span.style).collect();
        let plain = Style::BODY;
        let first = styles.first().copied().unwrap_or(plain);
        let mut attributes = AttrsList::new(&self.attributes(&first));
        let mut start = 0;
        for (number, span) in spans.iter().enumerate() {
            let end = start + span.text.len();
            attributes.add_span(start..end, &self.attributes(&span.style).metadata(number));
            start = end;
        }
        let shaped = ShapeLine::new(&mut self.system, &text, &attributes, Shaping::Advanced, TAB_WIDTH);
        let lines = shaped.layout(first.size, Some(width), Wrap::WordOrGlyph, None, None, Hinting::Disabled);
        let height = styles.iter().map(Style::leading).fold(0.0, f32::max).max(first.leading());
        let size = styles.iter().map(|style| style.size).fold(first.size, f32::max);
        let set = |line: cosmic_text::LayoutLine| Line {
            text: Arc::clone(&text),
            styles: Arc::clone(&styles),
            width: line.w,
            glyphs: line.glyphs,
            height,
            baseline: (height - size) / 2.0 + size * 0.82,
            is_rtl: shaped.rtl,
        };
        let lines: Vec<Line> = lines.into_iter().map(set).collect();
        for line in &lines {
            self.note_missing(line);
        }
        lines
    }

    /// A font as it goes into the file.
    pub(super) fn embedded(&mut self, glyph: &LayoutGlyph) -> Option<Font> {
        let (id, weight) = (glyph.font_id, glyph.font_weight);
        let system = &mut self.system;
        let load = || {
            let index = system.db().face(id)?.index;
            let data: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(Bytes(system.get_font(id, weight)?));
            Font::new_variable(data.into(), index, &[(Tag::new(b"wght"), f32::from(weight.0))])
        };
        self.embedded.entry((id, weight.0)).or_insert_with(load).clone()
    }

    fn attributes(&self, style: &Style) -> Attrs<'static> {
        let family = if style.mono { self.mono.unwrap_or(FAMILY) } else { FAMILY };
        let weight = if style.bold { fontdb::Weight::BOLD } else { fontdb::Weight::NORMAL };
        // There is no bold italic among the built-in ones.
        let is_slanted = style.italic && !style.bold;
        let slant = if is_slanted { cosmic_text::Style::Italic } else { cosmic_text::Style::Normal };
        let metrics = cosmic_text::Metrics::new(style.size, style.leading());
        Attrs::new().family(Family::Name(family)).weight(weight).style(slant).metrics(metrics)
    }

    fn note_missing(&mut self, line: &Line) {
        for glyph in line.glyphs.iter().filter(|glyph| glyph.glyph_id == 0) {
            let letters = line.text.get(glyph.start..glyph.end).unwrap_or_default();
            self.missing.extend(letters.chars().filter(|c| !is_unseen(*c)));
        }
    }
}

/// Whether a character has no shape of its own: spaces, and what only joins or directs others.
fn is_unseen(c: char) -> bool {
    let directs =
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    c.is_whitespace()
        || directs
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
