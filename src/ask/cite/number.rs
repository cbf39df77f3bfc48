//! Numbers as a reader compares them: `1,434,200` is `1.4342 million`, `45 %` is `45 percent` but
//! not `45`. Value and unit only; what is counted is left to the words around it.

mod names;

use ibid_index::analysis::{Language, digit};

use self::names::spelled;
pub(crate) use self::names::unit_named;

/// A number of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    /// Its value, with `million` and the like multiplied in.
    pub(crate) value: f64,
    /// The unit, if one stands beside it.
    pub(crate) unit: Option<&'static str>,
    /// How far a rounded number may be from the exact one it stands for.
    slack: f64,
    /// First byte.
    pub(crate) start: usize,
    /// Whether it tells where something stands and not how much: "Section 5", a note in brackets.
    pub(crate) is_label: bool,
}

impl Number {
    /// Whether it can be a year.
    pub(crate) fn is_year(&self) -> bool {
        self.unit.is_none() && self.value.fract() == 0.0 && (1000.0..2100.0).contains(&self.value)
    }

    /// Whether a quote's number can stand behind this one: the same value, or the value this one
    /// is a rounding of, in no other unit.
    pub(crate) fn agrees(&self, quoted: &Self) -> bool {
        let same_unit = match (self.unit, quoted.unit) {
            (Some(unit), Some(other)) => unit == other,
            (Some("%"), None) | (None, Some("%")) => false,
            _ => true,
        };
        let near = self.slack.max(self.value.abs() * 1e-9);
        same_unit && (self.value - quoted.value).abs() <= near
    }
}

/// The numbers of a text in reading order, in digits or in words up to a hundred. Its language tells what
/// `1,5` means.
pub(crate) fn numbers(text: &str, language: Option<Language>) -> Vec<Number> {
    let decimal_comma = language.is_some_and(Language::writes_decimal_comma);
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let before = text[..at].chars().next_back();
        let begins_word = before.is_none_or(|before| !before.is_alphanumeric());
        if is_digit(c) && !before.is_some_and(is_digit) {
            let length = digits_length(&text[at..]);
            if let Some((value, step)) = value(&latin(&text[at..at + length]), decimal_comma) {
                found.push(finish(text, at, at + length, value, step));
            }
            at += length;
        } else if begins_word && c.is_alphabetic() {
            let length = word_length(&text[at..]);
            if let Some(value) = spelled(&text[at..at + length], language) {
                found.push(finish(text, at, at + length, value, 1.0));
            }
            at += length;
        } else {
            at += c.len_utf8();
        }
    }
    found
}

/// Digits with the separators between them.
fn digits_length(text: &str) -> usize {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_digit = chars.peek().is_some_and(|(_, next)| is_digit(*next));
        let groups = |rest: &str| rest.chars().take(3).filter(|c| is_digit(*c)).count() == 3;
        match c {
            c if is_digit(c) => end = at + c.len_utf8(),
            '.' | ',' | '\'' | '’' | '٫' | '٬' if next_is_digit => {}
            '\u{a0}' | '\u{202f}' | '\u{2009}' if groups(&text[at + c.len_utf8()..]) => {}
            _ => break,
        }
    }
    end
}

fn is_digit(c: char) -> bool {
    digit(c).is_some()
}

/// The same in Latin digits, with `.` for what is a decimal point in Arabic script only.
fn latin(digits: &str) -> String {
    let latin = |c| match c {
        '٫' => '.',
        '٬' => '\'',
        c => digit(c).map_or(c, |digit| char::from(b'0' + digit)),
    };
    digits.chars().map(latin).collect()
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len())
}

/// The value of digits with separators, and the size of its last place.
fn value(digits: &str, decimal_comma: bool) -> Option<(f64, f64)> {
    let point = decimal_point(digits, decimal_comma);
    let (whole, fraction) = point.map_or((digits, ""), |at| (&digits[..at], &digits[at + 1..]));
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let places = i32::try_from(fraction.len()).ok()?;
    Some((format!("{whole}.{fraction}0").parse().ok()?, 10f64.powi(-places)))
}

/// Where the decimals begin. The last of two kinds of separator is the point; one that repeats
/// parts groups; a single one before exactly three digits parts a group unless the language says
/// otherwise.
fn decimal_point(digits: &str, decimal_comma: bool) -> Option<usize> {
    let (point, comma) = (digits.rfind('.'), digits.rfind(','));
    match (point, comma) {
        (Some(point), Some(comma)) => Some(point.max(comma)),
        (None, None) => None,
        (at, other) => {
            let at = at.or(other)?;
            let sign = &digits[at..=at];
            let is_point = (sign == ",") == decimal_comma;
            let groups_of_three = digits.len() - at == 4 && at <= 3;
            (digits.matches(sign).count() == 1 && (is_point || !groups_of_three)).then_some(at)
        }
    }
}

fn finish(text: &str, start: usize, end: usize, value: f64, step: f64) -> Number {
    let rest = text[end..].trim_start_matches([' ', '\u{a0}', '\u{202f}', '-', '\n']);
    let word = &rest[..word_length(rest)];
    let scale = scale(word, rest.len() == text[end..].len());
    let after = if scale == 1.0 { rest } else { rest[word.len()..].trim_start() };
    let before = text[..start].trim_end();
    let rounded = scale > 1.0 || is_approximate(before);
    let slack = if rounded { round_to(value, step) * scale } else { 0.0 };
    let unit = currency(before).or_else(|| unit(after));
    let is_label = unit.is_none() && names::is_label(before);
    Number { value: value * scale, unit, slack, start, is_label }
}

/// Half the last place that is not an idle zero.
fn round_to(value: f64, mut step: f64) -> f64 {
    while value != 0.0 && step < value.abs() && (value / (step * 10.0)).fract() == 0.0 {
        step *= 10.0;
    }
    step / 2.0 * 1.000_001
}

fn is_approximate(before: &str) -> bool {
    let word =
        before.rsplit(|c: char| !c.is_alphabetic() && c != '~').next().unwrap_or_default().to_lowercase();
    [
        "about",
        "around",
        "approximately",
        "nearly",
        "roughly",
        "almost",
        "circa",
        "ca",
        "etwa",
        "rund",
        "environ",
        "~",
    ]
    .contains(&word.as_str())
}

fn scale(word: &str, attached: bool) -> f64 {
    match word {
        "m" | "M" | "mn" | "mm" if attached => return 1e6,
        "k" | "K" if attached => return 1e3,
        "b" | "B" | "bn" if attached => return 1e9,
        _ => {}
    }
    match word.to_lowercase().as_str() {
        "hundred" => 1e2,
        "thousand" | "tausend" | "mille" | "mil" => 1e3,
        "million" | "millions" | "mio" | "millionen" | "millones" | "mn" => 1e6,
        "billion" | "billions" | "bn" | "mrd" | "milliarden" | "milliarde" | "milliards" => 1e9,
        "trillion" | "trillions" | "tn" => 1e12,
        _ => 1.0,
    }
}

fn currency(before: &str) -> Option<&'static str> {
    CURRENCIES.iter().find(|(sign, _)| before.ends_with(sign)).map(|(_, unit)| *unit)
}

/// Signs that stand before a number.
const CURRENCIES: &[(&str, &str)] =
    &[("$", "usd"), ("€", "eur"), ("£", "gbp"), ("¥", "jpy"), ("USD", "usd"), ("EUR", "eur"), ("GBP", "gbp")];

fn unit(after: &str) -> Option<&'static str> {
    if after.starts_with('%') {
        return Some("%");
    }
    let is_part = |c: char| c.is_alphabetic() || matches!(c, '°' | '/' | '²');
    let word = &after[..after.find(|c: char| !is_part(c)).unwrap_or(after.len())];
    let second = after[word.len()..].trim_start();
    if word == "per" && second.starts_with("cent") {
        return Some("%");
    }
    unit_named(word)
}

#[cfg(test)]
mod tests {
    use super::{Language, numbers};

    #[track_caller]
    fn check(claim: &str, quote: &str, agree: bool) {
        let (claimed, quoted) = (numbers(claim, None), numbers(quote, None));
        let all = !claimed.is_empty()
            && claimed.iter().all(|number| quoted.iter().any(|other| number.agrees(other)));
        assert_eq!(all, agree, "{claim:?} against {quote:?}: {claimed:?} {quoted:?}");
    }

    #[test]
    fn the_same_number_agrees_however_it_is_written() {
        check("1,434,200 people", "1434200 people", true);
        check("12 people", "twelve people", true);
        check("45 %", "45 percent", true);
        check("45%", "45 per cent of it", true);
        check("$3.5 million", "3,500,000 dollars", true);
        check("1.4 million", "1,434,200", true);
        check("about 1,400", "1,434", true);
        check("$12bn", "$12 billion", true);
        check("1\u{202f}500", "1500", true);
        check("1.234.567", "1234567", true);
        check("the 10th century", "the 10th and 11th centuries", true);
        check("1357", "سال ۱۳۵۷", true);
        check("1,434,200", "١٬٤٣٤٬٢٠٠", true);
        check("2.5 km", "۲٫۵ km", true);
    }

    #[test]
    fn another_value_or_unit_does_not_agree() {
        check("2019", "2020", false);
        check("1,400", "1,434", false);
        check("45%", "45 people", false);
        check("3 days", "3 weeks", false);
        check("$5", "€5", false);
        check("5 million", "5 billion", false);
        check("1.5 million", "1.4 million", false);
        check("5 mg", "5 g", false);
    }

    #[test]
    fn a_decimal_comma_is_read_where_the_language_has_one() {
        let german = Language::from_code("de");
        assert_eq!(numbers("1,234", None)[0].value, 1234.0);
        assert_eq!(numbers("1,234", german)[0].value, 1.234);
        assert_eq!(numbers("1.234,5", german)[0].value, 1234.5);
        assert_eq!(numbers("3,5", None)[0].value, 3.5);
    }
}
