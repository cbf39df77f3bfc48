//! What numbers and units are called, by language.

use std::collections::HashMap;
use std::sync::LazyLock;

use ibid_index::analysis::Language;

/// What the words of a language stand for, in its order.
#[rustfmt::skip]
const VALUES: &[f64] = &[
    2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0,
    20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0,
];

/// The words of a language for [`VALUES`], several for one between slashes; `-` where the word means something
/// else more often, as one does that is an article or a pronoun.
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("da", "to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tyve tredive fyrre halvtreds tres halvfjerds firs halvfems"),
    ("de", "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"),
    ("en", "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"),
    ("es", "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"),
    ("fr", "deux trois quatre cinq six sept huit - dix onze douze treize quatorze quinze seize - - - vingt trente quarante cinquante soixante - - -"),
    ("it", "due tre quattro cinque - sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti trenta quaranta cinquanta sessanta settanta ottanta novanta"),
    ("nb", "to tre fire fem seks sju/syv åtte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tjue tretti førti femti seksti sytti åtti nitti"),
    ("nl", "twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig"),
    ("pl", "dwa/dwie/dwóch trzy/trzech cztery/czterech pięć/pięciu sześć/sześciu siedem/siedmiu osiem/ośmiu dziewięć/dziewięciu dziesięć/dziesięciu jedenaście dwanaście trzynaście czternaście piętnaście szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt siedemdziesiąt osiemdziesiąt dziewięćdziesiąt"),
    ("pt", "dois/duas três quatro cinco seis sete oito nove dez onze doze treze catorze/quatorze quinze dezesseis/dezasseis dezessete/dezassete dezoito dezenove/dezanove vinte trinta quarenta cinquenta sessenta setenta oitenta noventa"),
    ("ro", "doi/două trei patru cinci șase/şase șapte/şapte opt - zece unsprezece doisprezece treisprezece paisprezece cincisprezece șaisprezece șaptesprezece optsprezece nouăsprezece douăzeci treizeci patruzeci cincizeci șaizeci șaptezeci optzeci nouăzeci"),
    ("ru", "два/две/двух три/трёх/трех четыре/четырёх/четырех пять/пяти шесть/шести семь/семи восемь/восьми девять/девяти десять/десяти одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто"),
    ("sv", "två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo trettio fyrtio femtio sextio sjuttio åttio nittio"),
];

/// The value of a number word of a language, of English where that is not known.
pub(super) fn spelled(word: &str, language: Option<Language>) -> Option<f64> {
    static BY_WORD: LazyLock<HashMap<(&str, &str), f64>> = LazyLock::new(|| {
        let of_language = |(code, words): &(&'static str, &'static str)| {
            let code = *code;
            let valued = words
                .split(' ')
                .zip(VALUES)
                .flat_map(|(words, value)| words.split('/').map(move |word| (word, *value)));
            valued.map(move |(word, value)| ((code, word), value)).collect::<Vec<_>>()
        };
        WORDS.iter().flat_map(of_language).filter(|((_, word), _)| *word != "-").collect()
    });
    let code = language.map_or("en", Language::code);
    let of = |word: &str| BY_WORD.get(&(code, word)).copied();
    of(word).or_else(|| word.contains(char::is_uppercase).then(|| of(&word.to_lowercase())).flatten())
}

/// The unit that goes by this name.
pub(crate) fn unit_named(word: &str) -> Option<&'static str> {
    static BY_NAME: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        UNITS.iter().flat_map(|(unit, names)| names.split(' ').map(|name| (name, *unit))).collect()
    });
    BY_NAME.get(word).or_else(|| BY_NAME.get(word.to_lowercase().as_str())).copied()
}

/// Units, by the names they go by after a number.
#[rustfmt::skip]
const UNITS: &[(&str, &str)] = &[
    ("%", "percent prozent pourcent pct procent procenta procent процент процента процентов"),
    ("usd", "dollars dollar usd $"),
    ("eur", "euros euro eur €"),
    ("gbp", "pounds gbp £"),
    ("km/h", "km/h kmh kph"),
    ("km", "km kilometres kilometers kilometre kilometer kilometern kilomètres kilómetros quilómetros quilômetros chilometri километров"),
    ("m", "m metres meters metre meter metern mètres metros metri metrów метров"),
    ("cm", "cm centimetres centimeters zentimeter centimètres centímetros"),
    ("mm", "mm millimetres millimeters millimeter millimètres milímetros"),
    ("ha", "ha hectares hectare hektar hectáreas ettari"),
    ("acre", "acres acre"),
    ("km²", "km²"),
    ("m²", "m²"),
    ("mile", "miles mile mi"),
    ("ft", "ft feet foot"),
    ("kg", "kg kilograms kilogram kilogrammes kilogramm kilogramos kilo"),
    ("g", "g grams gram gramm grammes gramos grammi"),
    ("mg", "mg milligrams milligram milligramm"),
    ("lb", "lb lbs"),
    ("t", "tonnes tonne tons tonnen toneladas tonnellate ton тонн"),
    ("s", "s seconds second sec sekunden sekunde secondes segundos secondi seconden sekunder sekund секунд saniye"),
    ("min", "min minutes minute minuten minutos minuti minuter minutter minut минут dakika"),
    ("h", "h hours hour hrs stunden stunde heures heure horas hora ore ora uur uren timmar timer godzin godziny часов часа saat"),
    ("day", "days day tage tagen jours jour días día dias dia giorni giorno dagen dagar dager dage dni дней дня gün"),
    ("week", "weeks week wochen woche semaines semaine semanas semana settimane settimana weken veckor uker uger tygodni tygodnie недель недели hafta"),
    ("month", "months month monate monaten monats mois meses mes mesi mese maanden månader måneder miesięcy miesiące месяцев месяца ay"),
    ("year", "years year jahre jahren ans an années année años año anni anno anos ano jaar jaren år lat lata лет года годов yıl ani"),
    ("ms", "ms milliseconds"),
    ("mb", "MB megabytes"),
    ("gb", "GB gigabytes"),
    ("tb", "TB terabytes"),
    ("kw", "kW kilowatts"),
    ("mw", "MW megawatts"),
    ("gw", "GW gigawatts"),
    ("°c", "°C °c"),
    ("°f", "°F °f"),
];

/// Whether what stands before a number says that it is one of a part of a text: a section, a figure, a note.
pub(super) fn is_label(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '.', '\u{a0}']);
    if before.ends_with(['§', '[', '¶']) {
        return true;
    }
    // Also in a list of them: "[28, 21]", "Sections 3 and 4".
    let rest = before.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | ' ' | '–' | '-'));
    let is_listed = rest.len() < before.len() && before.ends_with([',', '–', '-']);
    let rest = if is_listed { rest } else { before };
    let word = rest.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    is_listed && rest.ends_with(['§', '[']) || PARTS.contains(&word.to_lowercase().as_str())
}

/// What the parts of a text are called before their number.
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "section", "sections", "sec", "chapter", "chapters", "figure", "figures", "fig", "figs", "table", "tables",
    "page", "pages", "pp", "article", "articles", "paragraph", "paragraphs", "clause", "appendix", "annex",
    "equation", "eq", "theorem", "lemma", "algorithm", "footnote", "item", "note", "abschnitt", "kapitel",
    "abbildung", "abb", "tabelle", "seite", "artikel", "art", "absatz", "absatzes", "absätze", "absätzen", "abs",
    "satz", "satzes", "sätze", "sätzen", "nummer", "nummern", "nr", "buchstabe", "anlage", "anhang", "bild",
    "zeichen", "chapitre", "tableau", "alinéa", "annexe", "sección", "capítulo", "figura", "tabla",
    "artículo", "párrafo", "página", "sezione", "capitolo", "tabella", "articolo", "pagina", "comma",
    "seção", "artigo", "hoofdstuk", "afbeelding", "tabel", "lid", "avsnitt", "kapittel", "tabell", "sida",
    "side", "rozdział", "tabela", "rysunek", "artykuł", "ust", "раздел", "глава", "рис", "таблица", "статья",
    "статьи", "пункт", "пункта", "пункте",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_names_all_values() {
        for (code, words) in WORDS {
            assert_eq!(words.split(' ').count(), VALUES.len(), "{code}");
            assert!(Language::from_code(code).is_some_and(|language| language.code() == *code));
        }
    }

    #[test]
    fn a_word_is_a_number_in_its_own_language() {
        let of = |word, code| spelled(word, Language::from_code(code));
        assert_eq!(of("Elf", "de"), Some(11.0));
        assert_eq!(of("elf", "en"), None);
        assert_eq!(of("duas", "pt"), Some(2.0));
        assert_eq!(spelled("twelve", None), Some(12.0));
        assert_eq!(of("-", "fr"), None);
    }
}
