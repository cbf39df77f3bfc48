//! What the terminal is told: colours if it wants them, lines that fit, and nothing a document
//! could have smuggled in to steer it.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::ops::Range;

/// Paints, or leaves text as it is when nobody would see the colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// For text that goes to `stream`. `NO_COLOR` and `TERM=dumb` are respected.
    pub(crate) fn for_stream(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { on: stream.is_terminal() && !refused }
    }

    pub(crate) fn bold(self, text: &str) -> Cow<'_, str> {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> Cow<'_, str> {
        self.with("2", text)
    }

    /// A citation mark.
    pub(crate) fn mark(self, text: &str) -> Cow<'_, str> {
        self.with("36", text)
    }

    /// A matched word.
    pub(crate) fn hit(self, text: &str) -> Cow<'_, str> {
        self.with("1;33", text)
    }

    /// Something that went wrong.
    pub(crate) fn bad(self, text: &str) -> Cow<'_, str> {
        self.with("31", text)
    }

    fn with<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        if self.on && !text.is_empty() {
            Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m"))
        } else {
            Cow::Borrowed(text)
        }
    }

    /// Paints every citation mark: `[1]`, `[1, 3]`.
    pub(crate) fn marks(self, text: &str) -> String {
        let mut painted = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, from) = rest.split_at(open);
            painted.push_str(before);
            let length = mark_length(from);
            let (mark, after) = from.split_at(length.unwrap_or(1));
            match length {
                Some(_) => painted.push_str(&self.mark(mark)),
                None => painted.push_str(mark),
            }
            rest = after;
        }
        painted.push_str(rest);
        painted
    }
}

/// The length of the citation mark that `text` begins with.
fn mark_length(text: &str) -> Option<usize> {
    let inner = &text[1..text.find(']')?];
    let is_mark = inner.split(',').all(|n| {
        let n = n.trim_matches(' ');
        !n.is_empty() && n.len() < 5 && n.bytes().all(|byte| byte.is_ascii_digit())
    });
    is_mark.then_some(inner.len() + 2)
}

/// Takes out what a terminal would obey instead of show: control characters, and the marks that
/// reverse the direction of text. Line ends and tabs stay.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_steering) { Cow::Owned(text.replace(is_steering, "")) } else { Cow::Borrowed(text) }
}

fn is_steering(character: char) -> bool {
    let reverses = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    reverses || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// [`clean`], on a single line.
pub(crate) fn line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lays text out in lines of at most `width` characters, each indented; its own line ends don't
/// count. What stands in `hits`, in bytes of the text, is painted.
pub(crate) fn flow(text: &str, hits: &[Range<usize>], paint: Paint, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let margin = " ".repeat(indent);
    let mut laid = String::new();
    let mut used = 0;
    for (at, word) in words(text) {
        let length = clean(word).chars().count();
        if length == 0 {
            continue;
        }
        if used > 0 && used + 1 + length > room {
            laid.push('\n');
            used = 0;
        }
        if used == 0 {
            laid.push_str(&margin);
        } else {
            laid.push(' ');
            used += 1;
        }
        push_painted(&mut laid, word, at, hits, paint);
        used += length;
    }
    laid
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

fn push_painted(laid: &mut String, word: &str, at: usize, hits: &[Range<usize>], paint: Paint) {
    let mut done = 0;
    for hit in hits {
        let start = hit.start.saturating_sub(at).clamp(done, word.len());
        let end = hit.end.saturating_sub(at).clamp(done, word.len());
        // A range that cuts a character in two comes from elsewhere; the word is shown unpainted.
        let (Some(before), Some(inside)) = (word.get(done..start), word.get(start..end)) else { continue };
        if !inside.is_empty() {
            laid.push_str(&clean(before));
            laid.push_str(&paint.hit(&clean(inside)));
            done = end;
        }
    }
    laid.push_str(&clean(&word[done..]));
}

/// Characters in a line of the terminal, at most 100 so that prose stays readable.
pub(crate) fn width() -> usize {
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 80 } else { columns.min(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Paint = Paint { on: false };
    const COLOURED: Paint = Paint { on: true };

    #[test]
    fn citation_marks_are_painted_and_other_brackets_are_not() {
        assert_eq!(
            COLOURED.marks("a [1] b [2, 13] c [x] [ ] [1"),
            "a \x1b[36m[1]\x1b[0m b \x1b[36m[2, 13]\x1b[0m c [x] [ ] [1"
        );
        assert_eq!(PLAIN.marks("a [1]"), "a [1]");
    }

    #[test]
    fn text_that_would_steer_the_terminal_is_disarmed() {
        assert_eq!(clean("a\x1b]0;title\x07b\u{9b}31m\r\n\tc\u{202e}d"), "a]0;titleb31m\n\tcd");
        assert_eq!(clean("Übergröße ›"), "Übergröße ›");
    }

    #[test]
    fn words_flow_into_lines_that_fit_under_their_indent() {
        let laid = flow("one two  three\nfour five six seven", &[], PLAIN, 2, 22);
        assert_eq!(laid, "  one two three four\n  five six seven");
    }

    #[test]
    fn a_matched_range_is_painted_even_inside_a_word_or_across_words() {
        let laid = flow("so unlucky we are", &[5..8, 11..17], COLOURED, 0, 80);
        assert_eq!(laid, "so un\x1b[1;33mluc\x1b[0mky \x1b[1;33mwe\x1b[0m \x1b[1;33mare\x1b[0m");
    }

    #[test]
    fn a_range_that_cuts_a_character_in_two_is_passed_over() {
        assert_eq!(flow("größe", std::slice::from_ref(&(3..4)), COLOURED, 0, 80), "größe");
    }
}
