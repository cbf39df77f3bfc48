use proptest::prelude::*;

use super::{Language, TermKind, parts, terms};

fn language(code: &str) -> Option<Language> {
    Some(Language::from_code(code).unwrap())
}

#[track_caller]
fn check(code: Option<&str>, text: &str, expected: &[&str]) {
    let found = terms(text, code.and_then(Language::from_code));
    let stems: Vec<String> = found.map(|term| term.stem).collect();
    assert_eq!(stems, expected, "{text}");
}

#[test]
fn words_are_compared_by_their_stem() {
    check(Some("en"), "Running runners", &["run", "runner"]);
    check(Some("de"), "Bücher und Büchern", &["buch", "und", "buch"]);
    check(Some("ru"), "библиотеки библиотекой", &["библиотек", "библиотек"]);
    check(None, "Running", &["running"]);
}

#[test]
fn case_width_ligatures_and_accents_do_not_matter() {
    check(None, "Zürich ZURICH", &["zurich", "zurich"]);
    check(None, "ﬁnal ＦＩＮＡＬ fi\u{ad}nal", &["final", "final", "final"]);
    check(None, "straße STRASSE", &["strasse", "strasse"]);
    check(None, "e\u{301}cole école", &["ecole", "ecole"]);
    check(Some("fr"), "l’école", &["l", "ecol"]);
}

#[test]
fn a_mark_that_makes_another_letter_is_kept() {
    check(None, "мой мои", &["мой", "мои"]);
    check(None, "हिन्दी", &["हिन्दी"]);
}

#[test]
fn numbers_are_written_in_one_way() {
    check(Some("en"), "1,434,200 and 1434200", &["1434200", "and", "1434200"]);
    check(Some("en"), "65.4% of 3.5, 7.", &["65.4", "of", "3.5", "7"]);
    check(Some("en"), "1,234.50", &["1234.50"]);
    check(Some("de"), "1.434.200 zu 1,5 zu 1.000", &["1434200", "zu", "1.5", "zu", "1000"]);
    check(Some("en"), "192.168.1.20 1.2.3", &["192.168.1.20", "1.2.3"]);
    check(Some("en"), "0.125 10,5", &["0.125", "10.5"]);
    assert!(terms("2018, 12.5", language("en")).all(|term| term.kind == TermKind::Number));
}

#[test]
fn grammar_is_marked_as_stop_words() {
    let found = terms("What isn't Ann's role in the study?", language("en"));
    let content: Vec<String> =
        found.filter(|term| term.kind == TermKind::Word).map(|term| term.stem).collect();
    assert_eq!(content, ["ann", "role", "studi"]);
    assert!(terms("the of", None).all(|term| term.kind == TermKind::Word));
}

#[test]
fn a_non_joiner_parts_words_in_arabic_script_only() {
    check(Some("fa"), "کتاب‌ها قطب‌نما", &["کتاب", "ها", "قطب", "نما"]);
    check(None, "क्\u{200c}ष", &["क्ष"]);
    check(None, "Auf\u{200c}lage", &["auflage"]);
}

#[test]
fn arabic_script_is_compared_without_its_vowels() {
    check(Some("fa"), "خانهٔ خانه کِتاب", &["خانه", "خانه", "کتاب"]);
    check(Some("ar"), "مُحَمَّد محمد محـمد", &["محمد", "محمد", "محمد"]);
    check(None, "أحمد", &["أحمد"]);
    check(None, "ـ \u{64e} ـَ \u{fe70}", &[]);
    let mut analyser = super::Analyser::new(None);
    analyser.each_term("\u{fe70} \u{fe70}", |term| panic!("{term:?}"));
}

#[test]
fn scripts_without_spaces_yield_pairs() {
    check(Some("zh"), "图书馆 iPhone手机", &["图书", "书馆", "iphone", "手机"]);
    check(Some("ja"), "東京へ行く。水", &["東京", "京へ", "へ行", "行く", "水"]);
    check(None, "ﾃﾞｰﾀ", &["デー", "ータ"]);
}

#[test]
fn what_only_asks_is_grammar_in_scripts_without_spaces_too() {
    let content = |code, text| -> Vec<String> {
        terms(text, language(code)).filter(|term| term.kind == TermKind::Word).map(|term| term.stem).collect()
    };
    assert_eq!(content("zh", "什么时候建灯塔"), ["建灯", "灯塔"]);
    assert_eq!(content("zh", "灯塔是谁建的"), ["灯塔", "塔是", "谁建", "建的"]);
    assert_eq!(content("zh", "目的"), ["目的"]);
    assert_eq!(content("ja", "灯台はどこですか"), ["灯台", "台は"]);
    assert_eq!(content("ko", "등대는 언제"), ["등대", "대는"]);
    assert_eq!(content("th", "ใคร"), Vec::<String>::new());
    assert!(terms("什么", None).all(|term| term.kind == TermKind::Word));
}

#[test]
fn digits_are_the_same_in_every_script() {
    check(Some("fa"), "۱۳۵۷ و ۲٫۵", &["1357", "و", "2.5"]);
    check(Some("ar"), "١٬٤٣٤٬٢٠٠", &["1434200"]);
    check(Some("hi"), "२०१८", &["2018"]);
    check(None, "２０１８", &["2018"]);
    assert_eq!(super::digit('٩'), Some(9));
    assert_eq!(super::digit('a'), None);
    assert_eq!(super::digit('Ⅷ'), None);
}

#[test]
fn tones_tell_words_apart() {
    check(Some("vi"), "Hà má ma", &["hà", "má", "ma"]);
    check(Some("fr"), "Hà má ma", &["ha", "ma", "ma"]);
    assert_eq!(super::unmarked("hà", language("vi")).as_deref(), Some("ha"));
    assert_eq!(super::unmarked("ma", language("vi")), None);
    assert_eq!(super::unmarked("hà", language("fr")), None);
}

#[test]
fn compounds_come_apart_at_case_underscores_and_digits() {
    assert_eq!(parts("getUserName"), ["get", "user", "name"]);
    assert_eq!(parts("get_user__name"), ["get", "user", "name"]);
    assert_eq!(parts("HTTPServer2"), ["http", "server", "2"]);
    assert_eq!(parts("FY2018"), ["fy", "2018"]);
    assert!(parts("Plain").is_empty());
    assert!(parts("URLs").is_empty());
    assert!(parts("2018").is_empty());
}

#[test]
fn underscores_around_a_word_are_not_part_of_it() {
    let text = "an _emphasised_ word";
    let word = terms(text, None).nth(1).unwrap();
    assert_eq!(&text[word.start..word.end], "emphasised");
}

proptest! {
    #[test]
    fn terms_lie_in_order_on_character_boundaries(text in "\\PC{0,80}", code in "en|de|ja|ru|fr|tr|hi|fa|ar|vi|zh|th") {
        for language in [None, language(&code)] {
            let mut last = 0;
            for term in terms(&text, language) {
                prop_assert!(term.start >= last && term.start < term.end);
                prop_assert!(text.get(term.start..term.end).is_some());
                prop_assert!((1..=super::MAX_STEM_BYTES).contains(&term.stem.len()));
                last = term.start;
            }
        }
    }

    #[test]
    fn any_word_comes_apart_without_panic(word in "\\w{0,20}") {
        prop_assert!(parts(&word).iter().all(|part| !part.is_empty()));
    }
}
