//! Clauses of a question: where one ends, and whether it asks something of its own. What opens a
//! question are few words in each language; everything else is punctuation and order.

use ibid_index::analysis::{Language, TermKind, terms};

use super::pins;

/// A clause, without the signs and the conjunction around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) text: String,
    /// Whether it begins with a question word, or with a verb before its subject.
    pub(super) asks: bool,
}

impl Clause {
    /// The clause as a line of a plan: with a question mark if it asks in a sentence that has one.
    pub(super) fn as_written(&self, is_question: bool) -> String {
        if self.asks && is_question { format!("{}?", self.text) } else { self.text.clone() }
    }

    /// Whether it asks what a thing is: there a noun ends it, and no verb ("what are the risks of the
    /// project").
    pub(super) fn names_a_thing(&self) -> bool {
        let mut words = self.text.split(' ').map(str::to_lowercase);
        let (Some(opener), Some(verb), Some(third)) = (words.next(), words.next(), words.next()) else {
            return false;
        };
        let is_noun = terms(&third, Language::from_code("en")).all(|term| term.kind == TermKind::Stop);
        THING.contains(&opener.as_str()) && BEING.contains(&verb.as_str()) && is_noun
    }

    /// Where what it asks with ends and what it speaks of begins: after "how high", "in which year".
    pub(super) fn subject_at(&self) -> usize {
        if !self.asks {
            return 0;
        }
        let mut end = 0;
        for word in self.text.split_inclusive(' ').take(2) {
            end += word.len();
            let lower = word.trim().to_lowercase();
            let with_noun = TONGUES.iter().any(|tongue| tongue.with_noun.contains(&lower.as_str()));
            if with_noun {
                return end + self.text[end..].find(' ').map_or(0, |at| at + 1);
            }
            if TONGUES.iter().any(|tongue| tongue.asks(&lower) || tongue.verbs.contains(&lower.as_str())) {
                return end;
            }
        }
        0
    }
}

/// Cuts a sentence where clauses are joined.
pub(super) fn clauses(sentence: &str, language: Option<Language>) -> Vec<Clause> {
    let whole = |text: &str| Clause { text: bare(text).to_owned(), asks: asks(bare(text), true, language) };
    if let Some(sides) = compared(sentence) {
        // Each is something to find out, however short it is.
        return sides.map(|side| Clause { text: bare(side).to_owned(), asks: true }).to_vec();
    }
    let lower = sentence.to_lowercase();
    // Lowering changes the length of few letters; where it does, nothing is cut.
    if lower.len() != sentence.len() {
        return vec![whole(sentence)];
    }
    // Where a clause ends, where the next begins, and whether a word joins them.
    let mut cuts: Vec<(usize, usize, bool)> = Vec::new();
    for (at, sign) in lower.match_indices([',', ';', ':', '–', '—']) {
        let after = at + sign.len();
        let splits_number = lower[after..].starts_with(|c: char| c.is_ascii_digit());
        if !splits_number {
            let joined = CONJUNCTIONS.iter().find(|word| lower[after..].starts_with(**word));
            cuts.push((at, after + joined.map_or(0, |word| word.len()), sign != "," || joined.is_some()));
        }
    }
    for joint in JOINTS {
        cuts.extend(lower.match_indices(joint).map(|(at, joint)| (at, at + joint.len(), true)));
    }
    for conjunction in CONJUNCTIONS {
        // What opens the next clause stays with it.
        let opens = |at: usize, after: usize| {
            // Two things of one clause are two parts only if each has a name.
            let is_thing = sentence[after..].starts_with("the ");
            let are_named =
                is_thing && [&sentence[..at], &sentence[after..]].iter().all(|side| !pins(side).is_empty());
            are_named || asks(&sentence[after..], true, language)
        };
        let found = lower.match_indices(conjunction).map(|(at, word)| (at, at + word.len(), true));
        cuts.extend(found.filter(|(at, after, _)| opens(*at, *after)));
    }
    cuts.sort_unstable();
    let mut parts = Vec::new();
    let (mut start, mut is_joined) = (0, true);
    for (from, to, joined) in cuts {
        if from > start {
            parts.push((&sentence[start..from], is_joined));
        }
        if to > start {
            (start, is_joined) = (to, joined);
        }
    }
    parts.push((&sentence[start..], is_joined));
    let clause = |(text, joined): (&str, bool)| {
        let text = bare(text);
        (!text.is_empty()).then(|| Clause { text: text.to_owned(), asks: asks(text, joined, language) })
    };
    parts.into_iter().filter_map(clause).collect()
}

/// The two sides of what a sentence wants compared.
fn compared(sentence: &str) -> Option<[&str; 2]> {
    let (opener, rest) = sentence.trim_start().split_once(' ')?;
    if !COMPARING.contains(&opener.to_lowercase().as_str()) {
        return None;
    }
    let (one, other) = BESIDE.iter().find_map(|joint| rest.split_once(joint))?;
    Some([one, other])
}

/// The two things of which a sentence asks how they differ.
pub(super) fn told_apart(sentence: &str) -> Option<[&str; 2]> {
    let sides = DIFFERENCES.iter().find_map(|(opener, joint)| {
        let (before, rest) = sentence.split_once(opener)?;
        match joint {
            Some(joint) => rest.split_once(joint),
            // "How does the eel pass differ from the ladder?"
            None => before.splitn(3, ' ').nth(2).map(|one| (one, rest)),
        }
    });
    let (one, other) = sides?;
    let sides = [bare(one), bare(other)];
    let is_thing =
        |side: &&str| !side.is_empty() && side.split(' ').count() <= MAX_THING && !side.contains(BORDERS);
    sides.iter().all(is_thing).then_some(sides)
}

/// A clause without the signs at its end and the conjunction at its beginning.
fn bare(part: &str) -> &str {
    let part = part.trim().trim_end_matches(['?', '.', '!', ',', '¿', '¡']).trim();
    let part = part.trim_start_matches(['¿', '¡']);
    ["and ", "but ", "while ", "und ", "et "].iter().find_map(|word| part.strip_prefix(word)).unwrap_or(part)
}

/// Whether a clause asks something of its own. One that only a comma joins may as well tell more of
/// the noun before it ("the weir, where the gate is").
fn asks(clause: &str, is_joined: bool, language: Option<Language>) -> bool {
    let code = language.map_or("en", |language| language.code());
    let mut words = clause.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let num_more = words.count();
    let (opener, next) = (first.to_lowercase(), second.to_lowercase());
    let known = TONGUES.iter().filter(|tongue| tongue.code == code || tongue.code == "en");
    known.into_iter().any(|tongue| {
        let is_verb = |word: &str| tongue.verbs.contains(&word);
        if is_verb(&opener) && num_more > 0 && is_subject(second, language) {
            return true;
        }
        if tongue.after_preposition(&opener, &next) {
            return is_joined && num_more > 0;
        }
        let needs_noun = tongue.with_noun.contains(&opener.as_str());
        let is_whole = !needs_noun || num_more > 0;
        let may_relate = tongue.relative.contains(&opener.as_str());
        let turns = tongue.turning.contains(&opener.as_str()) && is_verb(&next);
        let stays = tongue.staying.contains(&opener.as_str()) && !is_verb(&next);
        tongue.asks(&opener) && is_whole && (is_joined || !may_relate || turns || stays)
    })
}

/// Whether a subject begins with this word: a word of grammar or a name.
fn is_subject(word: &str, language: Option<Language>) -> bool {
    let is_stop = |language| {
        terms(&word.to_lowercase(), language).next().is_some_and(|term| term.kind == TermKind::Stop)
    };
    word.starts_with(char::is_uppercase) || is_stop(language) || is_stop(Language::from_code("en"))
}

/// The words of one language that open questions.
struct Tongue {
    code: &'static str,
    /// Question words.
    words: &'static [&'static str],
    /// Of these, those that say nothing without the word after them.
    with_noun: &'static [&'static str],
    /// Those that also relate a clause to a noun.
    relative: &'static [&'static str],
    /// Of these, those that ask if a verb follows, and those that do if none does.
    turning: &'static [&'static str],
    staying: &'static [&'static str],
    /// Verbs that stand before their subject in a question.
    verbs: &'static [&'static str],
    prepositions: &'static [&'static str],
}

impl Tongue {
    fn asks(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn after_preposition(&self, first: &str, second: &str) -> bool {
        self.prepositions.contains(&first) && self.asks(second)
    }
}

const TONGUES: &[Tongue] = &[
    Tongue {
        code: "en",
        words: &["how", "what", "when", "where", "who", "whom", "whose", "which", "why", "whether"],
        with_noun: &["how", "what", "which", "whose", "whether"],
        relative: &["when", "where", "who", "whom", "whose", "which"],
        turning: &["when", "where"],
        staying: &["who"],
        verbs: &[
            "is", "are", "was", "were", "has", "have", "had", "did", "does", "do", "can", "could", "will",
            "would", "should", "may", "must",
        ],
        prepositions: &["in", "at", "on", "by", "for", "from", "to", "of", "with", "since", "until", "under"],
    },
    Tongue {
        code: "de",
        words: &[
            "wie", "was", "wann", "wo", "wer", "wen", "wem", "warum", "wieso", "weshalb", "wohin", "woher",
            "womit", "welche", "welcher", "welches", "welchen", "welchem", "wessen", "ob",
        ],
        with_noun: &["wie", "welche", "welcher", "welches", "welchen", "welchem", "wessen", "ob"],
        relative: &["wo", "welche", "welcher", "welches", "welchen", "welchem"],
        turning: &["wo"],
        staying: &[],
        verbs: &[
            "ist", "sind", "war", "waren", "hat", "haben", "hatte", "hatten", "wird", "werden", "wurde",
            "wurden", "kann", "konnte", "soll", "muss", "darf",
        ],
        prepositions: &["in", "an", "auf", "bei", "für", "von", "zu", "mit", "seit", "bis", "unter", "aus"],
    },
    Tongue {
        code: "fr",
        words: &[
            "comment", "quand", "où", "qui", "pourquoi", "combien", "quel", "quelle", "quels", "quelles",
        ],
        with_noun: &["combien", "quel", "quelle", "quels", "quelles"],
        relative: &["qui", "où", "quand"],
        turning: &["où", "quand"],
        staying: &[],
        verbs: &["est", "sont", "était", "étaient", "a", "ont", "avait", "peut", "est-ce"],
        prepositions: &["en", "à", "de", "par", "pour", "avec", "depuis", "dans", "sur"],
    },
    Tongue {
        code: "es",
        words: &[
            "cómo", "cuándo", "dónde", "quién", "quiénes", "qué", "cuánto", "cuánta", "cuántos", "cuántas",
            "cuál", "cuáles",
        ],
        with_noun: &["cuánto", "cuánta", "cuántos", "cuántas", "cuál", "cuáles", "qué"],
        relative: &[],
        turning: &[],
        staying: &[],
        verbs: &["es", "son", "fue", "fueron", "era", "ha", "han", "puede"],
        prepositions: &["en", "a", "de", "por", "para", "con", "desde", "hasta"],
    },
    Tongue {
        code: "it",
        words: &["come", "quando", "dove", "chi", "perché", "quanto", "quanta", "quanti", "quante", "quale"],
        with_noun: &["quanta", "quanti", "quante", "quale"],
        relative: &["dove", "quando", "chi"],
        turning: &["dove", "quando"],
        staying: &[],
        verbs: &["è", "sono", "era", "fu", "ha", "hanno", "può"],
        prepositions: &["in", "a", "di", "da", "per", "con", "su"],
    },
    Tongue {
        code: "nl",
        words: &["hoe", "wat", "wanneer", "waar", "wie", "waarom", "welke", "welk"],
        with_noun: &["hoe", "welke", "welk"],
        relative: &["waar", "wie", "wat"],
        turning: &["waar"],
        staying: &[],
        verbs: &["is", "zijn", "was", "waren", "heeft", "hebben", "had", "werd", "werden", "kan"],
        prepositions: &["in", "op", "aan", "bij", "voor", "van", "met", "sinds", "tot"],
    },
];

/// Words that ask what a thing is, and the verbs that follow them.
const THING: &[&str] = &["what", "which", "quel", "quelle", "quels", "quelles"];
const BEING: &[&str] = &["is", "are", "was", "were", "est", "sont", "était", "étaient"];

/// Words that want two things compared, and those that part these.
const COMPARING: &[&str] = &["compare", "contrast", "vergleiche", "vergleichen", "comparez", "comparer"];
const BESIDE: &[&str] = &[" with ", " to ", " against ", " mit ", " avec ", " and ", " und ", " et "];

/// Words of the name of a thing that is told apart from another, at most, and signs that are in none.
const MAX_THING: usize = 6;
const BORDERS: [char; 4] = [',', ';', '?', ':'];
/// What asks how two things differ, and what stands between these; nothing if it does so itself.
const DIFFERENCES: &[(&str, Option<&str>)] = &[
    ("difference between ", Some(" and ")),
    ("differences between ", Some(" and ")),
    ("Unterschied zwischen ", Some(" und ")),
    ("Unterschiede zwischen ", Some(" und ")),
    ("différence entre ", Some(" et ")),
    ("différences entre ", Some(" et ")),
    ("diferencia entre ", Some(" y ")),
    ("diferencias entre ", Some(" y ")),
    ("differenza tra ", Some(" e ")),
    ("differenza fra ", Some(" e ")),
    ("diferença entre ", Some(" e ")),
    ("verschil tussen ", Some(" en ")),
    ("skillnaden mellan ", Some(" och ")),
    ("forskellen på ", Some(" og ")),
    ("forskellen mellem ", Some(" og ")),
    ("forskjellen på ", Some(" og ")),
    ("forskjellen mellom ", Some(" og ")),
    ("różnica między ", Some(" a ")),
    ("разница между ", Some(" и ")),
    (" differ from ", None),
    (" different from ", None),
];

/// Words between clauses that are alike.
const CONJUNCTIONS: &[&str] =
    &[" and ", " or ", " but ", " und ", " oder ", " et ", " ou ", " y ", " o ", " e ", " en "];

/// Words between two clauses that belong to neither.
const JOINTS: &[&str] = &[
    " while ",
    " whereas ",
    " compared to ",
    " compared with ",
    " in comparison to ",
    " as opposed to ",
    " versus ",
    " vs. ",
    " and also ",
    " as well as ",
    " während ",
    " tandis que ",
    " mientras ",
];
