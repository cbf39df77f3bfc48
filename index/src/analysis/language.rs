//! The languages a text can be in, how to tell them apart, and what is known of each: its stemmer
//! and how it writes numbers. Its words of grammar are in `stop`.

use std::fmt;

use frostem::{Algorithm, Stemmer};
use whatlang::{Info, Lang};

use super::stop;

/// A sample longer than this tells nothing new about its language.
const MAX_SAMPLE_BYTES: usize = 3 * 1024;

/// A text shows its language by at least so many words of grammar, at least one in so many words, and so
/// many times as many that another has not as that has and this has not.
const MIN_GRAMMAR: usize = 3;
const WORDS_PER_GRAMMAR: usize = 8;
const GRAMMAR_AHEAD: usize = 2;

/// A natural language, known by its ISO 639-1 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(u8);

struct Row {
    code: &'static str,
    lang: Lang,
    stemmer: Option<Algorithm>,
}

const fn row(code: &'static str, lang: Lang, stemmer: Option<Algorithm>) -> Row {
    Row { code, lang, stemmer }
}

/// Every language that can be detected and has a two-letter code, sorted by it.
const LANGUAGES: &[Row] = &[
    row("af", Lang::Afr, None),
    row("ak", Lang::Aka, None),
    row("am", Lang::Amh, None),
    row("ar", Lang::Ara, Some(Algorithm::Arabic)),
    row("az", Lang::Aze, None),
    row("be", Lang::Bel, None),
    row("bg", Lang::Bul, None),
    row("bn", Lang::Ben, None),
    row("ca", Lang::Cat, Some(Algorithm::Catalan)),
    row("cs", Lang::Ces, Some(Algorithm::Czech)),
    row("cy", Lang::Cym, None),
    row("da", Lang::Dan, Some(Algorithm::Danish)),
    row("de", Lang::Deu, Some(Algorithm::German)),
    row("el", Lang::Ell, Some(Algorithm::Greek)),
    row("en", Lang::Eng, Some(Algorithm::English)),
    row("eo", Lang::Epo, Some(Algorithm::Esperanto)),
    row("es", Lang::Spa, Some(Algorithm::Spanish)),
    row("et", Lang::Est, Some(Algorithm::Estonian)),
    row("fa", Lang::Pes, Some(Algorithm::Persian)),
    row("fi", Lang::Fin, Some(Algorithm::Finnish)),
    row("fr", Lang::Fra, Some(Algorithm::French)),
    row("gu", Lang::Guj, None),
    row("he", Lang::Heb, None),
    row("hi", Lang::Hin, Some(Algorithm::Hindi)),
    row("hr", Lang::Hrv, None),
    row("hu", Lang::Hun, Some(Algorithm::Hungarian)),
    row("hy", Lang::Hye, Some(Algorithm::Armenian)),
    row("id", Lang::Ind, Some(Algorithm::Indonesian)),
    row("it", Lang::Ita, Some(Algorithm::Italian)),
    row("ja", Lang::Jpn, None),
    row("jv", Lang::Jav, None),
    row("ka", Lang::Kat, None),
    row("km", Lang::Khm, None),
    row("kn", Lang::Kan, None),
    row("ko", Lang::Kor, None),
    row("la", Lang::Lat, None),
    row("lt", Lang::Lit, Some(Algorithm::Lithuanian)),
    row("lv", Lang::Lav, None),
    row("mk", Lang::Mkd, None),
    row("ml", Lang::Mal, None),
    row("mr", Lang::Mar, None),
    row("my", Lang::Mya, None),
    row("nb", Lang::Nob, Some(Algorithm::Norwegian)),
    row("ne", Lang::Nep, Some(Algorithm::Nepali)),
    row("nl", Lang::Nld, Some(Algorithm::Dutch)),
    row("or", Lang::Ori, None),
    row("pa", Lang::Pan, None),
    row("pl", Lang::Pol, Some(Algorithm::Polish)),
    row("pt", Lang::Por, Some(Algorithm::Portuguese)),
    row("ro", Lang::Ron, Some(Algorithm::Romanian)),
    row("ru", Lang::Rus, Some(Algorithm::Russian)),
    row("si", Lang::Sin, None),
    row("sk", Lang::Slk, None),
    row("sl", Lang::Slv, None),
    row("sn", Lang::Sna, None),
    row("sr", Lang::Srp, None),
    row("sv", Lang::Swe, Some(Algorithm::Swedish)),
    row("ta", Lang::Tam, Some(Algorithm::Tamil)),
    row("te", Lang::Tel, None),
    row("th", Lang::Tha, None),
    row("tk", Lang::Tuk, None),
    row("tl", Lang::Tgl, None),
    row("tr", Lang::Tur, Some(Algorithm::Turkish)),
    row("uk", Lang::Ukr, None),
    row("ur", Lang::Urd, None),
    row("uz", Lang::Uzb, None),
    row("vi", Lang::Vie, None),
    row("yi", Lang::Yid, Some(Algorithm::Yiddish)),
    row("zh", Lang::Cmn, None),
    row("zu", Lang::Zul, None),
];

impl Language {
    /// Returns the ISO 639-1 code, such as `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// Returns the language with that ISO 639-1 code. A region or script behind it (`pt-BR`) is
    /// ignored, as is case; `no` and `nn` count as `nb`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.split(['-', '_']).next()?.to_ascii_lowercase();
        let code = if matches!(code.as_str(), "no" | "nn") { "nb" } else { &code };
        let position = LANGUAGES.binary_search_by_key(&code, |row| row.code).ok()?;
        u8::try_from(position).ok().map(Self)
    }

    /// Tells the language of a text, or `None` where it does not show reliably. Its middle is read,
    /// which is past a cover, and its beginning; where letters don't tell it, as in a text of names and
    /// technical terms, words of grammar may.
    #[must_use]
    pub fn detect(text: &str) -> Option<Self> {
        let middle = text.floor_char_boundary((text.len() / 2).saturating_sub(MAX_SAMPLE_BYTES / 2));
        let mut samples = [Some(middle), (middle > 0).then_some(0)].into_iter().flatten().map(|from| {
            let rest = &text[from..];
            &rest[..rest.floor_char_boundary(MAX_SAMPLE_BYTES)]
        });
        let told = samples.clone().find_map(|sample| whatlang::detect(sample).filter(Info::is_reliable));
        let Some(told) = told else { return samples.find_map(Self::of_grammar) };
        let position = LANGUAGES.iter().position(|row| row.lang == told.lang())?;
        u8::try_from(position).ok().map(Self)
    }

    /// Tells the language of a question, which is short, by its words of grammar: the language that
    /// has most of them. Between equals English wins, then the first by code. One without such words
    /// is told as any text.
    #[must_use]
    pub fn of_question(text: &str) -> Option<Self> {
        let (num, number) = Grammar::of(text).most();
        if num == 0 { Self::detect(text) } else { Self::from_code(stop::code(number)) }
    }

    /// The language of which a text has enough words of grammar, and clearly more than of any other.
    fn of_grammar(text: &str) -> Option<Self> {
        let grammar = Grammar::of(text);
        let (num, most) = grammar.most();
        let is_ahead = |other| {
            let (ours, theirs) = (grammar.num_apart(most, other), grammar.num_apart(other, most));
            ours > theirs && theirs * GRAMMAR_AHEAD <= ours
        };
        let mut others = (0..stop::NUM_LANGUAGES).filter(|other| *other != most);
        let shows =
            num >= MIN_GRAMMAR && num * WORDS_PER_GRAMMAR >= grammar.num_words && others.all(is_ahead);
        shows.then(|| Self::from_code(stop::code(most))).flatten()
    }

    pub(super) fn stemmer(self) -> Option<Stemmer> {
        self.row().stemmer.map(Stemmer::new)
    }

    pub(super) fn is_stop_word(self, lower: &str) -> bool {
        stop::is_stop(self.code(), lower)
    }

    /// The word of grammar that a text of a script without spaces begins with.
    pub(super) fn leading_grammar(self, text: &str) -> Option<&'static str> {
        stop::leading(self.code(), text)
    }

    /// Whether the letters behind an apostrophe are grammar, as in `isn't` or `Ann's`.
    pub(super) fn is_contraction(self, lower: &str) -> bool {
        self.code() == "en" && matches!(lower, "s" | "t" | "d" | "m" | "ll" | "re" | "ve")
    }

    /// Whether words are told apart by the marks on their letters alone, as by the tones of Vietnamese.
    pub(super) fn tells_words_by_marks(self) -> bool {
        self.code() == "vi"
    }

    /// Whether words that belong together are written as one.
    pub(crate) fn joins_words(self) -> bool {
        matches!(self.code(), "da" | "de" | "fi" | "hu" | "nb" | "nl" | "sv")
    }

    /// Whether `1,5` is one and a half.
    #[must_use]
    pub fn writes_decimal_comma(self) -> bool {
        !matches!(
            self.code(),
            "am" | "bn"
                | "cy"
                | "en"
                | "gu"
                | "he"
                | "hi"
                | "ja"
                | "kn"
                | "ko"
                | "ml"
                | "mr"
                | "my"
                | "ne"
                | "or"
                | "pa"
                | "si"
                | "sn"
                | "ta"
                | "te"
                | "th"
                | "tl"
                | "ur"
                | "zh"
                | "ak"
                | "km"
        )
    }

    fn row(self) -> &'static Row {
        &LANGUAGES[usize::from(self.0)]
    }
}

/// The words of grammar of a text.
struct Grammar {
    words: Vec<stop::Having>,
    /// Of all words.
    num_words: usize,
}

impl Grammar {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let having: Vec<_> =
            super::scan::runs(&lower).map(|run| stop::having(&lower[run.start..run.end])).collect();
        let num_words = having.len();
        Self { words: having.into_iter().filter(|having| !having.is_none()).collect(), num_words }
    }

    /// The most words that are of one language, and the first that has so many.
    fn most(&self) -> (usize, usize) {
        let num = |number| self.words.iter().filter(|having| having.has(number)).count();
        let counts = (0..stop::NUM_LANGUAGES).map(|number| (num(number), number));
        counts.rev().max_by_key(|(num, _)| *num).unwrap_or_default()
    }

    /// How many words are of one language and not of the other. Kindred languages share many.
    fn num_apart(&self, one: usize, other: usize) -> usize {
        self.words.iter().filter(|having| having.has(one) && !having.has(other)).count()
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, Language};

    #[test]
    fn every_code_leads_back_to_its_language() {
        assert!(LANGUAGES.is_sorted_by_key(|row| row.code));
        for row in LANGUAGES {
            assert_eq!(Language::from_code(row.code).map(Language::code), Some(row.code));
        }
    }

    #[test]
    fn codes_with_a_region_and_old_codes_are_understood() {
        assert_eq!(Language::from_code("pt-BR").map(Language::code), Some("pt"));
        assert_eq!(Language::from_code("EN_us").map(Language::code), Some("en"));
        assert_eq!(Language::from_code("no").map(Language::code), Some("nb"));
        assert_eq!(Language::from_code("xx"), None);
        assert_eq!(Language::from_code(""), None);
    }

    #[test]
    fn a_language_is_told_only_when_the_text_shows_it() {
        let texts = [
            ("en", "The library keeps every letter that the two botanists wrote to each other."),
            ("de", "Die Bibliothek bewahrt jeden Brief auf, den die beiden Botaniker einander schrieben."),
            ("fr", "La bibliothèque conserve toutes les lettres que les deux botanistes se sont écrites."),
            (
                "ru",
                "В этой библиотеке хранятся все письма, которые два ботаника много лет писали друг другу из разных городов, и ни одно из них ещё не было напечатано.",
            ),
            ("zh", "图书馆保存着两位植物学家互相写的每一封信。"),
            ("ja", "図書館には二人の植物学者が交わした手紙がすべて残されている。"),
        ];
        for (code, text) in texts {
            assert_eq!(Language::detect(text).map(Language::code), Some(code), "{text}");
        }
        // Letters alone don't show it.
        for (code, text) in [
            ("en", "Some new aids for the research scientist are described."),
            ("de", "CTLA-4 ist ein Regulator, und ein PD-1-Ligand wird von der T-Zelle nicht gebildet."),
        ] {
            assert_eq!(Language::detect(text).map(Language::code), Some(code), "{text}");
        }
        assert_eq!(Language::detect("Opus Sonnet Haiku API SDK JSON for AWS"), None);
        assert_eq!(Language::detect("12 34 56"), None);
        assert_eq!(Language::detect(""), None);
    }

    #[test]
    fn kindred_languages_are_told_by_what_one_has_and_the_other_has_not() {
        let told = |text| Language::of_grammar(text).map(Language::code);
        assert_eq!(told("la CPU de la GPU y el cache del API que es un SDK"), Some("es"));
        assert_eq!(told("la CPU de la GPU amb el cache del API que és un SDK"), Some("ca"));
        assert_eq!(told("la CPU de la GPU"), None);
    }
}
