use ibid_index::analysis::Language;
use proptest::prelude::*;

use super::{Piece, Scanner};
use crate::event::{Citation, Verdict};

use super::fixtures::{Read, STORED, excerpts, read};

fn scan<'a>(parts: impl IntoIterator<Item = &'a str>) -> (Vec<Read>, Scanner) {
    let (pieces, scanner) = read(&excerpts(), Language::from_code("en"), parts);
    let joined = pieces.into_iter().fold(Vec::new(), |mut joined, piece| {
        match (joined.last_mut(), piece) {
            (Some(Read::Text(last)), Read::Text(text)) => last.push_str(&text),
            (_, piece) => joined.push(piece),
        }
        joined
    });
    (joined, scanner)
}

fn citations(pieces: &[Read]) -> Vec<&Citation> {
    pieces
        .iter()
        .filter_map(|piece| match piece {
            Read::Citation(citation) => Some(citation),
            Read::Text(_) => None,
        })
        .collect()
}

#[track_caller]
fn check(text: &str, answer: &str, quotes: &[(u32, &str, Verdict)]) -> Vec<String> {
    let (pieces, scanner) = scan([text]);
    assert_eq!(scanner.answer(), answer);
    let found: Vec<_> = citations(&pieces).iter().map(|c| (c.n, c.quote.as_str(), c.verdict)).collect();
    assert_eq!(found, quotes, "for {text:?}");
    citations(&pieces).iter().map(|c| answer[c.answer_start..c.answer_end].to_owned()).collect()
}

const FOUNDED: &str = "Acme was founded in 1998 in Oslo.";
const GREW: &str = "Its revenue grew 12% to $3.5 million\nin 2021.";

#[test]
fn every_spelling_of_a_mark_is_normalised_and_checked() {
    for mark in ["[1]", "【1】", "[^1]", "[Source 1]", "[1†source]"] {
        let text = format!("Acme was founded in 1998 in Oslo {mark}.");
        check(&text, "Acme was founded in 1998 in Oslo [1].", &[(1, FOUNDED, Verdict::Supported)]);
    }
    let (pieces, scanner) = scan(["Acme was founded in 1998. [1, 3][2-3]"]);
    assert_eq!(scanner.answer(), "Acme was founded in 1998. [1][3][2]");
    assert_eq!(citations(&pieces).iter().map(|c| c.n).collect::<Vec<_>>(), [1, 3, 2]);
}

#[test]
fn what_stands_above_the_columns_counts_for_a_row() {
    let verdict = |columns: Option<&str>| {
        let mut excerpts = excerpts();
        excerpts[2].text = "Staff in Oslo | 1,200 | 1,450".to_owned();
        excerpts[2].source.columns = columns.map(str::to_owned);
        let (pieces, _) =
            read(&excerpts, Language::from_code("en"), ["Staff in Oslo was 1,450 in 2021 [3]."]);
        citations(&pieces)[0].verdict
    };
    assert_eq!(verdict(Some("2020 2021")), Verdict::Supported);
    assert_eq!(verdict(None), Verdict::Partial);
}

#[test]
fn a_cell_is_quoted_for_what_is_said_of_its_row_and_column() {
    let cited = |claim: &str| {
        let mut excerpts = excerpts();
        let rows = "| Duty | Keeper | Warden |\n|---|---|---|\n\
            | Gates | Opens them at dawn. | Pays for their repair each spring. |\n\
            | Keys (2) | Keeps them in a box. | Counts them once a year. |";
        rows.clone_into(&mut excerpts[0].text);
        let (pieces, _) = read(&excerpts, Language::from_code("en"), [format!("{claim} [1].").as_str()]);
        let citation = pieces.into_iter().find_map(Read::citation).unwrap();
        (citation.quote, citation.verdict)
    };
    let pays = "Pays for their repair each spring.".to_owned();
    assert_eq!(cited("Gates, Warden: Pays for their repair each spring"), (pays.clone(), Verdict::Supported));
    assert_eq!(cited("The warden pays for the repair of the gates each spring"), (pays, Verdict::Supported));
    let whole = "Keys (2) | Keeps them in a box.".to_owned();
    assert_eq!(cited("Keys (2): Keeps them in a box"), (whole, Verdict::Supported));
    let keeps = "Keeps them in a box.".to_owned();
    assert_eq!(cited("Keys (3), Keeper: Keeps them in a box"), (keeps, Verdict::Unsupported));
}

#[test]
fn an_item_is_quoted_for_what_is_said_of_what_introduces_it() {
    let cited = |claim: &str| {
        let mut excerpts = excerpts();
        let list = "The keeper shuts the gates\n\n- at spring tides above 3.2 metres,\n- in storms from the north.\n\n\
                    The ferry leaves\n\n- at dawn.";
        list.clone_into(&mut excerpts[0].text);
        let (pieces, _) = read(&excerpts, Language::from_code("en"), [format!("{claim} [1].").as_str()]);
        let citation = pieces.into_iter().find_map(Read::citation).unwrap();
        (citation.quote, citation.verdict)
    };
    let storms = "in storms from the north.".to_owned();
    assert_eq!(cited("The keeper shuts the gates in storms from the north"), (storms, Verdict::Supported));
}

#[test]
fn code_is_quoted_with_the_line_that_introduces_it() {
    let cited = |claim: &str| {
        let mut excerpts = excerpts();
        let text = "The gates are old. Shut all of them with:\n\n```sh\ngate shut --all\ngate lock\n```\n\n\
                    The ferry leaves at dawn.";
        text.clone_into(&mut excerpts[0].text);
        let (pieces, _) = read(&excerpts, Language::from_code("en"), [format!("{claim} [1].").as_str()]);
        let citation = pieces.into_iter().find_map(Read::citation).unwrap();
        (citation.quote, citation.verdict)
    };
    let shut = "Shut all of them with:\n\n```sh\ngate shut --all\ngate lock\n```".to_owned();
    assert_eq!(cited("Shut all of them with:"), (shut, Verdict::Supported));
    // What is told of the code is carried by it and by that line.
    let command = "gate shut --all".to_owned();
    assert_eq!(cited("All of them are shut with `gate shut --all`"), (command, Verdict::Supported));
    let leaves = "The ferry leaves at dawn.".to_owned();
    assert_eq!(cited("The ferry leaves at dawn"), (leaves, Verdict::Supported));
}

#[test]
fn german_names_are_capitals_side_by_side() {
    let german = Language::from_code("de");
    let names = |text: &str| {
        let words = super::Facts::of(text, german).words.into_iter();
        words.filter(|(_, is_name)| *is_name).map(|(word, _)| word.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("Am Abend kam Marta Lind mit dem Boot zum Hafen."), ["marta", "lind"]);
    assert_eq!(names("Der alte Hafen, Boote und das Tor."), [""; 0]);
}

#[test]
fn what_the_document_writes_short_carries_a_claim_that_writes_it_out() {
    let verdict = |explained: &str, stored: &str, claim: &str| {
        let mut excerpts = excerpts();
        excerpts[0].text = explained.to_owned();
        excerpts[2].text = stored.to_owned();
        let (pieces, _) = read(&excerpts, Language::from_code("en"), [claim]);
        citations(&pieces)[0].verdict
    };
    let explained = "The tide gauge network (TGN) began in 1904.";
    let (short, long) = ("The TGN warned the town.", "The tide gauge network warned the town.");
    assert_eq!(verdict(explained, short, "The tide gauge network warned the town [3]."), Verdict::Supported);
    assert_eq!(verdict(explained, long, "The TGN warned the town [3]."), Verdict::Supported);
    assert_ne!(
        verdict("It began in 1904.", short, "The tide gauge network warned the town [3]."),
        Verdict::Supported
    );
    assert_ne!(verdict("It began in 1904.", long, "The TGN warned the town [3]."), Verdict::Supported);
}

#[test]
fn a_mark_that_names_nothing_is_dropped_and_counted() {
    let (pieces, scanner) = scan(["Acme was founded in 1998 [9]. It is [10, 12] old [1][77]."]);
    assert_eq!(scanner.answer(), "Acme was founded in 1998. It is old [1].");
    assert_eq!(scanner.dropped_marks(), 4);
    assert_eq!(citations(&pieces).len(), 1);
}

#[test]
fn what_only_looks_like_a_mark_passes_untouched() {
    for text in [
        "See [the site](http://a.b) and [1](http://a.b).",
        "- [x] done\n- [ ] open",
        "In [2019] it was `a[1]` and ``b`[2]`` here.",
        "```\nlet a = b[1];\n```\n",
        "An escaped \\[1\\] bracket, an interval [0, 1] and an open [1",
    ] {
        let open = text.ends_with("[1");
        let (pieces, scanner) = scan([text]);
        assert_eq!((scanner.answer(), scanner.dropped_marks()), (text, 0), "{open}");
        assert!(citations(&pieces).is_empty(), "{text}");
    }
    check(
        "`code`[1] and Acme of Oslo 1998",
        "`code`[1] and Acme of Oslo 1998",
        &[(1, FOUNDED, Verdict::Unsupported)],
    );
}

#[test]
fn the_claim_is_the_sentence_or_the_part_since_the_last_mark() {
    let claims = check(
        "Acme was founded in Oslo in 1998 [1] and the board approved the merger in May 2020 [2].",
        "Acme was founded in Oslo in 1998 [1] and the board approved the merger in May 2020 [2].",
        &[
            (1, FOUNDED, Verdict::Supported),
            (2, "The board approved the merger on 4 May 2020.", Verdict::Supported),
        ],
    );
    assert_eq!(claims, ["Acme was founded in Oslo in 1998", "and the board approved the merger in May 2020"]);
    let claims = check(
        "According to [1], Acme was founded in 1998. More.",
        "According to [1], Acme was founded in 1998. More.",
        &[(1, FOUNDED, Verdict::Supported)],
    );
    assert_eq!(claims, ["According to [1], Acme was founded in 1998."]);
}

#[test]
fn wrong_numbers_names_and_denials_lower_the_verdict() {
    check(
        "Revenue grew 12% to $3.5 million in 2021 [1].",
        "Revenue grew 12% to $3.5 million in 2021 [1].",
        &[(1, GREW, Verdict::Supported)],
    );
    for (claim, expected) in [
        ("Revenue grew 15% to $4.5 million in 2019", Verdict::Unsupported),
        ("Revenue grew 15% to $3.5 million in 2021", Verdict::Partial),
        ("Revenue did not grow to $3.5 million in 2021", Verdict::Unsupported),
        ("Acme was founded in 1998 in Paris", Verdict::Partial),
        ("The company sells hardware", Verdict::Unsupported),
        ("The company does not sell hardware", Verdict::Supported),
    ] {
        let text = format!("{claim} [1].");
        let (pieces, _) = scan([text.as_str()]);
        assert_eq!(citations(&pieces)[0].verdict, expected, "{claim}: {:?}", citations(&pieces)[0]);
    }
}

#[test]
fn a_table_row_is_quoted_whole() {
    check(
        "The staff was 1,450 in 2021 [3].",
        "The staff was 1,450 in 2021 [3].",
        &[(3, "| 2021 | 1,450 |", Verdict::Supported)],
    );
}

#[test]
fn a_quote_is_found_across_wrapped_lines_and_escapes() {
    check(
        "Its revenue grew 12% to $3.5 million in 2021. [1]",
        "Its revenue grew 12% to $3.5 million in 2021. [1]",
        &[(1, GREW, Verdict::Supported)],
    );
    check(
        "See \\[12\\] for more. [2]",
        "See \\[12\\] for more. [2]",
        &[(2, "See [12] for more.", Verdict::Supported)],
    );
}

#[test]
fn words_flow_and_only_brackets_wait() {
    let mut scanner = Scanner::new(vec![1, 2, 3], None);
    assert_eq!(scanner.push("Acme"), [Piece::Text("Acme".into())]);
    assert_eq!(scanner.push(" was ["), [Piece::Text(" was".into())]);
    assert_eq!(scanner.push("a"), [Piece::Text(" [a".into())]);
}

proptest! {
    #[test]
    fn cuts_make_no_difference_and_quotes_stand_in_the_stored_text(
        text in "(Acme was founded in 1998|The merger closed|According to| |\\. |, |\n|\n\n|\\[1\\]|\\[2,3\\]|\\[9\\]|\\[1-2\\]|【3】|\\[|\\]|\\(|`|```\n|\\\\|é|no price|\\[x\\]|- ){0,24}",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let (whole, scanner) = scan([text.as_str()]);
        let (parts, _) = scan(at.windows(2).map(|cut| &text[cut[0]..cut[1]]));
        prop_assert_eq!(&whole, &parts);
        let (singly, _) = scan(text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]));
        prop_assert_eq!(&whole, &singly);
        for citation in citations(&whole) {
            let stored = STORED[citation.n as usize - 1];
            prop_assert_eq!(&stored[citation.start - 100..citation.end - 100], citation.quote.as_str());
            prop_assert!(!citation.quote.is_empty() && (0.0..=1.0).contains(&citation.support));
            prop_assert!(scanner.answer().get(citation.answer_start..citation.answer_end).is_some());
        }
    }
}

#[test]
fn no_answer_breaks_the_scanner_or_gets_a_quote_that_does_not_stand() {
    let examples = [
        "Acme was founded in 1998 [1]. Revenue grew 12% [1, 3][2-3], the board 【2†source】 [^9] said.",
        "According to [1], Acme was founded.\n\n- [x] done [2]\n\n```\na[1]\n```\n`b[2]` \\[1] [the site](http://a.b)",
        "| Year | Staff |\n|---|---|\n| 2020 | 1,200 [3] |\n\n# Heading [1]\n> quoted ［2］.",
        "La société 🐟 n’a pas “vendu” 漢字。[1][2][3] e\u{301}te [source 2] [12a] [2019] [",
    ];
    let examples = examples.map(|example| example.as_bytes().to_vec());
    let words =
        ["[1]", "[2, 3]", "【3】", "[1-999]", "[", "]", "`", "```\n", "\n\n", ". ", "†", "\\", "Acme "];
    crate::fuzz::fuzz("citations", &examples, &words, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let (pieces, scanner) = scan([&*text]);
        let (again, _) = scan(text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]));
        assert_eq!(pieces, again, "cuts make no difference");
        let told: String = pieces
            .iter()
            .map(|piece| match piece {
                Read::Text(text) => text.as_str(),
                Read::Citation(_) => "",
            })
            .collect();
        assert_eq!(told, scanner.answer());
        for citation in citations(&pieces) {
            let stored = STORED[citation.n as usize - 1];
            assert_eq!(citation.quote, stored[citation.start - 100..citation.end - 100]);
            assert!(told.get(citation.answer_start..citation.answer_end).is_some());
        }
    });
}
