//! Words of grammar, by language: articles, pronouns, prepositions, auxiliaries, and the words that
//! make a sentence a question. They say how something is asked, not what about.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Whether each of [`LANGUAGES`] has a word, in that order.
type Has = [bool; LANGUAGES.len()];

static HAS: LazyLock<HashMap<&'static str, Has>> = LazyLock::new(|| {
    let mut all: HashMap<&'static str, Has> = HashMap::new();
    for (number, code) in LANGUAGES.iter().enumerate() {
        for word in words(code) {
            all.entry(word).or_default()[number] = true;
        }
    }
    all
});

/// Returns which of [`LANGUAGES`] have this word, in lower case, among their words of grammar.
pub(super) fn has(word: &str) -> Has {
    HAS.get(word).copied().unwrap_or_default()
}

/// The languages that have a list, the most common first.
pub(super) const LANGUAGES: &[&str] =
    &["en", "da", "de", "es", "fi", "fr", "it", "nb", "nl", "pl", "pt", "ru", "sv"];

/// Returns the stop words of a language, in lower case and sorted; none where no list is known.
pub(super) fn words(code: &str) -> &'static [&'static str] {
    match code {
        "da" => DA,
        "de" => DE,
        "en" => EN,
        "es" => ES,
        "fi" => FI,
        "fr" => FR,
        "it" => IT,
        "nb" => NB,
        "nl" => NL,
        "pl" => PL,
        "pt" => PT,
        "ru" => RU,
        "sv" => SV,
        _ => &[],
    }
}

#[rustfmt::skip]
const DA: &[&str] = &[
    "af", "alle", "at", "blev", "blive", "bliver", "da", "de", "dem", "den", "denne", "der", "deres",
    "det", "dette", "dig", "din", "disse", "dog", "du", "efter", "eller", "en", "end", "er", "et",
    "for", "fra", "ham", "han", "hans", "har", "havde", "hende", "hendes", "her", "hos", "hun", "hvad",
    "hvem", "hvilke", "hvilken", "hvilket", "hvis", "hvor", "hvordan", "hvorfor", "hvornår", "i",
    "ikke", "ind", "jeg", "jo", "kan", "kunne", "man", "med", "meget", "mellem", "men", "mig", "min",
    "mod", "ned", "noget", "nogle", "nu", "når", "og", "også", "om", "op", "os", "over", "på", "samme",
    "sig", "sin", "sine", "skal", "skulle", "som", "til", "ud", "under", "var", "ved", "vi", "vil",
    "ville", "være", "været",
];

#[rustfmt::skip]
const DE: &[&str] = &[
    "aber", "alle", "allem", "allen", "aller", "alles", "als", "also", "am", "an", "auch", "auf", "aus",
    "bei", "beim", "bin", "bis", "bist", "da", "damit", "dann", "das", "dass", "dem", "den", "denn",
    "der", "des", "dich", "die", "dies", "diese", "diesem", "diesen", "dieser", "dieses", "dir", "doch",
    "du", "durch", "ein", "eine", "einem", "einen", "einer", "eines", "er", "es", "für", "gegen",
    "habe", "haben", "hat", "hatte", "hatten", "ich", "ihm", "ihn", "ihnen", "ihr", "ihre", "ihrem",
    "ihren", "ihrer", "ihres", "im", "in", "ins", "ist", "ja", "jede", "jedem", "jeden", "jeder",
    "jedes", "kann", "können", "könnte", "man", "mein", "mich", "mir", "mit", "muss", "müssen", "nach",
    "nicht", "noch", "nun", "nur", "ob", "oder", "ohne", "sehr", "sein", "seine", "seinem", "seinen",
    "seiner", "seit", "sich", "sie", "sind", "so", "soll", "sollen", "sollte", "um", "und", "uns",
    "unser", "unter", "vom", "von", "vor", "wann", "war", "waren", "warum", "was", "wegen", "weil",
    "welche", "welchem", "welchen", "welcher", "welches", "wem", "wen", "wenn", "wer", "werden",
    "wessen", "wie", "wieder", "wieso", "will", "wir", "wird", "wo", "wodurch", "woher", "wohin",
    "worden", "wurde", "wurden", "würde", "zu", "zum", "zur", "zwischen", "über",
];

#[rustfmt::skip]
const EN: &[&str] = &[
    "a", "about", "again", "all", "also", "am", "an", "and", "any", "are", "aren", "as", "at", "be",
    "been", "being", "between", "both", "but", "by", "can", "could", "couldn", "did", "didn", "do",
    "does", "doesn", "doing", "done", "each", "else", "for", "from", "further", "had", "hadn", "has",
    "hasn", "have", "haven", "having", "he", "her", "here", "hers", "him", "his", "how", "however", "i",
    "if", "in", "into", "is", "isn", "it", "its", "itself", "may", "me", "might", "more", "most",
    "must", "mustn", "my", "no", "nor", "not", "of", "off", "on", "once", "only", "or", "other", "our",
    "ours", "out", "over", "own", "per", "same", "shall", "she", "should", "shouldn", "so", "some",
    "such", "than", "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this",
    "those", "through", "thus", "to", "too", "under", "until", "up", "us", "very", "was", "wasn", "we",
    "were", "weren", "what", "when", "where", "whether", "which", "while", "who", "whom", "whose",
    "why", "will", "with", "within", "would", "wouldn", "you", "your", "yours",
];

#[rustfmt::skip]
const ES: &[&str] = &[
    "a", "al", "algo", "algunas", "algunos", "ante", "antes", "aquel", "así", "aunque", "cada", "como",
    "con", "contra", "cual", "cuando", "cuál", "cuáles", "cuándo", "cuánto", "cuántos", "cómo", "de",
    "del", "desde", "donde", "dos", "dónde", "e", "el", "ella", "ellas", "ellos", "en", "entre", "era",
    "eran", "es", "esa", "ese", "eso", "esta", "estas", "este", "esto", "estos", "está", "están", "fue",
    "fueron", "ha", "había", "han", "hasta", "hay", "la", "las", "le", "les", "lo", "los", "me", "mi",
    "mientras", "muy", "más", "nada", "ni", "no", "nos", "nosotros", "o", "os", "otra", "otras", "otro",
    "otros", "para", "pero", "poco", "por", "porque", "que", "quien", "quién", "quiénes", "qué", "se",
    "sea", "ser", "si", "sido", "sin", "sobre", "solo", "son", "su", "sus", "sí", "también", "tan",
    "te", "tiene", "tienen", "todo", "todos", "tu", "un", "una", "uno", "unos", "y", "ya", "yo", "él",
];

#[rustfmt::skip]
const FI: &[&str] = &[
    "ei", "eivät", "eli", "en", "ennen", "että", "he", "hän", "häntä", "ja", "jo", "joiden", "joissa",
    "joka", "jonka", "jos", "jossa", "jotka", "kanssa", "koska", "kuin", "kuinka", "kuka", "kun", "me",
    "miksi", "mikä", "millainen", "milloin", "missä", "mitkä", "mitä", "mukaan", "mutta", "myös", "ne",
    "niin", "nyt", "näiden", "näitä", "nämä", "ole", "oli", "olivat", "olla", "olleet", "ollut", "on",
    "ovat", "se", "sekä", "sen", "siinä", "siitä", "sitä", "tai", "te", "tämä", "tämän", "tässä",
    "tätä", "vaan", "vai", "vain",
];

#[rustfmt::skip]
const FR: &[&str] = &[
    "afin", "ai", "alors", "après", "as", "au", "aucun", "aussi", "autre", "aux", "avait", "avant",
    "avec", "avoir", "c", "car", "ce", "ceci", "cela", "celle", "celles", "celui", "ces", "cet",
    "cette", "ceux", "chaque", "ci", "comme", "comment", "d", "dans", "de", "des", "donc", "dont", "du",
    "elle", "elles", "en", "encore", "entre", "est", "et", "eu", "eux", "fait", "fois", "font", "il",
    "ils", "j", "je", "jusqu", "l", "la", "le", "les", "leur", "leurs", "lors", "lui", "là", "m", "ma",
    "mais", "me", "mes", "moi", "mon", "même", "n", "ne", "ni", "nos", "notre", "nous", "on", "ont",
    "ou", "où", "par", "parce", "pas", "pendant", "peut", "plus", "plusieurs", "pour", "pourquoi", "qu",
    "quand", "que", "quel", "quelle", "quelles", "quels", "qui", "quoi", "s", "sa", "sans", "se",
    "sera", "ses", "si", "son", "sont", "sous", "sur", "t", "ta", "te", "tel", "toi", "ton", "tous",
    "tout", "toute", "toutes", "très", "tu", "un", "une", "vers", "vos", "votre", "vous", "y", "à",
    "étaient", "était", "été", "être",
];

#[rustfmt::skip]
const IT: &[&str] = &[
    "a", "ad", "agli", "ai", "al", "alla", "alle", "allo", "anche", "ancora", "avere", "aveva", "c",
    "che", "chi", "ci", "come", "con", "contro", "cosa", "cui", "d", "da", "dagli", "dai", "dal",
    "dalla", "dalle", "dallo", "degli", "dei", "del", "dell", "della", "delle", "dello", "di", "dove",
    "e", "ed", "era", "erano", "essere", "fu", "gli", "ha", "hai", "hanno", "ho", "i", "il", "in", "io",
    "l", "la", "le", "lei", "li", "lo", "loro", "lui", "ma", "mi", "mia", "mio", "ne", "negli", "nei",
    "nel", "nell", "nella", "nelle", "nello", "noi", "non", "nostro", "o", "od", "ogni", "per",
    "perchè", "perché", "più", "può", "qual", "quale", "quali", "quando", "quanti", "quanto", "quella",
    "quelle", "quelli", "quello", "questa", "queste", "questi", "questo", "s", "se", "sei", "si", "sia",
    "sono", "sta", "stata", "stati", "stato", "su", "sua", "sue", "sugli", "sui", "sul", "sull",
    "sulla", "sulle", "suo", "suoi", "sé", "tra", "tu", "tutti", "tutto", "un", "una", "uno", "vi",
    "voi", "è",
];

#[rustfmt::skip]
const NB: &[&str] = &[
    "alle", "at", "av", "ble", "bli", "blir", "da", "de", "deg", "dem", "den", "denne", "der", "deres",
    "det", "dette", "din", "disse", "du", "eller", "en", "er", "et", "etter", "for", "fordi", "fra",
    "hadde", "han", "hans", "har", "hennes", "her", "hos", "hun", "hva", "hvem", "hvilke", "hvilken",
    "hvor", "hvordan", "hvorfor", "i", "ikke", "inn", "jeg", "kan", "kunne", "man", "med", "meg",
    "mellom", "men", "min", "mot", "noe", "noen", "nå", "når", "og", "også", "om", "opp", "oss", "over",
    "på", "samme", "seg", "sin", "sine", "skal", "skulle", "som", "så", "til", "under", "ut", "var",
    "ved", "vi", "vil", "ville", "være", "vært", "å",
];

#[rustfmt::skip]
const NL: &[&str] = &[
    "aan", "al", "alle", "als", "bij", "daar", "dan", "dat", "de", "der", "deze", "die", "dit", "doch",
    "doen", "door", "een", "en", "er", "had", "hadden", "heb", "hebben", "heeft", "het", "hij", "hoe",
    "hun", "ik", "in", "is", "je", "kan", "kon", "kunnen", "maar", "me", "men", "met", "mij", "mijn",
    "moet", "na", "naar", "niet", "nog", "nu", "of", "om", "omdat", "onder", "ons", "ook", "op", "over",
    "te", "tegen", "toch", "toen", "tot", "u", "uit", "uw", "van", "veel", "voor", "waar", "waarom",
    "wanneer", "want", "waren", "was", "wat", "we", "wel", "welk", "welke", "werd", "werden", "wie",
    "wij", "wil", "worden", "wordt", "zal", "ze", "zich", "zij", "zijn", "zo", "zonder", "zou",
];

#[rustfmt::skip]
const PL: &[&str] = &[
    "a", "aby", "albo", "ale", "bardzo", "bez", "bo", "by", "być", "był", "była", "było", "były", "co",
    "czy", "czyli", "dla", "dlaczego", "do", "gdy", "gdzie", "go", "i", "ich", "ile", "im", "innych",
    "iż", "ja", "jak", "jaka", "jaki", "jakie", "jako", "jednak", "jego", "jej", "jest", "jeśli", "już",
    "każdy", "kiedy", "kim", "kto", "która", "które", "którego", "której", "który", "których", "którym",
    "którzy", "ku", "lub", "ma", "mają", "między", "mnie", "może", "można", "na", "nad", "nam", "nas",
    "nich", "nie", "nim", "niż", "o", "od", "on", "ona", "one", "oni", "oraz", "po", "pod", "przed",
    "przez", "przy", "się", "sobie", "są", "ta", "tak", "także", "tam", "te", "tego", "tej", "ten",
    "też", "to", "tu", "tych", "tylko", "tym", "u", "w", "we", "wszystkie", "z", "za", "ze", "że",
];

#[rustfmt::skip]
const PT: &[&str] = &[
    "a", "ao", "aos", "as", "até", "com", "como", "da", "das", "de", "dela", "dele", "deles", "depois",
    "do", "dos", "e", "ela", "elas", "ele", "eles", "em", "entre", "era", "eram", "essa", "esse",
    "esta", "este", "está", "estão", "eu", "foi", "foram", "há", "isso", "isto", "já", "lhe", "mais",
    "mas", "me", "mesmo", "meu", "minha", "muito", "na", "nas", "nem", "no", "nos", "não", "nós", "o",
    "onde", "os", "ou", "para", "pela", "pelas", "pelo", "pelos", "por", "porque", "porquê", "quais",
    "qual", "quando", "quanto", "que", "quem", "quê", "se", "sem", "ser", "será", "seu", "seus", "sua",
    "suas", "são", "só", "também", "te", "tem", "tinha", "têm", "um", "uma", "umas", "uns", "você", "à",
    "às", "é",
];

#[rustfmt::skip]
const RU: &[&str] = &[
    "а", "без", "более", "бы", "был", "была", "были", "было", "быть", "в", "вам", "вас", "весь", "во",
    "вот", "все", "всего", "вы", "где", "да", "для", "до", "его", "ее", "если", "есть", "еще", "ещё",
    "её", "же", "за", "здесь", "и", "из", "или", "им", "их", "к", "как", "какая", "какие", "какой",
    "когда", "которая", "которого", "которой", "которые", "который", "кто", "ли", "мне", "может",
    "можно", "мы", "на", "над", "надо", "не", "него", "нее", "нет", "ни", "них", "но", "ну", "о", "об",
    "он", "она", "они", "оно", "от", "по", "под", "после", "потому", "почему", "при", "с", "сколько",
    "со", "так", "также", "такой", "там", "тем", "то", "того", "тоже", "только", "том", "тот", "ты",
    "у", "уже", "чего", "чем", "что", "чтобы", "чье", "чья", "эта", "эти", "это", "этого", "этой",
    "этом", "этот", "я",
];

#[rustfmt::skip]
const SV: &[&str] = &[
    "alla", "allt", "att", "av", "blev", "bli", "blir", "de", "dem", "den", "denna", "deras", "dess",
    "dessa", "det", "detta", "dig", "din", "dina", "ditt", "du", "där", "då", "efter", "ej", "eller",
    "en", "ett", "från", "för", "ha", "hade", "han", "hans", "har", "henne", "hennes", "hon", "honom",
    "hur", "i", "icke", "inte", "jag", "ju", "kan", "kunde", "man", "med", "mellan", "men", "mig",
    "min", "mitt", "mot", "mycket", "nu", "när", "någon", "något", "några", "och", "om", "oss", "på",
    "samma", "sedan", "sig", "sin", "sina", "sitt", "skulle", "som", "så", "till", "under", "upp", "ut",
    "utan", "vad", "var", "vara", "varför", "varit", "vem", "vi", "vid", "vilka", "vilken", "vilket",
    "är", "över",
];

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, words};

    #[test]
    fn every_list_is_sorted_and_in_lower_case() {
        for code in LANGUAGES {
            let list = words(code);
            assert!(!list.is_empty(), "{code} has no words");
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]), "{code} is not sorted");
            assert!(list.iter().all(|word| *word == word.to_lowercase()), "{code} has capitals");
        }
    }
}
