//! Words of a question that frame it and are not what it is about: they ask for a kind of answer
//! ("list", "summarise"), name the documents as such, or ask where these disagree.

use ibid_index::analysis::{Language, TermKind, terms};

/// Whether a word asks for an answer of a kind, names the documents as such, or is about their
/// disagreement.
pub(crate) fn is_framing(word: &str) -> bool {
    FRAMING.contains(&word.to_lowercase().as_str()) || is_dissent(word)
}

/// Whether a word is about disagreement.
pub(super) fn is_dissent(word: &str) -> bool {
    let word = word.to_lowercase();
    DISSENT.iter().any(|beginning| word.starts_with(beginning))
}

/// A question without its frame: `eels` of "tell me about eels" and of "what does eels mean?". One that
/// it opens with ends in a word of grammar; "information science" opens with a subject.
pub(crate) fn unframed(question: &str) -> &str {
    if let Some(meant) = meant(question) {
        return meant;
    }
    let language = Language::of_question(question).or_else(|| Language::from_code("en"));
    let (mut has_frame, mut is_closed) = (false, false);
    for term in terms(question, language) {
        let is_stop = term.kind == TermKind::Stop;
        if !is_stop && !is_framing(&question[term.start..term.end]) {
            return if has_frame && is_closed { &question[term.start..] } else { question };
        }
        has_frame |= !is_stop;
        is_closed = is_stop;
    }
    question
}

/// What a question asks the meaning of.
fn meant(question: &str) -> Option<&str> {
    let words = question.trim_matches(is_around);
    MEANINGS.iter().find_map(|(before, after)| {
        let start = beginning(words, before)?;
        let end = ending(&words[start..], after)?;
        let meant = words[start..start + end].trim_matches(is_around);
        meant.contains(char::is_alphanumeric).then_some(meant)
    })
}

/// Whether a character stands around what is said: a space, a quotation mark, a mark of a question.
fn is_around(c: char) -> bool {
    c.is_whitespace() || "?¿？؟!.\"'“”„‘’«»".contains(c)
}

/// Where a text goes on that begins with these words, in whatever case.
fn beginning(text: &str, words: &str) -> Option<usize> {
    let is_same = text.get(..words.len()).is_some_and(|opening| opening.to_lowercase() == words);
    (is_same && !text[words.len()..].starts_with(char::is_alphanumeric)).then_some(words.len())
}

/// Where a text ends before these words, in whatever case, that it ends with.
fn ending(text: &str, words: &str) -> Option<usize> {
    let start = text.len().checked_sub(words.len())?;
    let is_same = text.get(start..).is_some_and(|last| last.to_lowercase() == words);
    (is_same && (words.is_empty() || !text[..start].ends_with(char::is_alphanumeric))).then_some(start)
}

/// How questions for the meaning of something begin and end.
#[rustfmt::skip]
const MEANINGS: &[(&str, &str)] = &[
    ("what does", "stand for"), ("what do", "stand for"), ("what did", "stand for"), ("what does", "mean"),
    ("what do", "mean"), ("what is", "short for"), ("what is the meaning of", ""), ("what's the meaning of", ""),
    ("what is the definition of", ""), ("what's the definition of", ""), ("what is meant by", ""),
    ("define", ""), ("definiere", ""), ("définis", ""), ("définissez", ""), ("definisci", ""), ("defina", ""),
    ("what is an abbreviation of", ""), ("was bedeutet", ""), ("was bedeuten", ""), ("was heißt", ""),
    ("was versteht man unter", ""), ("wofür steht", ""), ("wofür stehen", ""), ("que signifie", ""),
    ("que signifient", ""), ("que veut dire", ""), ("qué significa", ""), ("qué significan", ""),
    ("qué quiere decir", ""), ("che cosa significa", ""), ("cosa significa", ""), ("che significa", ""),
    ("o que significa", ""), ("o que quer dizer", ""), ("ce înseamnă", ""), ("wat betekent", ""),
    ("waar staat", "voor"), ("vad betyder", ""), ("vad står", "för"), ("hvad betyder", ""),
    ("hvad står", "for"), ("hva betyr", ""), ("hva står", "for"), ("mitä tarkoittaa", ""), ("co znaczy", ""),
    ("co oznacza", ""), ("co znamená", ""), ("co to znaczy", ""), ("čo znamená", ""), ("что означает", ""),
    ("что значит", ""), ("що означає", ""), ("що таке", ""), ("что такое", ""), ("какво означава", ""),
    ("какво е", ""), ("mit jelent", ""), ("što znači", ""), ("τι σημαίνει", ""), ("apa arti", ""),
    ("apa yang dimaksud dengan", ""), ("ماذا يعني", ""), ("ما معنى", ""), ("ما هو", ""), ("ما هي", ""),
];

/// Words that ask for a kind of answer, or name what is searched as a whole.
#[rustfmt::skip]
const FRAMING: &[&str] = &[
    "summarise", "summarize", "summary", "list", "name", "describe", "explain", "outline", "overview",
    "compare", "comparison", "tell", "give", "show", "say", "says", "said", "mention", "mentioned",
    "mentions", "information", "details", "documents", "document", "sources", "texts", "files", "library",
    "everything", "fasse", "zusammen", "zusammenfassung", "nenne", "beschreibe", "erkläre", "liste",
    "überblick", "vergleiche", "vergleich", "dokumente", "dokumenten", "unterlagen", "sagen", "steht",
    "résume", "résumer", "résumez", "résumé", "décris", "décrire", "décrivez", "explique", "expliquer",
    "expliquez", "aperçu", "comparez", "comparer", "disent", "dit", "resume", "resumen", "explica", "compara",
    "documentos", "dicen", "riassumi", "riassumere", "riassunto", "elenca", "elencare", "descrivi",
    "descrivere", "spiega", "spiegare", "confronta", "panoramica", "dimmi", "parlami", "documenti", "dicono",
    "informazioni", "resumir", "enumera", "lista", "describir", "explicar", "comparar", "dime", "información",
    "detalles", "resuma", "resumo", "descreva", "descrever", "dizem", "informações", "detalhes",
    "samenvatting", "samenvatten", "noem", "beschrijf", "overzicht", "vergelijk", "documenten", "vertel",
    "sammanfatta", "sammanfattning", "beskriv", "förklara", "jämför", "översikt", "berätta", "opsummer",
    "forklar", "sammenlign", "oversigt", "fortæl", "dokumenterne", "oppsummer", "oversikt", "fortell",
    "dokumentene", "tiivistä", "luettele", "kuvaile", "selitä", "vertaa", "yhteenveto", "kerro", "asiakirjat",
    "asiakirjoissa", "podsumuj", "streść", "wymień", "opisz", "wyjaśnij", "porównaj", "przegląd", "opowiedz",
    "dokumenty", "dokumentach", "shrň", "shrnutí", "vyjmenuj", "popiš", "vysvětli", "porovnej", "přehled",
    "dokumentech", "zhrň", "vymenuj", "opíš", "vysvetli", "porovnaj", "prehľad", "резюмируй", "обобщи",
    "перечисли", "опиши", "объясни", "сравни", "обзор", "расскажи", "документы", "документах", "говорится",
    "підсумуй", "перелічи", "поясни", "порівняй", "огляд", "розкажи", "документи", "изброй", "обясни",
    "преглед", "разкажи", "документите", "özetle", "listele", "açıkla", "karşılaştır", "anlat", "belgeler",
    "belgelerde", "foglald", "össze", "sorold", "magyarázd", "hasonlítsd", "áttekintés", "mesélj",
    "dokumentumok", "σύνοψη", "συνόψισε", "περίγραψε", "εξήγησε", "σύγκρινε", "απαρίθμησε", "έγγραφα", "لخص",
    "اشرح", "اذكر", "صف", "قارن", "أخبرني", "الوثائق", "المستندات", "خلاصه", "فهرست", "توضیح", "مقایسه",
    "اسناد", "बताइए", "बताओ", "सारांश", "सूची", "वर्णन", "समझाइए", "तुलना", "दस्तावेज़ों", "ringkas",
    "rangkum", "sebutkan", "jelaskan", "bandingkan", "ringkasan", "dokumen", "ceritakan", "요약해", "설명해", "나열해",
    "비교해", "문서",
];

/// How words for disagreement begin.
#[rustfmt::skip]
const DISSENT: &[&str] = &[
    "disagree", "contradict", "discrepanc", "inconsisten", "widerspr", "uneinig", "unstimmig", "contredi",
    "contradic", "désaccord", "diverge", "contraddi", "discrepan", "tegenspr", "discord", "oneens", "motsäg",
    "oense", "modsig", "motsi", "uenig", "ristirii", "erimiel", "sprzeczn", "niezgodn", "rozpor", "neshod",
    "противореч", "несоглас", "расхожд", "супереч", "розбіжн", "разминав", "çeliş", "ellentmond", "αντιφάσ",
    "διαφων", "تناقض", "يتناقض", "تتناقض", "يتعارض", "تتعارض", "اختلاف", "bertentang", "모순", "상충", "矛盾",
    "食い違",
];

#[cfg(test)]
mod tests {
    use super::unframed;

    #[test]
    fn the_frame_that_a_question_opens_with_is_no_part_of_its_subject() {
        for (question, rest) in [
            ("Tell me about eels", "eels"),
            ("Summarise what the documents say about the eel ladder.", "eel ladder."),
            ("List all the species of birds", "species of birds"),
            ("Information science in libraries", "Information science in libraries"),
            ("Riassumi i documenti sulle anguille", "anguille"),
            ("Расскажи о маяке", "маяке"),
            ("Podsumuj dokumenty o latarni", "latarni"),
            ("Who lists the birds?", "Who lists the birds?"),
            ("Summarise the documents", "Summarise the documents"),
            ("What does OEP stand for?", "OEP"),
            ("what does “fish pass” mean", "fish pass"),
            ("What is meant by C++?", "C++"),
            ("What is the meaning of life?", "life"),
            ("What does a mean tide bring?", "What does a mean tide bring?"),
            ("What does it mean that eels climb?", "What does it mean that eels climb?"),
            ("What does stand for", "What does stand for"),
            ("Was bedeutet Übertiefe?", "Übertiefe"),
            ("¿Qué significa marea?", "marea"),
            ("Что такое порог?", "порог"),
            ("", ""),
        ] {
            assert_eq!(unframed(question), rest);
        }
    }
}
