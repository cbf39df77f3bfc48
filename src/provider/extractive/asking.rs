//! The words that ask for a person, a time, a place, an amount or a reason, by language.

use ibid_index::analysis::{Language, is_unspaced};

use super::cue::Asked;

/// The words of one language, and phrases, between commas.
struct Words {
    code: &'static str,
    person: &'static str,
    time: &'static str,
    place: &'static str,
    amount: &'static str,
    reason: &'static str,
}

/// What a question asks for by its words that ask.
pub(super) fn asked(question: &str) -> Option<Asked> {
    let code = Language::of_question(question).map_or("en", Language::code);
    let words = WORDS.iter().find(|words| words.code == code)?;
    let lower = question.to_lowercase();
    let parted = lower.split(|c: char| !c.is_alphanumeric() && !is_mark(c)).filter(|word| !word.is_empty());
    let parted = format!(" {} ", parted.collect::<Vec<_>>().join(" "));
    let says = |phrases: &str| {
        phrases.split(", ").filter(|phrase| !phrase.is_empty()).any(|phrase| {
            if phrase.starts_with(is_unspaced) {
                lower.contains(phrase)
            } else {
                parted.contains(&format!(" {phrase} "))
            }
        })
    };
    // "How many" has a "where" or a "which" in some languages, and "in which year" a "how many".
    [
        (words.time, Asked::Time),
        (words.amount, Asked::Amount(&[])),
        (words.person, Asked::Person),
        (words.place, Asked::Place),
        (words.reason, Asked::Reason),
    ]
    .into_iter()
    .find_map(|(phrases, asked)| says(phrases).then_some(asked))
}

/// Vowels of some scripts are marks on their consonants.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

const fn words(code: &'static str, [person, time, place, amount, reason]: [&'static str; 5]) -> Words {
    Words { code, person, time, place, amount, reason }
}

#[rustfmt::skip]
const WORDS: &[Words] = &[
    words("ar", ["من هو, من هي, من هم, من الذي, من كان, من قام, لمن, ممن", "متى, أي عام, أي سنة, أي تاريخ", "أين, اين", "كم, بكم", "لماذا"]),
    words("bg", ["кой, кого, чий, чия", "кога", "къде, откъде", "колко", "защо"]),
    words("bn", ["কে, কারা, কাকে, কার", "কখন, কবে", "কোথায়, কোথা", "কত, কতটি, কতজন, কয়টি", "কেন"]),
    words("ca", ["qui", "quan, quin any", "on", "quant, quants, quanta, quantes", "per què"]),
    words("cs", ["kdo, koho, komu, kým, čí", "kdy", "kde, kam, odkud", "kolik", "proč"]),
    words("da", ["hvem", "hvornår, hvilket år", "hvor, hvorhen, hvorfra", "hvor mange, hvor meget, hvor lang, hvor langt, hvor længe, hvor stor, hvor højt, hvor gammel", "hvorfor"]),
    words("de", ["wer, wem, wen, wessen", "wann", "wo, wohin, woher", "wieviel, wieviele, wie viel, wie viele, wie vielen, wie hoch, wie lang, wie lange, wie groß, wie weit, wie oft, wie alt, wie schwer, wie tief, wie schnell", "warum, weshalb, wieso"]),
    words("el", ["ποιος, ποιον, ποιοι, ποιους, ποιανού", "πότε", "πού", "πόσο, πόσα, πόσοι, πόσες, πόση, πόσος, πόσων, πόσους", "γιατί"]),
    words("en", ["who, whom, whose", "when", "where", "", "why"]),
    words("es", ["quién, quiénes", "cuándo, qué año", "dónde, adónde", "cuánto, cuántos, cuánta, cuántas", "por qué"]),
    words("fa", ["چه کسی, چه کسانی, کیست, کیه", "چه زمانی, چه سالی, چه تاریخی, چه موقع", "کجا, کجاست, کجای", "چند, چقدر, چه تعداد", "چرا"]),
    words("fi", ["kuka, ketkä, kenen, kenelle, keiden, ketä", "milloin, minä vuonna", "missä, minne, mistä", "montako, kuinka monta, kuinka moni, kuinka paljon, kuinka pitkä, kuinka suuri, kuinka vanha, kuinka korkea", "miksi"]),
    words("fr", ["qui", "quand, quelle année", "où", "combien", "pourquoi"]),
    words("he", ["מי, מיהו, מיהי, למי", "מתי, באיזו שנה", "איפה, היכן, לאן, מאין", "כמה", "למה, מדוע"]),
    words("hi", ["कौन, किसने, किसे, किसको", "कब, किस वर्ष, किस साल", "कहाँ, कहां", "कितना, कितनी, कितने", "क्यों"]),
    words("hr", ["tko, koga, kome, čiji, čija", "kada, kad, koje godine", "gdje, kamo, odakle", "koliko", "zašto"]),
    words("hu", ["ki, kik, kit, kinek, kicsoda", "mikor, melyik évben", "hol, hová, hova, honnan", "hány, hányan, hányszor, mennyi, mekkora", "miért"]),
    words("id", ["siapa, siapakah", "kapan, kapankah, tahun berapa", "di mana, dimana, ke mana, dari mana", "berapa, berapakah", "mengapa, kenapa"]),
    words("it", ["chi", "quando, che anno, quale anno", "dove, dov", "quanto, quanti, quanta, quante", "perché"]),
    words("ja", ["誰, だれ", "いつ, 何年, 何月, 何日, 何時", "どこ, 何処", "いくつ, いくら, 何人, 何個, 何本, 何回, 何度, 何歳, どのくらい, どれくらい", "なぜ, どうして, 何故"]),
    words("ko", ["누구, 누가", "언제, 몇 년, 몇년", "어디", "얼마, 몇", "왜"]),
    words("nb", ["hvem", "når, hvilket år", "hvor, hvorhen, hvorfra", "hvor mange, hvor mye, hvor lang, hvor langt, hvor lenge, hvor stor, hvor høy, hvor gammel", "hvorfor"]),
    words("nl", ["wie, wiens", "wanneer, welk jaar", "waar", "hoeveel, hoe lang, hoe groot, hoe hoog, hoe oud, hoe ver, hoe vaak, hoe zwaar, hoe diep", "waarom"]),
    words("pl", ["kto, kogo, komu, kim", "kiedy", "gdzie, dokąd, skąd", "ile, ilu", "dlaczego, czemu"]),
    words("pt", ["quem", "quando, que ano", "onde, aonde", "quanto, quantos, quanta, quantas", "por que, por quê, porquê"]),
    words("ro", ["cine, cui", "când, ce an", "unde", "cât, câți, câţi, câte, câtă", "de ce"]),
    words("ru", ["кто, кого, кому, кем, чей, чья", "когда, каком году", "где, куда, откуда", "сколько, скольких", "почему, зачем"]),
    words("sk", ["kto, koho, komu, kým", "kedy", "kde, kam, odkiaľ", "koľko, koľkí", "prečo"]),
    words("sv", ["vem, vems", "när, vilket år", "vart, varifrån, var ligger, var finns, var föddes", "hur många, hur mycket, hur lång, hur långt, hur länge, hur stor, hur hög, hur gammal", "varför"]),
    words("th", ["ใคร", "เมื่อใด, เมื่อไร, เมื่อไหร่, ปีใด, ปีไหน", "ที่ไหน, ที่ใด", "กี่, เท่าไร, เท่าไหร่, เท่าใด", "ทำไม, เพราะเหตุใด"]),
    words("tr", ["kim, kimdir, kimi, kime, kimin, kimler, kimlerdir", "ne zaman, hangi yıl, hangi yılda, hangi tarihte, kaç yılında", "nerede, nereye, nereden, neresinde, nerededir", "kaç, kaçtır, ne kadar, kaçı", "neden, niçin, niye"]),
    words("uk", ["хто, кого, кому, ким, чий, чия", "коли, якому році", "де, куди, звідки", "скільки, скількох", "чому, навіщо"]),
    words("ur", ["کون, کس نے", "کب, کس سال", "کہاں", "کتنا, کتنی, کتنے", "کیوں"]),
    words("vi", ["ai", "khi nào, bao giờ, năm nào, ngày nào", "ở đâu, đâu", "bao nhiêu, bao lâu, bao xa, mấy", "tại sao, vì sao"]),
    words("zh", ["谁, 誰, 哪位, 何人", "什么时候, 什麼時候, 何时, 何時, 哪年, 哪一年, 几年, 幾年, 几月, 幾月, 哪天", "哪里, 哪裡, 哪裏, 哪儿, 哪兒, 何处, 何處, 何地, 什么地方, 什麼地方", "多少, 几个, 幾個, 几人, 幾人, 几位, 幾位, 几次, 幾次, 几种, 幾種, 多大, 多长, 多長, 多高, 多远, 多遠, 多久", "为什么, 為什麼, 为何, 為何"]),
];

#[cfg(test)]
mod tests {
    use super::super::cue::Asked;
    use super::{WORDS, asked};

    #[test]
    fn a_question_asks_in_its_own_language() {
        for (question, expected) in [
            ("Who built the lighthouse?", Some(Asked::Person)),
            ("Wie hoch ist der Leuchtturm?", Some(Asked::Amount(&[]))),
            ("Wie is de vuurtorenwachter van het eiland?", Some(Asked::Person)),
            ("Hvor mange øyer er det?", Some(Asked::Amount(&[]))),
            ("Hvor er øya?", Some(Asked::Place)),
            ("En qué año se construyó el faro?", Some(Asked::Time)),
            ("В каком году был построен маяк?", Some(Asked::Time)),
            ("Fener hangi yılda inşa edildi?", Some(Asked::Time)),
            ("灯塔是什么时候建造的？", Some(Asked::Time)),
            ("灯台は何人で建てましたか", Some(Asked::Amount(&[]))),
            ("등대는 누가 지었는가?", Some(Asked::Person)),
            ("फ़ानूस किसने बनाया है?", Some(Asked::Person)),
            ("فانوس دریایی در کجاست؟", Some(Asked::Place)),
            ("Name the keepers", None),
        ] {
            assert_eq!(asked(question), expected, "{question}");
        }
    }

    #[test]
    fn every_phrase_is_in_lower_case() {
        for words in WORDS {
            for phrases in [words.person, words.time, words.place, words.amount, words.reason] {
                assert_eq!(phrases, phrases.to_lowercase(), "{}", words.code);
                assert!(!phrases.contains(",,") && !phrases.ends_with(','), "{}", words.code);
            }
        }
    }
}
