//! Sentence bounds within one block: what Unicode says, with the cuts taken back that fall after
//! an abbreviation, an initial or a label, and marks given to the sentence they follow.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

/// The sentences of a block, untrimmed and without gaps.
pub(super) fn split(text: &str, block: &Range<usize>) -> Vec<Range<usize>> {
    let line = unwrapped(&text[block.clone()]);
    let mut sentences: Vec<Range<usize>> = Vec::new();
    for piece in pieces(&line) {
        match sentences.last_mut() {
            Some(last) if belongs_together(&line[last.clone()], &line[piece.start..]) => last.end = piece.end,
            Some(last) => {
                let marks = leading_marks(&line[piece.clone()]);
                last.end += marks;
                if marks < piece.len() {
                    sentences.push(piece.start + marks..piece.end);
                }
            }
            None => sentences.push(piece),
        }
    }
    sentences.into_iter().map(|range| block.start + range.start..block.start + range.end).collect()
}

/// Unicode's pieces, with a bracket that opens at the end of one moved to the next: Unicode takes
/// every bracket after a full stop for a closing one.
fn pieces(line: &str) -> Vec<Range<usize>> {
    let mut starts: Vec<usize> = line
        .split_sentence_bound_indices()
        .map(|(at, _)| line[..at].trim_end_matches(['[', '(', '{', '“', '‘', '«', '„', '【', '「']).len())
        .collect();
    starts.push(line.len());
    starts.windows(2).map(|pair| pair[0]..pair[1]).filter(|range| !range.is_empty()).collect()
}

/// The same bytes with line ends as spaces: Unicode ends a sentence at each, a wrapped line does not.
fn unwrapped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, c| {
        match c {
            '\n' | '\r' => line.push(' '),
            '\u{85}' => line.push_str("  "),
            '\u{2028}' | '\u{2029}' => line.push_str("   "),
            c => line.push(c),
        }
        line
    })
}

/// Whether Unicode's cut between a piece and what follows it is one no reader would make.
fn belongs_together(before: &str, after: &str) -> bool {
    if is_inside_link(before, after) {
        return true;
    }
    let before = before.trim_end();
    let after = after.trim_start();
    let begins_small = after.starts_with(char::is_lowercase);
    let said = before.trim_end_matches(['"', '”', '’', '\'', '»', ')']);
    let open = said.ends_with(['!', '?', '…']) && begins_small;
    open || (before.ends_with('.') && ends_in_abbreviation(before, after))
}

/// Whether a cut falls into a Markdown link, or into an address: `[Why?](../why.md)`, `https://eels.org/?A=1`.
fn is_inside_link(before: &str, after: &str) -> bool {
    let is_open = before.rfind('[').is_some_and(|open| !before[open..].contains(']'));
    let closes = || after.find(['[', ']']).is_some_and(|at| after[at..].starts_with("]("));
    let is_glued = before.ends_with(['?', '!']) && after.starts_with(|c: char| c.is_ascii_alphanumeric());
    // There is no space in one; a look at the last word is soon done, however long the sentence is.
    let word = &before[before.rfind(' ').map_or(0, |at| at + 1)..];
    let is_in_target = word.rfind("](").is_some_and(|at| !word[at..].contains(')'));
    let is_path = before.ends_with("..") && after.starts_with('/');
    is_glued
        || is_in_target
        || is_path
        || (is_open && closes())
        || (before.ends_with(']') && after.starts_with('('))
}

fn ends_in_abbreviation(before: &str, after: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“' | '„' | '«'));
    let word = word.into_iter().next().unwrap_or_default();
    let stem = word.trim_end_matches('.');
    if stem.is_empty() {
        return false;
    }
    if before.len() == word.len() && is_label(stem) {
        return true;
    }
    if is_ordinal(stem, before, after) {
        return true;
    }
    let lower = stem.to_lowercase();
    let number_follows = after.starts_with(|c: char| c.is_ascii_digit());
    // A Russian year ends in the letter that a town begins with.
    let counted = before[..before.len() - word.len()].trim_end().ends_with(|c: char| c.is_ascii_digit());
    let leads_up =
        (lower == "г" && !counted) || (ALWAYS.contains(&lower.as_str()) && !is_acronym(stem, after));
    if leads_up || (number_follows && BEFORE_NUMBER.contains(&lower.as_str())) {
        return true;
    }
    let initial = stem.chars().count() == 1 && stem.starts_with(char::is_uppercase);
    let dotted =
        stem.contains('.') && stem.split('.').all(|part| part.chars().count() <= 2 && !part.is_empty());
    let dotted = dotted && stem.chars().any(char::is_alphabetic);
    (initial || dotted || SOMETIMES.contains(&lower.as_str())) && !begins_sentence(after)
}

/// Whether a word is all in capitals, and the next one is not.
fn is_acronym(stem: &str, after: &str) -> bool {
    let shouts = |word: &str| word.chars().count() > 1 && word.chars().all(char::is_uppercase);
    let next = after.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    shouts(stem) && !shouts(next)
}

/// `1`, `iv`, `A`: a label that opens the block rather than a sentence of its own.
fn is_label(stem: &str) -> bool {
    stem.len() <= 4
        && (stem.chars().all(|c| c.is_ascii_digit() || c == '.')
            || stem.chars().all(|c| matches!(c, 'i' | 'v' | 'x' | 'I' | 'V' | 'X')))
}

/// Whether a number with a full stop counts the word after it: "am 5. Dezember", "im 19. Jahrhundert".
/// In languages that write ordinals so, that word is a name of time or begins small.
fn is_ordinal(stem: &str, before: &str, after: &str) -> bool {
    let is_number = stem.len() <= 2 && stem.chars().all(|c| c.is_ascii_digit());
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    is_number && before.len() > stem.len() + 1 && COUNTED.contains(&word.as_str())
}

/// Whether the next word is one that opens sentences and is seldom part of a name; not an initial.
fn begins_sentence(after: &str) -> bool {
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    OPENERS.contains(&word.as_str()) && !(word.chars().count() == 1 && after[word.len()..].starts_with('.'))
}

/// The length of the citation marks at the beginning, with the space around them.
fn leading_marks(piece: &str) -> usize {
    let mut rest = piece.trim_start();
    let mut length = 0;
    while let Some(inside) = rest.strip_prefix('[') {
        let Some(close) = inside.find(']') else { break };
        let label = inside[..close].trim_start_matches('^');
        let is_mark = !label.is_empty()
            && label.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–'));
        if !is_mark || inside[close + 1..].starts_with('(') {
            break;
        }
        rest = inside[close + 1..].trim_start();
        length = piece.len() - rest.len();
        let punctuation = rest.len() - rest.trim_start_matches(['.', ';', ',']).len();
        rest = rest[punctuation..].trim_start();
        if punctuation > 0 {
            length = piece.len() - rest.len();
        }
    }
    length
}

/// Abbreviations that are never the last word of a sentence, in any language.
#[rustfmt::skip]
const ALWAYS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "gen", "col", "lt", "sgt", "capt", "cmdr", "rev", "hon", "gov",
    "sen", "rep", "messrs", "mme", "mlle", "e.g", "i.e", "eg", "ie", "vs", "cf", "viz", "approx", "ca",
    "resp", "incl", "excl", "esp", "z.b", "d.h", "u.a", "bzw", "vgl", "ggf", "evtl", "inkl", "sog", "sra",
    "sr", "dra", "p.ex", "dott", "ing", "srta", "lic", "gral", "avda", "profa", "exmo", "sigg", "avv",
    "geom", "mlles", "mmes", "bijv", "dhr", "mevr", "drs", "f.eks", "t.ex", "bl.a", "dvs", "kl", "jf", "esim",
    "toht", "tzw", "tzn", "inż", "mgr", "płk", "św", "ul", "např", "napr", "npr", "tzv", "mudr", "judr", "phdr",
    "sv", "nám", "ún", "ifj", "özv", "doç", "örn", "bkz", "π.χ", "κ", "κα", "δρ", "καθ", "βλ", "δηλ", "αγ",
    "ул", "просп", "пер", "обл", "проф", "акад", "доц", "св", "тов", "напр", "вул", "бул", "инж",
];

/// Abbreviations that lead up to a number.
#[rustfmt::skip]
const BEFORE_NUMBER: &[&str] = &[
    "fig", "figs", "no", "nos", "nr", "p", "pp", "s", "eq", "eqs", "sec", "sect", "vol", "ch", "chap", "art",
    "tab", "ref", "refs", "app", "par", "para", "ver", "v", "ed", "abb", "kap", "abs", "núm", "pág", "jan",
    "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "al", "n", "cap", "págs", "tomo",
    "pag", "pagg", "blz", "afb", "hfst", "sid", "stk", "nro", "kuva", "luku", "str", "rys", "ust", "pkt", "poz",
    "obr", "č", "čl", "odst", "sz", "ábra", "ss", "şek", "alin", "hlm", "gbr", "σελ", "αρ", "εικ", "κεφ", "стр", "с",
    "рис", "табл", "гл", "ст", "п", "пп", "т", "вып", "розд", "фиг", "чл", "ал",
];

/// Abbreviations that may end a sentence; what follows decides.
const SOMETIMES: &[&str] = &[
    "al", "etc", "inc", "ltd", "co", "corp", "llc", "bros", "jr", "dept", "univ", "assn", "est", "ave",
    "blvd", "rd", "mt", "ft", "fig", "figs", "sec", "vol", "eq", "ed", "eds", "usw", "gmbh", "a.m", "p.m",
    "ph.d", "m.sc", "b.sc",
];

/// Words that a number with a full stop counts.
const COUNTED: &[&str] = &[
    "Januar",
    "Jänner",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
    "Jahrhundert",
    "Jahrhunderts",
    "Jh",
    "Tag",
    "Tage",
    "Tages",
    "Woche",
    "Kapitel",
    "Auflage",
    "Absatz",
    "Mal",
    "januar",
    "februar",
    "mars",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "desember",
    "december",
    "marts",
    "maj",
    "århundre",
    "århundrede",
];

/// Words that open a sentence.
#[rustfmt::skip]
const OPENERS: &[&str] = &[
    "The", "This", "That", "These", "Those", "It", "Its", "He", "She", "They", "We", "You", "I", "In", "On",
    "At", "By", "For", "From", "As", "A", "An", "But", "And", "Or", "If", "When", "While", "After", "Before",
    "Since", "However", "There", "Their", "His", "Her", "Our", "Under", "With", "To", "Some", "Many", "Most",
    "All", "Each", "Both", "No", "Not", "One", "Der", "Die", "Das", "Ein", "Eine", "Es", "Sie", "Er", "Wir",
    "Im", "Am", "Le", "La", "Les", "Il", "Elle", "El", "Los", "Las", "Un", "Una", "En", "Dans", "Pero", "Este", "Esta",
    "Ella", "O", "Os", "Ele", "Ela", "Em", "Mas", "Gli", "Nel", "Nella", "Dopo", "Questo", "Questa", "Het", "Een",
    "Hij", "Zij", "Dit", "Deze", "Den", "Det", "Han", "Hun", "Hon", "Efter", "Etter", "Men", "Hän", "Se", "Tämä", "Mutta",
    "Ona", "To", "Po", "Na", "Ale", "Jego", "Jej", "Tento", "Tato", "Az", "Ez", "Egy", "Bu", "Bir", "Ama", "Ο", "Η", "Το",
    "Οι", "Τα", "Αυτό", "Στη", "Στο", "Μετά", "Αλλά", "Он", "Она", "Они", "Это", "Его", "Её", "После", "Но", "По", "На",
    "Він", "Вона", "Вони", "Це", "Після", "Але", "Той", "Тя", "Те", "Това", "След", "В",
];
