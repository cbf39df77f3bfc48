//! What a sentence is by its form alone: debris, a reference, a link, one that sets two things apart.

use ibid_index::analysis::{Language, is_unspaced};

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

/// Whether a sentence begins with a word that stands for what was told of before.
pub(super) fn begins_with_pronoun(sentence: &str, language: Option<Language>) -> bool {
    let code = language.map_or("en", Language::code);
    let first = sentence.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    PRONOUNS.iter().any(|(own, pronouns)| *own == code && pronouns.contains(&first.as_str()))
}

/// By language: some are articles in others.
#[rustfmt::skip]
const PRONOUNS: &[(&str, &[&str])] = &[
    ("en", &["it", "they", "he", "she", "its", "their", "his", "her"]),
    ("de", &["er", "sie", "es", "sein", "seine", "ihr", "ihre"]),
    ("fr", &["il", "elle", "ils", "elles"]),
    ("es", &["él", "ella", "ellos", "ellas", "esto", "su", "sus"]),
    ("it", &["esso", "essa", "egli", "lui", "lei"]),
    ("pt", &["ele", "ela", "eles", "elas"]),
    ("nl", &["hij", "zij", "ze", "zijn", "haar"]),
    ("sv", &["han", "hon", "den", "det", "de"]),
    ("nb", &["han", "hun", "den", "det", "de"]),
    ("da", &["han", "hun", "den", "det", "de"]),
    ("pl", &["on", "ona", "ono", "oni", "one"]),
    ("ru", &["он", "она", "оно", "они"]),
];

/// Whether a line notes what changed in some version: of what it is about it says nothing but that.
pub(super) fn is_change_note(line: &str) -> bool {
    let lower = line.to_lowercase();
    CHANGES.iter().any(|sign| lower.starts_with(sign))
}

const CHANGES: &[&str] = &[
    "changed in ",
    "changed since ",
    "new in ",
    "added in ",
    "deprecated in ",
    "deprecated since ",
    "removed in ",
    "neu in version ",
    "geändert in version ",
    "veraltet seit version ",
    "nouveau dans la version ",
    "modifié dans la version ",
    "obsolète depuis la version ",
    "nuevo en la versión ",
    "distinto en la versión ",
    "obsoleto desde la versión ",
];

/// Whether a title or a heading is that of notes of changes.
pub(super) fn heads_changes(heading: &str) -> bool {
    let lower = heading.to_lowercase().replace('’', "'").replace(['-', '_'], " ");
    CHANGE_LOGS.iter().any(|sign| lower.contains(sign))
}

#[rustfmt::skip]
const CHANGE_LOGS: &[&str] = &[
    "changelog", "change log", "release note", "release history", "version history", "revision history", "what's new",
    "änderungsprotokoll", "versionshinweise", "was ist neu", "notes de version", "historique des versions", "quoi de neuf",
    "notas de la versión", "registro de cambios", "novedades", "note di rilascio", "novità", "notas de versão",
    "notas de lançamento", "журнал изменений",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pronoun_is_one_in_its_own_language() {
        for (sentence, code, is_one) in [
            ("Il a été construit en 1874.", "fr", true),
            ("Il ponte fu costruito nel 1874.", "it", false),
            ("It was built in 1874.", "en", true),
            ("Item by item it was built.", "en", false),
            ("De bouwde hij in 1874.", "nl", false),
            ("De byggdes 1874.", "sv", true),
        ] {
            assert_eq!(begins_with_pronoun(sentence, Language::from_code(code)), is_one, "{sentence}");
        }
    }
}
