//! Words that deny, by language, and where they stand in a text.

use std::ops::Range;

use ibid_index::analysis::Language;
use unicode_normalization::char::is_combining_mark;

/// How one language denies.
struct Negation {
    code: &'static str,
    /// Words in lower case; with a dash before or behind it, the end or the beginning of one.
    words: &'static [&'static str],
    /// What holds such a word and denies nothing, such as "not only".
    harmless: &'static [&'static str],
}

/// Where a text denies, in order. What shows no language is taken for English.
pub(crate) fn denials(text: &str, language: Option<Language>) -> Vec<Range<usize>> {
    let language = language.or_else(|| Language::of_question(text));
    let code = language.map_or("en", Language::code);
    let Some(negation) = NEGATIONS.iter().find(|negation| negation.code == code) else {
        return Vec::new();
    };
    if negation.is_within_words() { negation.anywhere(text) } else { negation.by_word(text) }
}

impl Negation {
    /// Whether it denies by parts of words, or does not part them.
    fn is_within_words(&self) -> bool {
        matches!(self.code, "ja" | "ko" | "th" | "zh")
    }

    /// Where such characters stand, read from left to right.
    fn anywhere(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if !self.words.iter().any(|entry| text.contains(entry)) {
            return found;
        }
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let here = |listed: &[&str]| {
                listed.iter().filter(|entry| text[at..].starts_with(**entry)).map(|entry| entry.len()).max()
            };
            at += if let Some(harmless) = here(self.harmless) {
                harmless
            } else if let Some(denial) = here(self.words) {
                found.push(at..at + denial);
                denial
            } else {
                c.len_utf8()
            };
        }
        found
    }

    fn by_word(&self, text: &str) -> Vec<Range<usize>> {
        let words = words(text);
        let denies = |word: &str| self.words.iter().any(|entry| fits(word, entry));
        let mut found = Vec::new();
        if !words.iter().any(|(_, word)| denies(word)) {
            return found;
        }
        let mut at = 0;
        while let Some((range, word)) = words.get(at) {
            let is_here = |phrase: &&&str| {
                let mut following = words[at..].iter();
                phrase.split(' ').all(|part| following.next().is_some_and(|(_, word)| word == part))
            };
            if let Some(phrase) = self.harmless.iter().find(is_here) {
                at += phrase.split(' ').count();
                continue;
            }
            if denies(word) && !self.is_numero(text, range) {
                found.push(range.clone());
            }
            at += 1;
        }
        found
    }

    /// Whether this is the sign of a number, as in "No. 7".
    fn is_numero(&self, text: &str, word: &Range<usize>) -> bool {
        let rest = &text[word.end..];
        self.code == "en"
            && text[word.clone()].eq_ignore_ascii_case("no")
            && rest.trim_start_matches(['.', ' ']).starts_with(|c: char| c.is_ascii_digit())
    }
}

/// The words of a text in lower case. An apostrophe or a joiner is part of one.
fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '\u{200c}') || is_combining_mark(c);
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let from = text.len() - rest.len() + start;
        let len = rest[start..].find(|c| !is_part(c)).unwrap_or(rest.len() - start);
        found.push((from..from + len, text[from..from + len].to_lowercase().replace('’', "'")));
        rest = &text[from + len..];
    }
    found
}

fn fits(word: &str, entry: &str) -> bool {
    match (entry.strip_prefix('-'), entry.strip_suffix('-')) {
        (Some(end), _) => word.len() > end.len() && word.ends_with(end),
        (_, Some(beginning)) => word.starts_with(beginning),
        _ => word == entry,
    }
}

const fn row(
    code: &'static str,
    words: &'static [&'static str],
    harmless: &'static [&'static str],
) -> Negation {
    Negation { code, words, harmless }
}

#[rustfmt::skip]
const NEGATIONS: &[Negation] = &[
    row("ar", &["لا", "لم", "لن", "ليس", "ليست", "ليسوا", "ولا", "ولم", "ولن", "وليس", "وليست", "فلا", "فلم", "فليس", "بدون", "دون", "غير", "بلا"],
        &["لا سيما", "ولا سيما", "ليس فقط", "لا يزال", "لا تزال", "غير أن", "غير أنه"]),
    row("bg", &["не", "няма", "нямат", "нямаше", "без", "нито", "никога", "никой", "никоя", "нищо"], &["не само"]),
    row("bn", &["না", "নেই", "নয়", "নয়", "নি", "নাই", "-েনি", "বিনা"], &["শুধু নয়", "শুধু নয়"]),
    row("ca", &["no", "mai", "sense", "ningú", "tampoc", "ni"], &["no només", "no obstant", "més que mai"]),
    row("cs", &["není", "nejsou", "ne", "nikdy", "nikdo", "nic", "bez", "ani", "žádný", "žádná", "žádné", "žádného", "žádnou", "nelze", "nebyl-", "nebud-", "nemá", "nemají", "neměl-", "nemůže", "nemohl-", "neexist-", "neobsah-", "neuvád-", "neuved-", "neodpov-", "nezmiň-", "nepopis-", "nenaš-", "nenalez-", "nestal-", "nezískal-", "nepatř-"], &[]),
    row("da", &["ikke", "ingen", "intet", "aldrig", "uden", "hverken"], &["ikke kun", "ikke bare", "ikke blot", "ikke mindst", "uden for", "uden tvivl"]),
    row("de", &["nicht", "kein", "keine", "keinen", "keinem", "keiner", "keines", "nie", "niemals", "niemand", "nichts", "ohne", "weder"],
        &["nicht nur", "nicht zuletzt", "nicht allein", "nicht weniger", "ohne zweifel"]),
    row("el", &["δεν", "δε", "μην", "μη", "χωρίς", "δίχως", "ούτε", "ποτέ", "κανείς", "κανένας", "καμία", "κανένα", "όχι"], &["όχι μόνο", "όχι απλώς"]),
    row("en", &["not", "no", "non", "never", "none", "neither", "nor", "without", "cannot", "nobody", "nothing", "nowhere", "unable", "fails", "failed", "lacks", "lacked", "-n't"],
        &["not only", "not least", "no less", "no fewer", "no doubt", "nothing but"]),
    row("es", &["no", "ningún", "ninguno", "ninguna", "nunca", "jamás", "sin", "tampoco", "nadie", "ni"],
        &["no sólo", "no solo", "no solamente", "no obstante", "sin embargo", "sin duda"]),
    row("fa", &["نیست", "نیستند", "نبود", "نبودند", "نبوده", "ندارد", "ندارند", "نداشت", "نداشتند", "نشد", "نشده", "نکرد", "نکرده", "نمی", "نمی\u{200c}-", "بدون", "هیچ", "هرگز", "نه", "نخواهد", "نخواهند"],
        &["نه تنها", "نه فقط"]),
    row("fi", &["ei", "en", "et", "emme", "ette", "eivät", "eikä", "eivätkä", "ilman", "älä"], &["ei vain", "ei ainoastaan", "eikä vain", "eivät vain"]),
    row("fr", &["pas", "non", "jamais", "aucun", "aucune", "sans", "rien", "ni", "guère"], &["pas seulement", "non seulement", "pas uniquement", "sans doute", "pas moins"]),
    row("he", &["לא", "ולא", "שלא", "אין", "ואין", "שאין", "אינו", "אינה", "אינם", "אינן", "בלי", "ללא", "מעולם"], &["לא רק"]),
    row("hi", &["नहीं", "नही", "न", "ना", "मत", "बिना"], &["न केवल", "न सिर्फ"]),
    row("hr", &["ne", "nije", "nisu", "nisam", "nismo", "nema", "nemaju", "neće", "bez", "nikad", "nikada", "nitko", "nijedan", "nijedna", "ni", "niti"], &["ne samo"]),
    row("hu", &["nem", "nincs", "nincsenek", "ne", "sem", "nélkül", "soha", "senki", "semmi"], &["nem csak", "nem csupán"]),
    row("id", &["tidak", "bukan", "belum", "tanpa", "tak", "tiada"], &["tidak hanya", "bukan hanya", "tak hanya", "tidak saja", "bukan saja"]),
    row("it", &["non", "senza", "nessun", "nessuno", "nessuna", "né", "neanche", "nemmeno", "neppure"], &["non solo", "non soltanto", "senza dubbio"]),
    row("ja", &["ない", "なかっ", "なく", "ません", "ずに", "無い", "無く", "無かっ"], &[
        "なければならない", "なければならなかった", "なければなりません", "なければいけない", "なければいけません", "なくてはならない",
        "なくてはなりません", "なくてはいけない", "ないといけない", "ねばならない", "ねばなりません", "かもしれない", "かもしれません",
        "だけでなく", "だけではなく", "ばかりでなく", "しかない", "しかなく", "しかなかった", "しかいない", "しかいなかった", "しかありません",
        "少ない", "少なく", "少なかった", "危ない", "違いない", "違いありません", "まもなく", "間もなく", "絶え間なく", "なくな",
    ]),
    row("ko", &["않", "없", "아니", "못하", "못한", "못했", "못해"], &["뿐만 아니라", "뿐 아니라", "수밖에 없", "밖에 없", "끊임없", "틀림없", "변함없"]),
    row("nb", &["ikke", "ingen", "intet", "aldri", "uten", "verken"], &["ikke bare", "ikke kun", "ikke minst", "uten tvil"]),
    row("nl", &["niet", "geen", "nooit", "zonder", "niemand", "niets", "nergens", "noch"], &["niet alleen", "niet slechts", "niet minder", "zonder twijfel"]),
    row("pl", &["nie", "bez", "nigdy", "nikt", "nic", "ani", "brak", "żaden", "żadna", "żadne", "żadnego", "żadnej", "żadnych"], &["nie tylko", "bez wątpienia"]),
    row("pt", &["não", "nem", "nunca", "jamais", "sem", "nenhum", "nenhuma", "ninguém", "tampouco"], &["não só", "não apenas", "não somente", "sem dúvida"]),
    row("ro", &["nu", "n", "fără", "nici", "niciun", "niciuna", "nicio", "nimeni", "nimic", "niciodată"], &["nu numai", "nu doar"]),
    row("ru", &["не", "нет", "без", "ни", "никогда", "никто", "ничего", "нельзя"], &["не только", "не менее", "не раз", "без сомнения"]),
    row("sk", &["nie", "bez", "nikdy", "nikto", "nič", "ani", "žiadny", "žiadna", "žiadne", "nebol-", "nebud-", "nemá", "nemajú", "nemal-", "nemôže", "nemožno", "neexist-", "neobsah-", "neuvád-", "neuvied-", "neodpoved-", "nespomín-", "neopis-", "nenaš-", "nenach-"], &["nie len"]),
    row("sv", &["inte", "ej", "icke", "ingen", "inget", "inga", "aldrig", "utan", "varken"], &["inte bara", "inte endast", "inte enbart", "inte minst", "utan tvekan"]),
    row("th", &["ไม่", "มิได้", "ไร้", "ปราศจาก"], &["ไม่เพียง", "ไม่เฉพาะ", "ไม่นาน", "ไม่น้อยกว่า", "ไม่ต่ำกว่า", "ไม่ว่า"]),
    row("tr", &["değil", "değildir", "değildi", "yok", "yoktur", "yoktu", "hiç", "hiçbir", "asla", "-mıyor", "-miyor", "-muyor", "-müyor", "-madı", "-medi", "-mamış", "-memiş", "-mamıştır", "-memiştir", "-mamaktadır", "-memektedir", "-mayacak", "-meyecek", "-mıyorlar", "-miyorlar", "-madılar", "-mediler"],
        &["komedi", "trajedi"]),
    row("uk", &["не", "немає", "нема", "без", "ні", "ані", "ніколи", "ніхто", "нічого"], &["не тільки", "не лише", "не менше", "без сумніву"]),
    row("ur", &["نہیں", "نہ", "بغیر", "مت"], &["نہ صرف"]),
    row("vi", &["không", "chưa", "chẳng", "chả"], &["không chỉ", "không những", "không gian", "không khí", "không quân", "không lực", "hàng không"]),
    row("zh", &["不", "没", "沒", "无", "無", "未", "并非", "並非", "绝非", "絕非"], &[
        "不仅", "不僅", "不但", "不只", "不止", "不单", "不單", "不过", "不過", "不断", "不斷", "不同", "不久", "不少", "不得不", "不论", "不論", "不管",
        "不等", "不已", "不禁", "不惜", "不列颠", "不列顛", "不丹", "差不多", "未来", "未來", "无论", "無論", "无线", "無線", "无数", "無數", "无疑", "無疑",
        "无锡", "無錫", "没收", "沒收", "沉没", "沉沒", "淹没", "淹沒", "埋没", "埋沒", "出没", "出沒",
    ]),
];

#[cfg(test)]
mod tests {
    use ibid_index::analysis::Language;

    use super::super::support::{Claim, Facts, PARTIAL, SUPPORTED, support};
    use super::{NEGATIONS, denials};

    #[track_caller]
    fn check(code: &str, text: &str, expected: &[&str]) {
        let found = denials(text, Language::from_code(code));
        let found: Vec<_> = found.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_language_denies_in_its_own_words() {
        check("en", "It isn't old, nor did Peer No. 7 fall; no ship did.", &["isn't", "nor", "no"]);
        check("pt", "O farol fica no porto e não na ilha.", &["não"]);
        check("es", "Sin embargo, el faro no tiene luz.", &["no"]);
        check("de", "Der Turm ist nicht nur alt, er hat auch kein Licht.", &["kein"]);
        check("cs", "Maják nebyl postaven v roce 1890.", &["nebyl"]);
        check("tr", "Fener 1890 yılında yapılmadı.", &["yapılmadı"]);
        check("fa", "این فانوس روشن نمی\u{200c}شود.", &["نمی\u{200c}شود"]);
        check("hi", "मीनार पुरानी नहीं है।", &["नहीं"]);
        check("vi", "Hãng hàng không này không bay đêm.", &["không"]);
        check("zh", "灯塔不仅高，而且没有灯。", &["没"]);
        check("ja", "灯台は少なくとも古い。灯はありません。", &["ません"]);
        check("ja", "登らなければならない。", &[]);
        check("ko", "등대뿐만 아니라 섬도 크지 않다.", &["않"]);
        check("th", "ประภาคารไม่เพียงสูง แต่ไม่มีไฟ", &["ไม่"]);
        check("yi", "not", &[]);
    }

    #[test]
    fn each_entry_is_written_as_it_is_compared() {
        for negation in NEGATIONS {
            assert!(Language::from_code(negation.code).is_some(), "{}", negation.code);
            for entry in negation.words {
                let word = match (entry.strip_prefix('-'), entry.strip_suffix('-')) {
                    (Some(end), _) => format!("ab{end}"),
                    (_, Some(beginning)) => format!("{beginning}ab"),
                    _ => (*entry).to_owned(),
                };
                check(negation.code, &word, &[&word]);
            }
            for phrase in negation.harmless {
                check(negation.code, phrase, &[]);
            }
        }
    }

    #[test]
    fn what_is_denied_beside_the_matter_is_carried_if_it_stands_there() {
        let facts = |text| Facts::of(text, Language::from_code("en"));
        let carried = |claim, by| support(&Claim::new(facts(claim), |_| 1.0), &facts(by), &[]);
        let says = "The ladder is a wet ramp that young eels climb to the upper pond (not salmon).";
        assert!(carried(says, says) >= SUPPORTED);
        assert!(
            carried("Eel ladder: a wet ramp that young eels climb to the upper pond (not salmon)", says)
                >= SUPPORTED
        );
        let other = "The ladder is a wet ramp that young eels climb to the upper pond, as do salmon.";
        assert!(carried(says, other) < PARTIAL);
    }

    #[test]
    fn a_claim_that_denies_what_stands_there_is_not_carried() {
        for (code, says, denies) in [
            ("en", "The town sold the old tower.", "The town sold neither the old tower nor the pier."),
            ("de", "Die Stadt verkaufte den alten Turm.", "Die Stadt verkaufte den alten Turm nie."),
            ("fr", "La ville a vendu la vieille tour.", "La ville n’a pas vendu la vieille tour."),
            ("es", "La ciudad vendió la vieja torre.", "La ciudad no vendió nunca la vieja torre."),
            ("pt", "A torre velha fica no porto.", "A torre velha não fica no porto."),
            ("pl", "Miasto sprzedało starą wieżę.", "Miasto nigdy nie sprzedało starej wieży."),
            ("ru", "Город продал старую башню.", "Город не продал старую башню."),
            ("ar", "باعت المدينة البرج القديم.", "لم تبع المدينة البرج القديم."),
            ("hi", "नगर ने पुरानी मीनार बेची।", "नगर ने पुरानी मीनार नहीं बेची।"),
            ("ja", "町は古い灯台を売りました。", "町は古い灯台を売りませんでした。"),
            ("ko", "도시는 낡은 등대를 팔았다.", "도시는 낡은 등대를 팔지 않았다."),
            ("th", "เมืองขายประภาคารเก่า", "เมืองไม่ขายประภาคารเก่า"),
            ("vi", "Thành phố bán ngọn hải đăng cũ.", "Thành phố không bán ngọn hải đăng cũ."),
            ("zh", "这座城市卖掉了旧灯塔。", "这座城市没有卖掉旧灯塔。"),
        ] {
            let facts = |text| Facts::of(text, Language::from_code(code));
            let carried = |claim, by| support(&Claim::new(facts(claim), |_| 1.0), &facts(by), &[]);
            for text in [says, denies] {
                assert!(carried(text, text) >= SUPPORTED, "{text}");
            }
            for (claim, by) in [(says, denies), (denies, says)] {
                assert!(carried(claim, by) < PARTIAL, "{claim} by {by}: {}", carried(claim, by));
            }
        }
    }
}
