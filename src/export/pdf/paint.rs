//! Filled pages as a PDF: glyphs with the text they stand for, links, outline and page numbers.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::Document;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::destination::{Destination, XyzDestination};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};

use super::fonts::Fonts;
use super::sheet::{Item, LEFT, PAGE_HEIGHT, PAGE_WIDTH, Sheet, WIDTH};
use super::text::{Ink, Line, Span, Style};

/// Where the page number stands.
const FOOT: f32 = PAGE_HEIGHT - 56.0;
/// Glyphs further from where the one before ended begin a run of their own.
const GAP: f32 = 0.01;

/// Writes the pages.
pub(super) fn paint(sheet: Sheet, title: &str, made_at: Timestamp) -> Result<Vec<u8>, String> {
    let Sheet { mut fonts, pages, anchors, outline, .. } = sheet;
    let mut document = Document::new();
    let count = pages.len();
    for (number, items) in pages.into_iter().enumerate() {
        let Some(settings) = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT) else { continue };
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        let mut links = Vec::new();
        for item in items {
            match item {
                Item::Line { x, y, line } => {
                    draw(&mut surface, &mut fonts, x, y, &line);
                    links.extend(link_areas(x, y, &line));
                }
                Item::Rule { x, y, width, thickness, ink } => {
                    fill(&mut surface, x, y - thickness / 2.0, width, thickness, colour(ink));
                }
                Item::Ground { x, y, width, height } => {
                    fill(&mut surface, x, y, width, height, rgb::Color::new(0xf3, 0xf2, 0xee));
                }
            }
        }
        let number = format!("{} / {count}", number + 1);
        if let Some(line) = fonts.set(&[Span::new(&number, Style::SMALL.gray())], WIDTH).into_iter().next() {
            draw(&mut surface, &mut fonts, LEFT + (WIDTH - line.width) / 2.0, FOOT, &line);
        }
        surface.finish();
        for (area, anchor) in links {
            let Some((to, y)) = anchors.get(&anchor) else { continue };
            let to = XyzDestination::new(*to, Point::from_xy(LEFT, (y - 12.0).max(0.0)));
            let target = Target::Destination(Destination::Xyz(to));
            page.add_annotation(Annotation::new_link(LinkAnnotation::new(area, target), None));
        }
        page.finish();
    }
    let mut marks = Outline::new();
    for mark in outline {
        let to = XyzDestination::new(mark.page, Point::from_xy(LEFT, (mark.y - 12.0).max(0.0)));
        marks.push_child(OutlineNode::new(mark.title, to));
    }
    document.set_outline(marks);
    document.set_metadata(metadata(title, made_at));
    document.finish().map_err(|error| error.to_string())
}

/// Draws a line: glyphs of one font, size and colour that follow one another go together, each
/// with the text it stands for.
fn draw(surface: &mut Surface<'_>, fonts: &mut Fonts, x: f32, y: f32, line: &Line) {
    let baseline = y + line.baseline;
    let mut rest = line.glyphs.as_slice();
    while let Some(first) = rest.first() {
        let mut end = first.x;
        let together = rest.iter().take_while(|glyph| {
            let follows = (glyph.x - end).abs() < GAP;
            end = glyph.x + glyph.w;
            let same = (glyph.font_id, glyph.font_weight, glyph.metadata, glyph.level)
                == (first.font_id, first.font_weight, first.metadata, first.level);
            follows && same
        });
        let (run, others) = rest.split_at(together.count().max(1));
        rest = others;
        let Some(font) = fonts.embedded(first) else { continue };
        let size = first.font_size;
        let glyphs: Vec<KrillaGlyph> = run
            .iter()
            .map(|glyph| {
                let id = GlyphId::new(u32::from(glyph.glyph_id));
                let (advance, range) = (glyph.w / size, glyph.start..glyph.end);
                KrillaGlyph::new(id, advance, glyph.x_offset, glyph.y_offset, 0.0, range, None)
            })
            .collect();
        let style = line.styles.get(first.metadata).copied().unwrap_or(Style::BODY);
        surface.set_fill(Some(Fill { paint: colour(style.ink).into(), ..Fill::default() }));
        surface.draw_glyphs(Point::from_xy(x + first.x, baseline), &glyphs, font, &line.text, size, false);
        if style.struck {
            let width: f32 = run.iter().map(|glyph| glyph.w).sum();
            fill(surface, x + first.x, baseline - size * 0.28, width, 0.5, colour(style.ink));
        }
    }
}

/// Where a line can be clicked, and what that leads to.
fn link_areas(x: f32, y: f32, line: &Line) -> Vec<(Rect, super::Anchor)> {
    let mut areas: Vec<(f32, f32, super::Anchor)> = Vec::new();
    for glyph in &line.glyphs {
        let Some(to) = line.styles.get(glyph.metadata).and_then(|style| style.to) else { continue };
        let (left, right) = (x + glyph.x, x + glyph.x + glyph.w);
        match areas.last_mut().filter(|last| last.2 == to && (last.1 - left).abs() < 1.0) {
            Some(last) => last.1 = right,
            None => areas.push((left, right, to)),
        }
    }
    let area = |(left, right, to)| Some((Rect::from_ltrb(left, y, right, y + line.height)?, to));
    areas.into_iter().filter_map(area).collect()
}

fn fill(surface: &mut Surface<'_>, x: f32, y: f32, width: f32, height: f32, ink: rgb::Color) {
    let Some(rect) = Rect::from_xywh(x, y, width, height) else { return };
    let mut path = PathBuilder::new();
    path.push_rect(rect);
    let Some(path) = path.finish() else { return };
    surface.set_fill(Some(Fill { paint: ink.into(), ..Fill::default() }));
    surface.draw_path(&path);
}

fn colour(ink: Ink) -> rgb::Color {
    match ink {
        Ink::Black => rgb::Color::new(0x14, 0x14, 0x14),
        Ink::Gray => rgb::Color::new(0x66, 0x66, 0x66),
        Ink::Faint => rgb::Color::new(0xcc, 0xcc, 0xcc),
        Ink::Link => rgb::Color::new(0x1d, 0x4f, 0x91),
    }
}

fn metadata(title: &str, made_at: Timestamp) -> Metadata {
    let at = made_at.to_zoned(TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let date = DateTime::new(u16::try_from(at.year()).unwrap_or(0))
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()));
    Metadata::new().title(title.to_owned()).creator("ibid".to_owned()).creation_date(date)
}
