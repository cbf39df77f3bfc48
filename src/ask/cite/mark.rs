//! The grammar of citation marks: `[1]`, `[1, 3]`, `[1-3]`, `[^1]`, `[source 2]`, `[1†p. 4]` and
//! the same in `【】`. Told from the characters alone; whether a number names a passage is not
//! decided here.

/// Longest mark that is waited for, in bytes.
const MAX_MARK_BYTES: usize = 48;

/// What a stretch of text that begins with a bracket is, as far as it has been seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It may still become a mark.
    Possible,
    /// It is a mark of these numbers.
    Mark(Vec<u32>),
    /// It is something else.
    Other,
}

/// Whether a character may begin a mark.
pub(super) fn opens(c: char) -> bool {
    closer(c).is_some()
}

/// Reads `text`, which begins with an opening bracket.
pub(super) fn read(text: &str) -> Reading {
    let mut chars = text.chars();
    let Some(close) = chars.next().and_then(closer) else { return Reading::Other };
    let body = chars.as_str();
    if let Some(inside) = body.strip_suffix(close) {
        return numbers(inside).map_or(Reading::Other, Reading::Mark);
    }
    if text.len() <= MAX_MARK_BYTES && may_go_on(body) { Reading::Possible } else { Reading::Other }
}

fn closer(open: char) -> Option<char> {
    match open {
        '[' => Some(']'),
        '【' => Some('】'),
        '［' => Some('］'),
        _ => None,
    }
}

/// The numbers of a mark. Years and other long numbers, lists with a zero and ranges that run
/// backwards are no marks: `[2019]`, `[0, 1]`.
fn numbers(inside: &str) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    let (listed, _note) = inside.split_once('†').unwrap_or((inside, ""));
    for item in unlabelled(listed).split([',', ';', '&']) {
        let item = unlabelled(item);
        let (first, last) = item.split_once(['-', '–', '—']).unwrap_or((item, item));
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return None;
        }
        numbers.extend((first..=last).filter(|n| !numbers.contains(n)).collect::<Vec<_>>());
    }
    Some(numbers)
}

fn number(digits: &str) -> Option<u32> {
    let digits = digits.trim();
    let plain = (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (plain && !digits.starts_with('0')).then(|| digits.parse().ok()).flatten()
}

/// What a model writes before the number.
const LABELS: &[&str] =
    &["sources", "source", "passages", "passage", "documents", "document", "doc", "refs", "ref"];

fn unlabelled(text: &str) -> &str {
    let text = text.trim().trim_start_matches('^');
    let head = text.len() - text.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let is_label = LABELS.contains(&text[..head].to_ascii_lowercase().as_str());
    if is_label { text[head..].trim_start_matches([' ', ':', '#', '.']) } else { text }
}

/// Whether what stands after the bracket can be the beginning of a mark's inside.
fn may_go_on(body: &str) -> bool {
    if body.contains('†') {
        return body.trim_start().starts_with(|c: char| c.is_ascii_digit())
            && !body.contains(['\n', '[', '【']);
    }
    let body = body.trim_start().trim_start_matches('^');
    let head = body.len() - body.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let word = body[..head].to_ascii_lowercase();
    let label_so_far = if head == body.len() {
        LABELS.iter().any(|label| label.starts_with(word.as_str()))
    } else {
        head == 0 || LABELS.contains(&word.as_str())
    };
    let rest = &body[head..];
    let digits_stay_short = rest.split(|c: char| !c.is_ascii_digit()).all(|run| run.len() <= 3);
    let listed =
        |c: char| matches!(c, '0'..='9' | ' ' | ',' | ';' | '&' | '-' | '–' | '—' | '^' | ':' | '#' | '.');
    label_so_far && digits_stay_short && rest.chars().all(listed)
}

#[cfg(test)]
mod tests {
    use super::{Reading, read};

    #[test]
    fn marks_are_read_in_all_their_spellings() {
        for (text, numbers) in [
            ("[1]", vec![1]),
            ("[1, 3]", vec![1, 3]),
            ("[1;2]", vec![1, 2]),
            ("[1-3]", vec![1, 2, 3]),
            ("[2–3, 3]", vec![2, 3]),
            ("[^4]", vec![4]),
            ("【5】", vec![5]),
            ("【5†source】", vec![5]),
            ("[1†L3-L5]", vec![1]),
            ("[Source 2]", vec![2]),
            ("[passages: 1, 2]", vec![1, 2]),
            ("[ 7 ]", vec![7]),
        ] {
            assert_eq!(read(text), Reading::Mark(numbers), "{text}");
            for (end, _) in text.char_indices().skip(1) {
                assert_eq!(read(&text[..end]), Reading::Possible, "{text} up to {end}");
            }
        }
    }

    #[test]
    fn other_brackets_are_left_alone() {
        for text in
            ["[2019]", "[x]", "[ ]", "[]", "[0]", "[0, 1]", "[3-1]", "[text]", "[a", "[12a]", "[1][", "x"]
        {
            assert_eq!(read(text), Reading::Other, "{text}");
        }
    }
}
