//! Questions for disagreement itself ("and where do the reports disagree?"). They are answered by
//! comparing what was read, since no document says of itself that it disagrees.

use ibid_index::analysis::{Language, TermKind, terms};

use crate::ask::framing::{is_dissent, is_framing};

/// Whether a question wants to know where documents disagree, whatever else it asks.
pub(super) fn asks_for_dissent(question: &str) -> bool {
    words(question).any(|word| is_dissent(&word))
}

/// Whether that is all it asks: nothing is left of it without the words for documents and for
/// disagreement.
pub(super) fn is_for_dissent_only(question: &str) -> bool {
    let asked = question.split_once(": ").map_or(question, |(_, asked)| asked);
    let is_named = |word: &String| is_framing(word) || DOCUMENTS.contains(&word.as_str());
    asks_for_dissent(asked) && words(asked).all(|word| is_named(&word))
}

/// The content words of a question.
fn words(question: &str) -> impl Iterator<Item = String> {
    let words = terms(question, Language::of_question(question));
    let words = words.filter(|term| term.kind != TermKind::Stop);
    words.map(|term| question[term.start..term.end].to_lowercase())
}

/// Words for what disagrees.
#[rustfmt::skip]
const DOCUMENTS: &[&str] = &[
    "report", "reports", "paper", "papers", "article", "articles", "account", "accounts", "author", "authors",
    "source", "other", "each", "another", "einander", "sich", "bericht", "berichte", "quellen", "artikel",
    "rapport", "rapports", "auteurs", "autres", "entre", "informes", "fuentes", "autores", "relazioni",
    "fonti", "autori", "relatórios", "fontes", "rapporten", "bronnen", "rapporter", "källor", "kilder",
    "raporty", "źródła", "zprávy", "zdroje", "отчёты", "отчеты", "источники", "авторы", "друг", "другу",
    "звіти", "джерела",
];

#[cfg(test)]
mod tests {
    use super::{asks_for_dissent, is_for_dissent_only};

    #[test]
    fn a_part_that_asks_for_disagreement_only_is_told_from_one_that_has_a_subject() {
        for question in [
            "Where do the reports disagree?",
            "Mud rise: who disagrees?",
            "Which documents contradict each other?",
            "Wo widersprechen sich die Berichte?",
            "Où les documents se contredisent-ils?",
            "¿Dónde se contradicen los informes?",
            "Где документы противоречат друг другу?",
        ] {
            assert!(is_for_dissent_only(question), "{question}");
        }
        assert!(asks_for_dissent("Why do the valuers disagree about the north field?"));
        for question in ["Why do the valuers disagree about the north field?", "How long is the dike?", ""] {
            assert!(!is_for_dissent_only(question), "{question}");
        }
    }
}
