//! Words with a style, and lines of set glyphs.

use std::sync::Arc;

use cosmic_text::LayoutGlyph;

use super::sheet::Anchor;

/// Line height to font size.
const LEADING: f32 = 1.45;

/// How words look, and what they lead to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Style {
    /// In points.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) italic: bool,
    /// Letters of one width.
    pub(super) mono: bool,
    pub(super) struck: bool,
    pub(super) ink: Ink,
    /// Where a click leads.
    pub(super) to: Option<Anchor>,
    /// What leads here.
    pub(super) at: Option<Anchor>,
}

/// The colours of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    Gray,
    Faint,
    Link,
}

impl Style {
    pub(super) const BODY: Self = Self {
        size: 10.0,
        bold: false,
        italic: false,
        mono: false,
        struck: false,
        ink: Ink::Black,
        to: None,
        at: None,
    };
    pub(super) const SMALL: Self = Self { size: 8.5, ..Self::BODY };
    pub(super) const TITLE: Self = Self { size: 19.0, bold: true, ..Self::BODY };
    pub(super) const QUESTION: Self = Self { size: 13.0, bold: true, ..Self::BODY };

    pub(super) fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) fn italic(self) -> Self {
        Self { italic: true, ..self }
    }

    pub(super) fn gray(self) -> Self {
        Self { ink: Ink::Gray, ..self }
    }

    /// Letters of one width, a little smaller since they look larger.
    pub(super) fn mono(self) -> Self {
        Self { mono: true, size: self.size * 0.88, ..self }
    }

    pub(super) fn sized(self, size: f32) -> Self {
        Self { size, ..self }
    }

    pub(super) fn to(self, anchor: Anchor) -> Self {
        Self { to: Some(anchor), ink: Ink::Link, ..self }
    }

    pub(super) fn at(self, anchor: Anchor) -> Self {
        Self { at: Some(anchor), ..self }
    }

    /// Distance from one line to the next.
    pub(super) fn leading(&self) -> f32 {
        let leading = if self.size > 12.0 { 1.25 } else { LEADING };
        self.size * leading
    }
}

/// Words of one style.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Span {
    /// Words as one line of text: what breaks lines elsewhere is a space here.
    pub(super) fn new(text: &str, style: Style) -> Self {
        let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let text = text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect();
        Self { text, style }
    }
}

/// A line of set glyphs, at home anywhere on a page.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The whole text that the glyphs' ranges are of.
    pub(super) text: Arc<str>,
    /// The styles that the glyphs name.
    pub(super) styles: Arc<[Style]>,
    pub(super) glyphs: Vec<LayoutGlyph>,
    pub(super) width: f32,
    pub(super) height: f32,
    /// From the top of the line to the feet of its letters.
    pub(super) baseline: f32,
    /// Whether its text runs from right to left.
    pub(super) is_rtl: bool,
}
