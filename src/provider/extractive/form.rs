//! What a sentence is by its form alone: debris, a reference, a link, one that sets two things apart.

use ibid_index::analysis::is_unspaced;

/// Whether a sentence sets one thing against another.
pub(super) fn contrasts(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| CONTRASTS.contains(&word))
}

#[rustfmt::skip]
const CONTRASTS: &[&str] = &[
    "while", "whereas", "unlike", "but", "however", "contrast", "instead", "rather", "differ", "differs", "difference",
    "different", "than", "während", "hingegen", "dagegen", "aber", "sondern", "unterscheidet", "unterscheiden",
    "anders", "tandis", "mais", "contrairement", "mientras", "pero", "sino", "mentre", "invece", "ma", "enquanto",
    "mas", "terwijl", "maar", "medan", "men", "mens", "natomiast", "но",
];

/// Whether a sentence is page furniture or debris rather than something said.
pub(super) fn is_debris(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let num_words = sentence.split_whitespace().count();
    let letters = sentence.chars().filter(|c| c.is_alphabetic()).count();
    let visible = sentence.chars().filter(|c| !c.is_whitespace()).count();
    let unspaced = sentence.chars().filter(|c| is_unspaced(*c)).count() > 5;
    let furniture = [
        "all rights reserved",
        "©",
        "cookie",
        "subscribe to",
        "sign up for",
        "click here",
        "terms of use",
        "privacy policy",
        "follow us",
        "log in to",
        "this page intentionally",
    ];
    (num_words < 4 && !unspaced)
        || letters * 2 < visible
        || sentence.contains("....")
        || sentence.contains(". . . .")
        // Bylines and mastheads are told by what parts their items.
        || sentence.matches(" · ").count() >= 2
        || ends_with_page(&lower)
        || furniture.iter().any(|sign| lower.contains(sign))
}

/// Whether a sentence is an entry of a list of references: names with initials, and where they were printed.
pub(super) fn is_reference(sentence: &str) -> bool {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let is_initial = |word: &&&str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_uppercase) && matches!(chars.as_str(), "." | ".,")
    };
    let is_printed = || {
        let lower = sentence.to_lowercase();
        PRINTED.iter().any(|sign| lower.contains(sign))
    };
    words.iter().filter(is_initial).count() >= LEAST_INITIALS && is_printed()
}

const LEAST_INITIALS: usize = 2;
#[rustfmt::skip]
const PRINTED: &[&str] = &[
    " pp.", " vol.", " proc.", "proceedings", " trans.", " ed.", " eds.", "doi", "arxiv", "journal", " press", "in proc",
    "conference", "symposium", "workshop", " isbn", "tech. rep", "technical report", "thesis", " hrsg", " s. ",
    "zeitschrift", "verlag", "revue",
];

/// Whether a sentence stands in brackets as a whole.
pub(super) fn is_bracketed(sentence: &str) -> bool {
    let inside = sentence.strip_prefix('(').and_then(|rest| rest.trim_end_matches('.').strip_suffix(')'));
    inside.is_some_and(|inside| !inside.contains(['(', ')']))
}

/// Whether a line, in lower case, ends as those at the edge of a page do: "Page 3 of 5".
fn ends_with_page(line: &str) -> bool {
    let page = ["page", "seite", "página", "pagina", "sida", "side", "strona", "страница", "стр."];
    let is_number = |word: &str| word.parse::<u32>().is_ok();
    let mut words = line.rsplit(' ');
    let (total, _of) = (words.next(), words.next());
    total.is_some_and(is_number)
        && words.next().is_some_and(is_number)
        && words.next().is_some_and(|word| page.contains(&word))
}

/// Whether a line is a link and nothing else: it says where something is told.
pub(super) fn is_pointer(text: &str) -> bool {
    let link = text.strip_prefix('[').and_then(|link| link.strip_suffix(')'));
    let parts = link.and_then(|link| link.split_once("]("));
    parts.is_some_and(|(label, target)| !label.contains([']', '[']) && !target.contains([']', ')']))
}
