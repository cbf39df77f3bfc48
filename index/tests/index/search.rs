//! What a search finds, in which scope and in what order.

use crate::library::{self, Source, found, id};
use ibid_index::analysis::{self, Language};
use ibid_index::{Change, Highlighter, PassageIndex, Query, Scope};
use proptest::prelude::*;

fn botany() -> PassageIndex {
    library::index(&[
        Source::new(1, "a.txt", &["The botanists wrote letters about mosses.", "Rain fell on the harbour."]),
        Source::new(2, "harbour.md", &["Ships enter the harbour at dawn."]).collection("sea"),
        Source::new(3, "moss.md", &["Mosses grow on the northern walls."]).collection("land"),
    ])
}

#[test]
fn words_are_found_by_their_stem() {
    assert_eq!(found(&botany(), "writing a letter"), [(1, 0)]);
    assert_eq!(found(&botany(), "moss"), [(3, 0), (1, 0)]);
    assert_eq!(found(&botany(), "HARBOURS"), [(2, 0), (1, 1)]);
}

#[test]
fn how_many_passages_have_a_word_is_known() {
    let index = botany();
    let num = |word| index.num_passages_with(&analysis::terms(word, None).next().unwrap().stem).unwrap();
    assert_eq!((num("harbour"), num("castle")), (2, 0));
}

#[test]
fn how_documents_have_a_word_is_known() {
    let index = library::index(&[
        Source::new(1, "a.txt", &["The botanists wrote letters.", "Rain fell on the harbour."]),
        Source::new(2, "b.txt", &["Ships enter the harbour at dawn."]),
        Source::new(3, "heron.md", &["It fishes.", "It flies."]),
    ]);
    let documents = |word| {
        let stem = analysis::terms(word, Language::from_code("en")).next().unwrap().stem;
        let documents = index.documents_with(&stem).unwrap().into_iter();
        let mut documents: Vec<_> =
            documents.map(|(document, spread)| (document, spread.share, spread.begins)).collect();
        documents.sort_by_key(|(document, ..)| *document);
        documents
    };
    assert_eq!(documents("harbour"), [(id(1), 0.5, false), (id(2), 1.0, true)]);
    assert_eq!(documents("letters"), [(id(1), 0.5, true)]);
    // No passage has to repeat the name, and what ends it is none of it.
    assert_eq!(documents("heron"), [(id(3), 1.0, true)]);
    assert_eq!(documents("md"), []);
    index.apply([Change::Delete(id(2))]).unwrap();
    assert_eq!(documents("harbour"), [(id(1), 0.5, false)]);
}

#[test]
fn query_syntax_is_inert() {
    let index = botany();
    let plain = found(&index, "harbour dawn");
    assert_eq!(plain, [(2, 0), (1, 1)]);
    for text in [
        "\"harbour dawn",
        "harbour AND dawn",
        "harbour -dawn",
        "+harbour dawn",
        "harbour: dawn",
        "(harbour dawn",
        "harbour dawn)^",
        "harbour~2 dawn*",
        "[harbour TO dawn}",
        "body:harbour && dawn",
        "harbour \\ dawn",
        "NOT harbour dawn",
        "harbour || dawn !",
    ] {
        let hits = found(&index, text);
        assert!(hits.starts_with(&plain[..1]) && hits.contains(&(1, 1)), "{text} found {hits:?}");
    }
}

#[test]
fn a_query_without_words_finds_nothing() {
    for text in ["", "   ", "?!…", "\u{0}", "()"] {
        assert_eq!(found(&botany(), text), [], "{text:?}");
    }
}

#[test]
fn words_of_grammar_count_when_there_is_nothing_else() {
    let index = library::index(&[
        Source::new(1, "a", &["To be or not to be, that is the question."]),
        Source::new(2, "b", &["A castle stands by the sea."]),
    ]);
    assert_eq!(found(&index, "to be or not to be")[0], (1, 0));
    assert_eq!(found(&index, "to be a castle"), [(2, 0)]);
}

#[test]
fn a_scope_admits_only_its_documents_and_collections() {
    let index = botany();
    let search = |scope: Scope| {
        let mut hits = library::hits(&index, &scope, "harbour moss");
        hits.sort_unstable();
        hits
    };
    assert_eq!(search(Scope::all()).len(), 4);
    assert_eq!(search(Scope::documents(vec![id(1)])), [(1, 0), (1, 1)]);
    assert_eq!(search(Scope::collections(vec!["sea".to_owned()])), [(2, 0)]);
    assert_eq!(search(Scope::documents(vec![])), []);
    assert_eq!(search(Scope::collections(vec![])), []);
    assert_eq!(search(Scope::documents(vec![id(9)])), []);
    let both = Scope { documents: Some(vec![id(1), id(2)]), collections: Some(vec!["sea".to_owned()]) };
    assert_eq!(search(both), [(2, 0)]);

    let wider = library::index(&[
        Source::new(1, "a.txt", &["Ships enter the harbour."]).collection("sea").collection("land"),
        Source::new(2, "b.txt", &["Carts leave the harbour."]).collection("land"),
    ]);
    let scope = |name: &str| Scope::collections(vec![name.to_owned()]);
    assert_eq!(library::hits(&wider, &scope("sea"), "harbour"), [(1, 0)]);
    assert_eq!(library::hits(&wider, &scope("land"), "harbour").len(), 2);
    assert_eq!(wider.num_documents(&scope("land")).unwrap(), 2);
    assert_eq!(wider.num_documents(&scope("sea")).unwrap(), 1);
    assert_eq!(wider.num_documents(&Scope::all()).unwrap(), 2);
}

#[test]
fn a_scope_of_many_documents_is_the_same_filter() {
    let sources: Vec<Source> = (1..=200).map(|n| Source::new(n, "x", &["A lighthouse."])).collect();
    let index = library::index(&sources);
    for chosen in [vec![7], (1..=150).collect::<Vec<u128>>()] {
        let scope = Scope::documents(chosen.iter().copied().map(id).collect());
        let expected: Vec<(u128, u32)> = chosen.iter().map(|&n| (n, 0)).collect();
        assert_eq!(library::hits(&index, &scope, "lighthouse"), expected);
    }
}

#[test]
fn equal_passages_come_in_the_order_of_document_and_position() {
    let index = library::index(&[
        Source::new(5, "x", &["A quiet valley.", "A quiet valley."]),
        Source::new(2, "x", &["A quiet valley.", "A quiet valley."]),
    ]);
    assert_eq!(found(&index, "quiet valley"), [(2, 0), (5, 0), (2, 1), (5, 1)]);
    let query = Query::new("quiet valley", None);
    let first = index.search(&Scope::all(), &query, 1).unwrap();
    assert_eq!(first[0].document, id(2));
}

#[test]
fn a_passage_is_judged_with_the_document_around_it() {
    let index = library::index(&[
        Source::new(1, "x", &["Rents rose in winter.", "Ships came to the harbour."]),
        Source::new(2, "x", &["Rents rose in winter.", "The valley has mosses and ferns."]),
        Source::new(3, "x", &["Letters from a botanist.", "More of her letters."]),
    ]);
    assert_eq!(found(&index, "rents valley")[..2], [(2, 1), (2, 0)]);
    assert_eq!(found(&index, "rents harbour")[..2], [(1, 1), (1, 0)]);
}

#[test]
fn later_passages_of_a_document_make_room_for_other_documents() {
    let index = library::index(&[
        Source::new(1, "x", &["A quiet valley.", "A quiet valley.", "A quiet valley."]),
        Source::new(2, "x", &["A quiet valley.", "Mosses and ferns."]),
        Source::new(3, "x", &["Ships came to the harbour."]),
    ]);
    let documents: Vec<u128> =
        found(&index, "quiet valley").into_iter().map(|(document, _)| document).collect();
    assert_eq!(documents, [1, 1, 2, 1]);
}

#[test]
fn fewer_hits_are_the_beginning_of_more() {
    let index = botany();
    let all = found(&index, "harbour moss letters");
    for limit in 0..=all.len() {
        let hits = index.search(&Scope::all(), &Query::new("harbour moss letters", None), limit).unwrap();
        let hits: Vec<_> = hits.iter().map(|hit| (hit.document.as_u128(), hit.ordinal)).collect();
        assert_eq!(hits, all[..limit]);
    }
}

#[test]
fn a_document_is_found_by_its_name() {
    let page = ["Net revenue rose over the prior period."];
    let index = library::index(&[
        Source::new(1, "reports/GLOBEX_2017_10K.pdf", &page),
        Source::new(2, "reports/GLOBEX_2018_10K.pdf", &page),
        Source::new(3, "reports/initechAnnualReport2018.pdf", &page),
    ]);
    assert_eq!(found(&index, "What was the net revenue of Globex in FY2018?")[0], (2, 0));
    assert_eq!(found(&index, "Initech net revenue")[0], (3, 0));
}

#[test]
fn a_short_number_in_a_name_names_nothing() {
    let index = library::index(&[
        Source::new(1, "5.txt", &["Apples ripen late."]),
        Source::new(2, "fruit.txt", &["It takes 5 weeks until pears ripen."]),
    ]);
    assert_eq!(found(&index, "ripen 5 weeks")[0], (2, 0));
}

#[test]
fn compounds_and_their_parts_find_each_other() {
    let index = library::index(&[
        Source::new(1, "a", &["Call getUserName before the session starts."]),
        Source::new(2, "b", &["The user has a name."]),
        Source::new(3, "c", &["Set max_retry_count to three."]),
        Source::new(4, "d", &["See the 10K filing."]),
    ]);
    assert_eq!(found(&index, "getUserName")[0], (1, 0));
    assert!(found(&index, "user name").contains(&(1, 0)));
    assert_eq!(found(&index, "retry count")[0], (3, 0));
    assert_eq!(found(&index, "10-K")[0], (4, 0));
}

#[test]
fn words_that_a_language_joins_are_found_by_their_parts() {
    let index = library::index(&[
        Source::new(
            1,
            "a",
            &["Der Wärter hat einen Anspruch.", "Der Urlaubsanspruch gilt im Jahr.", "Urlaub im Mai."],
        )
        .language("de"),
        Source::new(2, "b", &["Der Leuchtturm ist weiß.", "Jeder Tag am Hafen ist lang."]).language("de"),
        Source::new(3, "c", &["The shipyard has a yard, and the ship is old."]),
    ]);
    // A document's own words tell the parts of its compounds.
    assert!(found(&index, "Urlaub").contains(&(1, 1)));
    // And the words of the index those of a compound that is asked for.
    assert!(found(&index, "Urlaubstage").contains(&(1, 2)));
    assert!(found(&index, "Urlaubstage").contains(&(2, 1)));
    let unknown = |text: &str| index.unknown_words(&Scope::all(), &Query::new(text, None)).unwrap();
    assert_eq!(unknown("Wie viele Urlaubstage hat der Muschelwärter?"), ["Muschelwärter"]);
    check_highlights(
        "Urlaub der Wärter",
        "Der Urlaubsanspruch ist ein Anspruch.",
        "de",
        &["Urlaubsanspruch"],
    );
    check_highlights("Urlaubstage", "Der Urlaub endet am Tag danach.", "de", &["Urlaub", "Tag"]);
}

#[test]
fn neighbouring_words_win_over_scattered_ones() {
    let index = library::index(&[
        Source::new(1, "a", &["The rate of growth drew interest from banks and others."]),
        Source::new(2, "b", &["The interest rate drew growth away from banks and others."]),
    ]);
    assert_eq!(found(&index, "interest rate"), [(2, 0), (1, 0)]);
}

#[test]
fn titles_and_headings_belong_to_every_passage() {
    let index = library::index(&[
        Source::new(1, "a", &["Press the button twice."]).title("Resetting the pump").heading("Safety"),
        Source::new(2, "b", &["Press the button twice."]),
    ]);
    assert_eq!(found(&index, "pump"), [(1, 0)]);
    assert_eq!(found(&index, "safety button")[0], (1, 0));
}

#[test]
fn each_language_is_searched_in_its_own_forms() {
    let index = library::index(&[
        Source::new(1, "a", &["Die Häuser der alten Stadt wurden verkauft."]).language("de"),
        Source::new(2, "b", &["Les maisons anciennes ont été vendues."]).language("fr"),
        Source::new(3, "c", &["Старые книги лежат в библиотеке."]).language("ru"),
        Source::new(4, "d", &["图书馆保存着植物学家的信件。"]).language("zh"),
        Source::new(5, "e", &["東京の図書館には手紙が残されている。"]).language("ja"),
        Source::new(6, "f", &["The old houses were sold."]),
    ]);
    assert_eq!(found(&index, "Haus"), [(1, 0)]);
    assert_eq!(found(&index, "Wo steht das Haus der Städte?"), [(1, 0)]);
    assert_eq!(found(&index, "maison ancienne"), [(2, 0)]);
    assert_eq!(found(&index, "библиотека"), [(3, 0)]);
    assert_eq!(found(&index, "植物学"), [(4, 0)]);
    assert_eq!(found(&index, "東京"), [(5, 0)]);
    assert_eq!(found(&index, "house"), [(6, 0)]);
}

#[test]
fn vietnamese_is_told_apart_by_its_marks_and_found_without_them() {
    let index = library::index(&[
        Source::new(1, "tháp.md", &["Ngọn hải đăng cao ba mươi mét."]).language("vi"),
        Source::new(2, "ban.md", &["Nhà máy bán bàn ghế."]).language("vi"),
    ]);
    assert_eq!(found(&index, "hải đăng"), [(1, 0)]);
    assert_eq!(found(&index, "hai dang"), [(1, 0)]);
    assert_eq!(found(&index, "hài"), []);
    assert_eq!(found(&index, "thap"), [(1, 0)]);
    assert_eq!(found(&index, "bạn"), [(2, 0)], "a name has no marks");
}

#[track_caller]
fn check_highlights(query: &str, text: &str, language: &str, expected: &[&str]) {
    let query = Query::new(query, None);
    let ranges = Highlighter::new(&query).find(text, Language::from_code(language));
    let marked: Vec<&str> = ranges.into_iter().map(|range| &text[range]).collect();
    assert_eq!(marked, expected);
}

#[test]
fn highlights_mark_every_form_of_a_word_that_was_asked_for() {
    check_highlights(
        "What did the botanist write?",
        "Botanists WRITE; a botanist's pen.",
        "en",
        &["Botanists", "WRITE", "botanist"],
    );
    check_highlights("Häuser", "Ein Haus, viele Häuser.", "de", &["Haus", "Häuser"]);
    check_highlights("植物学家", "那位植物学家走了", "zh", &["植物学家"]);
    check_highlights("user names", "call getUserName now", "en", &["getUserName"]);
    check_highlights("to be", "To be or not", "en", &["To", "be"]);
    check_highlights("", "anything", "en", &[]);
}

#[test]
fn a_word_that_stands_nowhere_is_read_as_its_neighbour() {
    let index = botany();
    let spelled = |text: &str| index.spelled(Query::new(text, None)).unwrap();
    let found = |text: &str| {
        let hits = index.search(&Scope::all(), &spelled(text), 10).unwrap();
        hits.iter().map(|hit| (hit.document.as_u128(), hit.ordinal)).collect::<Vec<_>>()
    };
    // A letter more, less, other, and two changed about.
    for text in ["harbourr", "harbor", "harbous", "habrour"] {
        assert_eq!(found(text), [(2, 0), (1, 1)], "{text}");
    }
    assert_eq!(index.nearest("harbor").unwrap().as_deref(), Some("harbour"));
    // What means something else: too short, another first letter, two letters away.
    for text in ["rein", "parbour", "haber"] {
        assert_eq!(found(text), [], "{text}");
    }
    assert_eq!(index.nearest("harbour").unwrap(), None);
    let years = library::index(&[Source::new(1, "a.txt", &["Revenue of fy2019 and of harbour2."])]);
    for word in ["fy2018", "fy20019", "harbour3", "harbour"] {
        assert_eq!(years.nearest(word).unwrap(), None, "{word}");
    }
    let query = spelled("What do botanits like?");
    let text = "The botanists wrote letters about mosses.";
    let marked = Highlighter::new(&query).find(text, Language::from_code("en"));
    assert_eq!(marked.into_iter().map(|range| &text[range]).collect::<Vec<_>>(), ["botanists"]);
}

#[test]
fn words_that_stand_nowhere_in_scope_are_told() {
    let index = library::index(&[
        Source::new(1, "a.txt", &["The lighthouses are old."]).collection("coast"),
        Source::new(2, "b.txt", &["Botanists collect mosses."]).collection("land"),
    ]);
    let unknown = |scope: &Scope, text: &str| index.unknown_words(scope, &Query::new(text, None)).unwrap();
    let coast = Scope::collections(vec!["coast".to_owned()]);
    assert_eq!(unknown(&Scope::all(), "Which lighthouse is of basalt, or of moss, in 1901?"), ["basalt"]);
    assert_eq!(unknown(&Scope::all(), "MossHouse, oldMoss or old_moss"), ["MossHouse"]);
    assert_eq!(unknown(&coast, "Which lighthouse is of basalt, or of moss?"), ["basalt", "moss"]);
    assert_eq!(unknown(&Scope::documents(vec![uuid::Uuid::from_u128(2)]), "lighthouse"), ["lighthouse"]);
    assert_eq!(unknown(&Scope::all(), "Who is it?"), [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_string_can_be_indexed_and_searched(text in "\\PC{0,60}", name in "\\PC{0,20}", asked in any::<String>()) {
        let index = library::index(&[Source::new(1, &name, &[&text]).title(&name)]);
        for query in [&text, &asked] {
            let hits = index.search(&Scope::all(), &Query::new(query, None), 5).unwrap();
            prop_assert!(hits.len() <= 1 && hits.iter().all(|hit| hit.score.is_finite()));
        }
    }

    #[test]
    fn highlights_lie_in_order_on_character_boundaries(text in "\\PC{0,60}", cut in 0..60_usize) {
        let query: String = text.chars().skip(cut / 2).take(cut).collect();
        let mut last = 0;
        let query = Query::new(query, None);
        for range in Highlighter::new(&query).find(&text, Language::from_code("en")) {
            prop_assert!(range.start >= last && range.start < range.end);
            prop_assert!(text.get(range.clone()).is_some());
            last = range.end;
        }
    }

    #[test]
    fn a_passage_is_found_by_its_own_words(words in proptest::collection::vec("[a-z]{4,9}", 1..12)) {
        let text = words.join(" ");
        let index = library::index(&[Source::new(1, "x", &[&text]), Source::new(2, "y", &["0 0 0"])]);
        prop_assert_eq!(found(&index, &text), [(1, 0)]);
    }
}

#[test]
fn deletes_and_puts_show_at_once() {
    let index = botany();
    index.apply([Change::Delete(id(1))]).unwrap();
    assert_eq!(found(&index, "moss harbour"), [(2, 0), (3, 0)]);
    let source = Source::new(2, "harbour.md", &["An orchard."]);
    index.apply([Change::Put(source.document())]).unwrap();
    assert_eq!(found(&index, "harbour dawn ships"), [(2, 0)], "the name still says harbour");
    assert_eq!(found(&index, "ships"), []);
    assert_eq!(found(&index, "orchard"), [(2, 0)]);
    assert_eq!(index.num_passages(), 2);
}

#[test]
fn a_long_question_also_finds_what_answers_one_of_its_clauses() {
    let index = library::index(&[
        Source::new(1, "a", &["The northern fleet left the harbour of Varn in spring."]),
        Source::new(
            2,
            "b",
            &["Elin wrote letters on mosses to the botanist, with drawings of walls, roofs and stones."],
        ),
        Source::new(3, "c", &["The spring report on the northern letters mentions a harbour."]),
    ]);
    let asked = "Which harbour did the northern fleet leave in spring, and who wrote the letters on mosses to the botanist?";
    let mut first = found(&index, asked);
    first.truncate(2);
    first.sort_unstable();
    assert_eq!(first, [(1, 0), (2, 0)]);
}

#[test]
fn a_name_written_without_spaces_is_found_by_its_words() {
    let page = "Cost of sales, gross margin and operating profit of the fiscal year.";
    for (name, question) in [
        ("GENERALMILLS_2022.pdf", "What was the gross margin of General Mills?"),
        ("americanwaterworks-2022.pdf", "What was American Water Works's gross margin?"),
        ("CocaCola_2022.pdf", "What was the gross margin of Coca-Cola?"),
        ("bankofamerica.pdf", "What was the gross margin of Bank of America?"),
        ("UNDERARMOUR_2019.pdf", "What was the gross margin of Under Armour?"),
    ] {
        let other = Source::new(1, "acmesteel_2022.pdf", &[page]);
        let index = library::index(&[other, Source::new(2, name, &[page])]);
        assert_eq!(found(&index, question)[0], (2, 0), "{name}");
    }
}

#[test]
fn one_word_of_a_long_name_counts_for_less_than_the_whole_name() {
    let page = "Samples were taken at the weir on the second of May.";
    let other = "The water at the weir was sampled for nitrate.";
    let index = library::index(&[
        Source::new(1, "water-quality-survey-northern-catchment.csv", &[page]),
        Source::new(2, "weir.md", &[other]),
        Source::new(3, "notes.md", &["Nothing of note happened in the harbour."]),
        Source::new(4, "pages.md", &["Nitrate was found.", "Samples were taken in April.", "May was dry."]),
    ]);
    assert_eq!(found(&index, "nitrate in the water")[0], (2, 0));
    let nitrate = found(&index, "nitrate survey");
    assert!(nitrate.iter().position(|hit| *hit == (4, 0)) < nitrate.iter().position(|hit| *hit == (1, 0)));
    assert_eq!(found(&index, "nitrate found in a survey of the northern quality")[0], (4, 0));
    assert_eq!(found(&index, "the water quality survey of the northern catchment")[0], (1, 0));
}

#[test]
fn what_a_name_says_counts_once_for_its_document() {
    let index = library::index(&[
        Source::new(
            1,
            "GLOBEX_2018.pdf",
            &[
                "Globex, in 2018: Globex on the move. Globex has sold its barges, which Globex 2018 tells of.",
                "Barges were sold for twelve million crowns, which pays for the new harbour and its cranes.",
            ],
        ),
        Source::new(
            2,
            "INITECH_2018.pdf",
            &["Cranes were bought in 2018.", "The harbour is closed in winter."],
        ),
    ]);
    assert_eq!(found(&index, "How many crowns were the barges of Globex sold for in 2018?")[0], (1, 1));
}

#[test]
fn a_word_of_a_name_is_as_rare_as_it_is_in_passages() {
    let others = (10..30).map(|number| Source::new(number, "a.md", &["Ships were repaired in 2018."]));
    let named = Source::new(1, "2018.md", &["Herons slept on the walls."]);
    let said = Source::new(2, "b.txt", &["The weir was made new in 2018."]);
    let index = library::index(&others.chain([named, said]).collect::<Vec<_>>());
    assert_eq!(found(&index, "Which weir was it in 2018?")[0], (2, 0));
}

#[test]
fn a_title_that_a_question_covers_names_its_document() {
    let other =
        "Keeping straw, salt, wool, glass, timber, nets, ropes, tar and sails from the bees in winter.";
    let called = |name: &str, title: &str| {
        library::index(&[
            Source::new(1, name, &["Wrap it in straw.", "Leave the feeder closed."]).title(title),
            Source::new(2, "2.md", &[other]).title("On straw"),
            Source::new(3, "3.md", &["Herons slept on the walls."]),
        ])
    };
    let question = "keeping bees in winter";
    assert_eq!(found(&called("1.md", "Notes"), question)[0], (2, 0));
    assert_eq!(found(&called("1.md", "Keeping bees in winter"), question)[0], (1, 0));
    assert_eq!(found(&called("keeping-a-list-of-tools.md", "Keeping bees in winter"), question)[0], (1, 0));
    assert_eq!(found(&called("keeping-bees-winter.md", "Keeping a list of tools"), question)[0], (1, 0));
    assert_eq!(found(&called("1.md", "Keeping tools, ropes, barges, ladders and nets"), question)[0], (2, 0));
}

#[test]
fn what_a_name_says_need_not_be_near() {
    let index = library::index(&[
        Source::new(
            1,
            "GLOBEX_2018.pdf",
            &[
                "Globex moved in 2018, long before any of the barges that lay in the old harbour was mentioned as sold.",
                "Tugs, cranes and ropes are as they were; barges sold; winter came early, as it had in other years before.",
            ],
        ),
        Source::new(2, "INITECH_2018.pdf", &["Cranes were bought.", "The harbour is closed in winter."]),
    ]);
    assert_eq!(found(&index, "barges sold, Globex 2018")[0], (1, 1));
}

#[test]
fn a_document_is_found_by_its_name_alone_among_many() {
    let others = (10..1_010).map(|number| Source::new(number, "a.md", &["Notes of the staff on staff."]));
    let named = Source::new(1, "initech.md", &["Ships enter the harbour at dawn."]);
    let index = library::index(&others.chain([named]).collect::<Vec<_>>());
    assert_eq!(found(&index, "Which notes are there of the staff of Initech?")[0], (1, 0));
    assert_eq!(found(&index, "Initech"), [(1, 0)]);
}

#[test]
fn what_is_named_is_looked_for_in_scope_only() {
    let named = |number, name: &str| Source::new(number, name, &["Ships enter the harbour at dawn."]);
    let index = library::index(&[named(1, "initech.md"), named(2, "initech.txt").collection("sea")]);
    let scope = Scope { collections: Some(vec!["sea".to_owned()]), ..Scope::all() };
    assert_eq!(library::hits(&index, &scope, "Initech"), [(2, 0)]);
    // Names out of scope don't take the places of those in it.
    library::put(&index, &(10..50).map(|number| named(number, "initech.md")).collect::<Vec<_>>());
    library::put(&index, &[named(3, "notes-on-initech.txt").collection("sea")]);
    assert_eq!(library::hits(&index, &scope, "Initech"), [(2, 0), (3, 0)]);
}

#[test]
fn a_common_word_is_not_rare_because_one_document_is_in_another_language() {
    let systems = "Systems for the retrieval of letters are described.";
    let mut sources: Vec<Source> = (10..40).map(|number| Source::new(number, "a", &[systems])).collect();
    let theories =
        (1..8).map(|number| Source::new(number, "b", &["Mosses and a theory of their retrieval."]));
    sources.extend(theories);
    sources.push(Source::new(9, "c", &["retrieval retrieval systems letters retrieval"]).language(""));
    assert_eq!(found(&library::index(&sources), "theory of retrieval")[0], (1, 0));
}

#[test]
fn words_that_stand_together_count_more() {
    let far =
        "The keeper left. Ships came at dawn with salt, grain, wool, timber, stone and glass; herons slept.";
    let near =
        "Ships came at dawn with salt, grain, wool, timber, stone and glass; the keeper left; herons slept.";
    let sources = [Source::new(1, "a", &[far]), Source::new(2, "b", &[near])];
    assert_eq!(found(&library::index(&sources), "keeper herons"), [(2, 0), (1, 0)]);
    // In a title they stand together over every passage, which says nothing of any.
    let titled = Source::new(1, "a", &["Ships came at dawn with salt."])
        .title("Letters and bills of the keeper of herons, swans and harbours");
    let said = Source::new(2, "b", &["The keeper of the herons came at dawn with salt on his ships."]);
    assert_eq!(found(&library::index(&[titled, said]), "keeper herons"), [(2, 0), (1, 0)]);
}
