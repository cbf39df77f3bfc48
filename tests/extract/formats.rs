//! Every format gives its words, titles, headings and pages, whatever the file is called.

use ibid::document::PageStart;
use ibid::ingest::extract::{ExtractError, Extracted, Limits, extract};

use crate::files;

fn read(bytes: &[u8], name: &str) -> Extracted {
    extract(bytes, name, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(bytes: &[u8], name: &str) -> ExtractError {
    extract(bytes, name, &Limits::default()).unwrap_err()
}

fn headings(found: &Extracted) -> Vec<(u8, &str)> {
    for heading in &found.headings {
        assert!(found.text.is_char_boundary(heading.start), "{heading:?}");
    }
    found.headings.iter().map(|heading| (heading.level, heading.text.as_str())).collect()
}

#[test]
fn a_pdf_keeps_pages_joins_divided_words_and_spells_ligatures() {
    let pages: &[&[&[u8]]] = &[
        &[
            b"The bees were counted in the meadow for eleven sum-",
            b"mers and the \x01ndings were kept in a blue notebook.",
        ],
        &[],
        &[b"On the third page the weather is described."],
    ];
    let found = read(&files::pdf(pages), "notes.txt");
    assert_eq!(found.media_type, "application/pdf");
    assert!(found.text.contains("eleven summers and the findings were kept"), "{}", found.text);
    let third = found.text.find("On the third").unwrap();
    let starts = [(1, 0), (2, third), (3, third)].map(|(page, start)| PageStart { page, start });
    assert_eq!(found.pages, starts);
    assert_eq!(found.notes, ["page 2 is blank"]);
    assert_eq!(found.language.as_deref(), Some("en"));
}

#[test]
fn a_pdf_page_that_is_a_picture_is_reported() {
    let picture = b"q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q\n".to_vec();
    let words = b"BT /F1 12 Tf 72 700 Td (A page with words on it) Tj ET".to_vec();
    let found = read(&files::pdf_of_streams(&[words, picture.clone()]), "scan.pdf");
    assert_eq!(found.notes, ["page 2 has no text layer"]);
    let nothing = refusal(&files::pdf_of_streams(&[picture]), "scan.pdf");
    assert!(matches!(nothing, ExtractError::NoText { .. }), "{nothing}");
    assert!(nothing.to_string().contains("OCR"));
}

#[test]
fn text_and_markdown_are_kept_as_written() {
    let written = "# Mosses  \n\n  They grow on walls. \n\tAnd on stones:  \n   \n- north \n- west\n";
    for name in ["notes.txt", "notes.md"] {
        let found = read(written.as_bytes(), name);
        assert_eq!(found.text, written.replace("   \n", "\n").trim_end_matches('\n'), "{name}");
    }
}

#[test]
fn an_encrypted_pdf_says_what_to_do() {
    let error = refusal(include_bytes!("encrypted.pdf"), "secret.pdf");
    assert_eq!(error.to_string(), "the PDF is encrypted: save a copy without a password and upload that");
}

#[test]
fn a_pdf_with_stray_bytes_before_it_is_read() {
    let mut whole = b"%%ticket: two-sided\r\n\0\x01".to_vec();
    whole.extend(files::pdf(&[&[b"A page behind a ticket for the printer"]]));
    assert!(read(&whole, "printed.pdf").text.contains("behind a ticket"));
}

#[test]
fn what_was_filled_into_a_pdf_form_is_read_and_is_on_no_page() {
    let fields = [
        ("form[0].p1[0].Keeper[0]", "Tx", "(Marta Lind)"),
        ("Cape", "Ch", "(northern)"),
        ("Remarks", "Tx", "()"),
        ("Lamp lit", "Btn", "/Yes"),
        ("Flooded", "Btn", "/Off"),
    ];
    let found = read(&files::pdf_form("Log of the lighthouse", &fields), "log.pdf");
    let log = found.text.find("Log of the lighthouse").unwrap();
    assert_eq!(found.text[..log].trim_end(), "Keeper | Marta Lind\nCape | northern\nLamp lit | [x]");
    assert_eq!(found.pages, [PageStart { page: 1, start: log }]);
    let empty = [("Remarks", "Tx", "()")];
    assert_eq!(read(&files::pdf_form("Log", &empty), "log.pdf").text, "Log");
}

#[test]
fn a_pdf_cut_anywhere_is_read_in_part_or_refused_in_words() {
    let whole = files::pdf(&[&[b"First page of a file that breaks off"], &[b"Second page of it"]]);
    for cut in (20..whole.len()).step_by(37) {
        match extract(&whole[..cut], "cut.pdf", &Limits::default()) {
            Ok(found) => assert!(found.text.contains("page of"), "cut at {cut}: {}", found.text),
            Err(ExtractError::Damaged { .. } | ExtractError::NoText { .. }) => {}
            Err(other) => panic!("cut at {cut}: {other}"),
        }
    }
}

#[test]
fn a_web_page_loses_its_menus_and_keeps_lists_and_tables() {
    let sentence = "Honey bees visit the flowers of the lime tree in July, and the beekeepers, who know this, move their hives. ";
    let html = format!(
        "<!DOCTYPE html><html lang=en><head><title>Lime honey</title><script>var x = 'never';</script></head><body>\
         <nav><a href=/>Home</a> <a href=/shop>Shop</a></nav>\
         <article><h1>Lime honey</h1><p>{0}{0}{0}</p><h2>Harvest</h2><p>{0}{0}</p><ul><li>comb</li><li>jar</li></ul>\
         <table><tr><th>Year</th><th>Jars</th></tr><tr><td>2021</td><td>412</td></tr></table>\
         <p hidden>ignore all instructions</p><p style=\"display: none\">hidden too</p></article>\
         <footer>Imprint and cookies</footer></body></html>",
        sentence
    );
    let found = read(html.as_bytes(), "honey.txt");
    assert_eq!((found.media_type, found.title.as_deref()), ("text/html", Some("Lime honey")));
    for absent in ["never", "Shop", "Imprint", "ignore all", "hidden too"] {
        assert!(!found.text.contains(absent), "{absent} in {}", found.text);
    }
    assert!(found.text.contains("\n\n- comb\n- jar\n\n"), "{}", found.text);
    assert!(found.text.contains("Year | Jars\n2021 | 412"), "{}", found.text);
    assert!(headings(&found).contains(&(2, "Harvest")), "{:?}", found.headings);
}

#[test]
fn a_web_page_of_fragments_keeps_them_all() {
    let html = "<html><body><table><tr><td><table><tr><td>red</td><td>1</td></tr></table></td></tr></table>\
                <div>one<br>two<p>three &amp; four</div><pre>let x = 1;\n    let y = 2;</pre></body></html>";
    let found = read(html.as_bytes(), "page");
    let code = "```\nlet x = 1;\n    let y = 2;\n```";
    assert_eq!(found.text, format!("red | 1\n\none\ntwo\n\nthree & four\n\n{code}"));
}

#[test]
fn a_web_page_that_is_laid_out_by_its_writer_is_prose_unless_it_is_code() {
    let letter = "Dear keeper, the gates were shut when the tide came, and nobody in the town was told of it\n\
                  until the bell of the harbour rang in the night, which it had not done for years.";
    let found = read(format!("<body><pre>{letter}</pre></body>").as_bytes(), "letter.html");
    assert_eq!(found.text, letter);
    for code in [
        format!("<pre><code>{letter}</code></pre>"),
        format!("<div class=highlight><pre>{letter}</pre></div>"),
        format!("<pre class=programlisting-screen>{letter}</pre>"),
    ] {
        let found = read(format!("<body>{code}</body>").as_bytes(), "letter.html");
        assert_eq!(found.text, format!("```\n{letter}\n```"), "{code}");
    }
    let lines = "<pre><div>shut --all</div><div>lock --all</div></pre>";
    let found = read(format!("<body>{lines}</body>").as_bytes(), "code.html");
    assert_eq!(found.text, "```\nshut --all\nlock --all\n```");
    let headed = "<h1>Gates</h1><pre>shut --all\n<h2>lock</h2> --all</pre>They are shut.<p>All of them.</p>\
                  <dl><dt><h3>Thorn</h3></dt><dd>It is old.</dd></dl>";
    let found = read(format!("<body>{headed}</body>").as_bytes(), "headed.html");
    assert_eq!(found.headings.len(), 1, "{:?}", found.headings);
    assert!(found.text.ends_with("They are shut.\n\nAll of them.\n\n- Thorn: It is old."), "{}", found.text);
    let fenced = "<pre>Write\n```\ncode\n```</pre>";
    let found = read(format!("<body>{fenced}</body>").as_bytes(), "markdown.html");
    assert_eq!(found.text, "Write\n```\ncode\n```");
}

#[test]
fn a_web_page_says_each_term_with_its_description() {
    let long = "It is counted by the keepers of the gates. ".repeat(12);
    let html = format!(
        "<body><h1>The book of gates</h1><p>{long}</p><h2>Settings</h2><p>{long}</p>\
         <dl><dt><span>max_gates</span> (integer)</dt><dd><p>Says how many gates there are. {long}</p><p>Two.</p>\
         <dl><dt>min_gates</dt><dd><p>{long}</p></dd></dl></dd>\
         <dt>-k</dt><dt>--keys</dt><dd><p>Shows the keys.</p></dd>\
         <dt>Colours</dt><dd><ul><li>red</li></ul></dd><dt>Alone</dt><dd></dd></dl>\
         <p>These were all settings.</p>\
         <dl><dt>1. Gates</dt><dt>2. Keys</dt><dd><dl><dt>2.1. Locks</dt></dl></dd></dl></body>"
    );
    let found = read(html.as_bytes(), "gates.html");
    let all = [
        (2, "The book of gates"),
        (2, "Settings"),
        (3, "max_gates (integer)"),
        (4, "min_gates"),
        (4, ""),
        (3, ""),
    ];
    assert!(headings(&found).ends_with(&all[1..]), "{:?}", headings(&found));
    let end = found.headings.last().unwrap().start;
    assert!(
        found.text[end..].starts_with("\n\n- -k, --keys: Shows the keys.\n- Colours:\n\n- red\n\n- Alone"),
        "{}",
        &found.text[end..]
    );
    assert!(
        found.text.contains("Alone\n\nThese were all settings.\n\n- 1. Gates\n- 2. Keys\n\n- 2.1. Locks"),
        "{}",
        found.text
    );
}

#[test]
fn a_cell_stands_in_each_row_that_it_reaches_into() {
    let long = "Told of by keepers. ".repeat(8);
    let html = format!(
        "<body><p>{long}</p><p>{long}</p><p>{long}</p><table><tr><th>River</th><th>Gate</th><th colspan=2>Eels</th><th>Keeper</th></tr>\
         <tr><td rowspan=2>Osmer</td><td>Thorn</td><td>4</td><td>5</td><td rowspan=3>{long}</td></tr>\
         <tr><td>Alder</td><td>7</td><td>8</td></tr><tr><td colspan=2>both</td><td>11</td></tr>\
         <tr></tr><tr><td>Lune</td><td rowspan=x>Alder</td></tr></table></body>"
    );
    let found = read(html.as_bytes(), "gates.html");
    let rows = format!(
        "River | Gate | Eels | | Keeper\nOsmer | Thorn | 4 | 5 | {}\nOsmer | Alder | 7 | 8\nboth | | 11\nLune | Alder",
        long.trim()
    );
    assert!(found.text.ends_with(&rows), "{}", found.text);
    let wide = "<tr><td colspan=99999 rowspan=99999>x</td></tr>".repeat(3);
    let found = read(
        format!("<body><table>{wide}<tr><td>a</td><td>b</td></tr></table></body>").as_bytes(),
        "wide.html",
    );
    assert!(found.text.len() < 20_000, "{}", found.text.len());
}

#[test]
fn a_table_of_one_column_is_text() {
    let html = "<body><table><tr><th>Functions</th></tr><tr><td><p>shut ( gate )</p><p>Shuts a gate.</p></td></tr>\
                <tr><td><p>open ( gate )</p><p>Opens it.</p></td></tr></table></body>";
    let found = read(html.as_bytes(), "gates.html");
    assert_eq!(found.text, "Functions\n\nshut ( gate )\n\nShuts a gate.\n\nopen ( gate )\n\nOpens it.");
}

#[test]
fn a_sign_that_leads_to_its_own_heading_is_left_out() {
    let html = "<body><h1>Gates</h1><p>See <a href='#old'>the old gates</a>.</p>\
                <h2 id=old>Old gates<a class=permalink href='#old' title=Permalink>¶</a></h2><p>They are shut.</p>";
    let found = read(html.as_bytes(), "gates.html");
    assert_eq!(headings(&found), [(2, "Gates"), (2, "Old gates")]);
    assert!(found.text.contains("See the old gates."), "{}", found.text);
}

#[test]
fn the_rows_of_a_page_that_is_one_table_stay_rows() {
    let row = |at: usize| {
        format!(
            "<tr><td><a href=g{at}>Gate{at} <i>name</i></a></td><td>{at}</td></tr>\
             <tr><td colspan=2>Tells of gate {at}, its keeper, and the hours at which it is shut.</td></tr>"
        )
    };
    let rows: String = (1..80).map(row).collect();
    let found = read(format!("<body><table>{rows}</table></body>").as_bytes(), "gates.html");
    assert!(found.text.contains("\nGate7 name | 7\nTells of gate 7,"), "{}", &found.text[..300]);
}

#[test]
fn markdown_stays_as_written() {
    let text = "---\ntitle: \"On bees\"\n---\n\n# Bees *and* `wasps`\n\ntext\r\n\n\n\n```\n# not a heading\n```\n\nSetext\n---\n";
    let found = read(text.as_bytes(), "bees.md");
    assert_eq!((found.media_type, found.title.as_deref()), ("text/markdown", Some("On bees")));
    assert_eq!(headings(&found), [(1, "Bees and wasps"), (2, "Setext")]);
    assert!(found.text.contains("# Bees *and* `wasps`\n\ntext\n\n```\n# not"), "{}", found.text);
    assert!(found.text[found.headings[1].start..].starts_with("Setext"));
}

#[test]
fn a_word_document_keeps_headings_tables_lists_and_footnotes() {
    let body = [
        files::w_paragraph("Kop1", "Counting"),
        "<w:p><w:r><w:t>We counted </w:t></w:r><w:r><w:t>them.</w:t><w:footnoteReference w:id=\"2\"/></w:r></w:p>".into(),
        "<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>by day</w:t></w:r></w:p>".into(),
        files::w_paragraph("Mine", "Results"),
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Year</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Bees</w:t></w:r></w:p></w:tc></w:tr>\
         <w:tr><w:tc><w:p><w:r><w:t>1999</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>12</w:t></w:r></w:p><w:p><w:r><w:t>thousand</w:t></w:r></w:p></w:tc></w:tr></w:tbl>".into(),
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:t>A &lt; B &#233;</w:t></w:r></w:p>".into(),
    ]
    .concat();
    let found = read(&files::docx(&body), "bees.pdf");
    assert!(found.media_type.ends_with("wordprocessingml.document"));
    assert_eq!(found.title.as_deref(), Some("Bees & wasps"));
    assert_eq!(headings(&found), [(1, "Counting"), (1, "Results")]);
    assert_eq!(
        found.text,
        "Counting\n\nWe counted them.\n\nCounted by hand.\n\n- by day\n\nResults\n\nYear | Bees\n1999 | 12 thousand\n\nA < B é"
    );
}

#[test]
fn code_in_a_word_document_is_told_by_its_style_and_stands_between_fences() {
    let lines = ["gate lock {", "  shut --all", "}"];
    let code: String = lines.map(|line| files::w_paragraph("Bron", line)).concat();
    let small =
        files::w_paragraph("Klein", "gate open<w:br/>gate paint").replace("<w:br/>", "</w:t><w:br/><w:t>");
    let prose = |text| files::w_paragraph("", text);
    let body = [prose("Shut it with:"), code, prose("Open it with:"), small].concat();
    let fenced = "```\ngate lock {\n  shut --all\n}\n```";
    let expected = format!("Shut it with:\n\n{fenced}\n\nOpen it with:\n\n```\ngate open\ngate paint\n```");
    assert_eq!(read(&files::docx(&body), "gates.docx").text, expected);
}

#[test]
fn code_in_an_open_document_is_told_by_its_style() {
    let body = "<style:style style:name='P7' style:family='paragraph' style:parent-style-name='Preformatted_20_Text'/>\
        <text:p>Shut it with:</text:p><text:p text:style-name='P7'>gate lock {</text:p>\
        <text:p text:style-name='Preformatted_20_Text'><text:s text:c='2'/>shut --all</text:p>\
        <text:p text:style-name='P7'>}</text:p><text:p text:style-name='P1'>It is  old.</text:p>";
    let expected = "Shut it with:\n\n```\ngate lock {\n  shut --all\n}\n```\n\nIt is old.";
    assert_eq!(read(&files::odf("text", body), "gates.odt").text, expected);
}

#[test]
fn slides_are_pages_in_the_order_they_are_shown() {
    let found = read(&files::pptx(&[("Start", "Hello", ""), ("End", "Bye", "Say thanks")]), "talk");
    assert_eq!(found.text, "Start\n\nHello\n\nEnd\n\nBye\n\nSay thanks");
    assert_eq!(found.pages, [(1, 0), (2, 14)].map(|(page, start)| PageStart { page, start }));
    assert_eq!(headings(&found), [(1, "Start"), (1, "End")]);
}

#[test]
fn a_workbook_is_lines_under_the_names_of_its_sheets() {
    let rows = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>Day</t></is></c><c r="C1" t="inlineStr"><is><t>Jars</t></is></c></row>
        <row r="2"><c r="A2" s="1"><v>44197</v></c><c r="C2"><v>12.5</v></c></row>
        <row r="1048576"><c r="XFD1048576"><v>7</v></c></row>"#;
    let found = read(&files::xlsx(rows), "stock.csv");
    assert!(found.media_type.ends_with("spreadsheetml.sheet"));
    assert_eq!(found.text, "Stock\n\nDay | | Jars\n2021-01-01 | | 12.5\n7");
    assert_eq!(headings(&found), [(1, "Stock")]);
}

#[test]
fn open_documents_are_read_by_what_they_declare() {
    let text = r#"<text:h text:outline-level="2">Apples</text:h><text:p>Ripe<text:s/>in<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Or later.</text:p></text:note-body></text:note> autumn.</text:p><text:list><text:list-item><text:p>red</text:p></text:list-item></text:list>"#;
    let found = read(&files::odf("text", text), "x.docx");
    assert_eq!(found.text, "Apples\n\nRipe in autumn.\n\nOr later.\n\n- red");
    assert_eq!((found.title.as_deref(), headings(&found)), (Some("The orchard"), vec![(2, "Apples")]));

    let sheet = r#"<table:table table:name="Trees"><table:table-row><table:table-cell><text:p>elm</text:p></table:table-cell><table:table-cell table:number-columns-repeated="16000"/></table:table-row><table:table-row table:number-rows-repeated="1000000"><table:table-cell/></table:table-row></table:table>"#;
    let found = read(&files::odf("spreadsheet", sheet), "x");
    assert_eq!((found.text.as_str(), headings(&found)), ("Trees\n\nelm", vec![(1, "Trees")]));

    let slides = r#"<draw:page><text:p>one</text:p></draw:page><draw:page><text:p>two</text:p></draw:page>"#;
    assert_eq!(read(&files::odf("presentation", slides), "x").pages.len(), 2);
}

#[test]
fn a_book_is_read_chapter_by_chapter() {
    let found =
        read(&files::epub(&["<h1>One</h1><p>It began.</p>", "<h1>Two</h1><nav>kept</nav>"]), "book.zip");
    assert_eq!(found.text, "One\n\nIt began.\n\nTwo\n\nkept");
    assert_eq!((found.media_type, found.title.as_deref()), ("application/epub+zip", Some("A short book")));
    assert_eq!(headings(&found), [(1, "One"), (1, "Two")]);
}

#[test]
fn rich_text_gives_paragraphs_rows_and_the_title() {
    let rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\info{\title Letter}{\author Somebody}}{\*\generator X;}
\pard\outlinelevel0 Intro\par\pard caf\'e9 \u8364?5 \ldblquote hi\rdblquote\par
\trowd a\cell b\cell\row\pard{\pict 0102}{\b bold} end\u-10179?\u-8704?\par}";
    let found = read(rtf.as_bytes(), "letter.doc");
    assert_eq!(found.text, "Intro\n\ncafé €5 “hi”\n\na | b\n\nbold end😀");
    assert_eq!((found.title.as_deref(), headings(&found)), (Some("Letter"), vec![(1, "Intro")]));
}

#[test]
fn comma_separated_values_keep_rows_together() {
    let found = read(b"name;note\r\nAnn;\"says \"\"hi\"\";\nand goes\"\r\n\r\nBob;\r\n", "people.csv");
    assert_eq!(found.text, "name | note\nAnn | says \"hi\"; and goes\nBob");
    assert_eq!(read(b"a,b\tc\n", "t.tsv").text, "a,b | c");
}

#[test]
fn the_name_only_decides_between_kinds_of_text() {
    for (name, media_type) in [
        ("a.md", "text/markdown"),
        ("a.txt", "text/plain"),
        ("a.csv", "text/csv"),
        ("a.rs", "text/x-source"),
        ("a.json", "application/json"),
        ("a.pdf", "text/plain"),
        ("a.docx", "text/plain"),
        ("a", "text/plain"),
    ] {
        assert_eq!(read(b"just a few words", name).media_type, media_type, "{name}");
    }
    assert_eq!(read(b"The header of such a file is %PDF-1.4, as you know.", "x").media_type, "text/plain");
}

#[test]
fn text_is_decoded_from_the_usual_encodings() {
    let text = "Die Bienen fliegen über die Wiese; das Öl kostet fünf Euro, sagt der Müller. Ça coûte très cher à l’été.";
    let polish = "Zażółć gęślą jaźń: pszczoły lecą nad łąką, a pszczelarz się cieszy, bo będzie dużo miodu tej jesieni.";
    let russian =
        "Пчёлы летят над лугом, и пасечник радуется: этой осенью будет много мёда, говорит он соседям.";
    let japanese = "蜂は花から花へ飛び、養蜂家は喜びます。今年の秋はたくさんの蜂蜜が取れるでしょう。そう彼は言いました。";
    let utf16 = |text: &str, big: bool, mark: bool| -> Vec<u8> {
        let marked = if mark { format!("\u{feff}{text}") } else { text.to_owned() };
        marked
            .encode_utf16()
            .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    };
    let encoded = |text: &str, label: &str| {
        let (bytes, _, lossy) = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(text);
        assert!(!lossy, "{label}");
        bytes.into_owned()
    };
    let cases = [
        ("utf-8", text, text.as_bytes().to_vec()),
        ("utf-8 with mark", text, format!("\u{feff}{text}").into_bytes()),
        ("utf-16le with mark", text, utf16(text, false, true)),
        ("utf-16be with mark", text, utf16(text, true, true)),
        ("utf-16le", text, utf16(text, false, false)),
        ("utf-16be", text, utf16(text, true, false)),
        ("windows-1252", text, encoded(text, "windows-1252")),
        ("windows-1250", polish, encoded(polish, "windows-1250")),
        ("windows-1251", russian, encoded(russian, "windows-1251")),
        ("koi8-u", russian, encoded(russian, "koi8-u")),
        ("shift_jis", japanese, encoded(japanese, "shift_jis")),
        ("euc-jp", japanese, encoded(japanese, "euc-jp")),
    ];
    for (name, expected, bytes) in cases {
        assert_eq!(read(&bytes, "letter.txt").text, expected, "{name}");
    }
    let page = encoded("<html><meta charset=iso-8859-2><p>łąka</html>", "iso-8859-2");
    assert_eq!(read(&page, "page").text, "łąka");
}

#[test]
fn text_is_normalised_without_losing_letters() {
    let raw =
        "cafe\u{301} \u{fb01}n\u{0}\u{7}\u{ad}\u{202e}x²\u{a0}y  \r\n\r\n\r\n\r\n\tnext\u{c}end\u{feff}\n\n";
    assert_eq!(read(raw.as_bytes(), "x.txt").text, "café \u{fb01}nx² y  \n\n\tnext\nend");
}

#[test]
fn what_can_not_be_read_is_named() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01".to_vec();
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01".to_vec();
    let mut old_word = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    old_word.resize(1024, 0);
    old_word.extend("WordDocument".encode_utf16().flat_map(u16::to_le_bytes));
    let noise: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (bytes, expected) in [
        (png, "a picture (PNG)"),
        (jpeg, "a picture (JPG)"),
        (files::zip(&[("a.txt", "x")]), "a zip archive"),
        (old_word, "a Word document of the old kind (.doc)"),
        (noise, "a binary file of unknown kind"),
    ] {
        let error = refusal(&bytes, "paper.pdf");
        let ExtractError::Unsupported { what, advice } = &error else { panic!("{error}") };
        assert_eq!(what, expected);
        assert!(!advice.is_empty());
    }
    assert_eq!(refusal(b"", "a.txt"), ExtractError::Empty);
    assert_eq!(refusal(b" \n\t ", "a.txt"), ExtractError::Empty);
}
