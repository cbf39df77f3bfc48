//! Builds small files of every format, in code, for the tests of extraction. No fixtures of others.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

/// A zip with these members, deflated.
pub(crate) fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const W: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#;

/// A Word document with this inside its body.
pub(crate) fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><w:document {W}><w:body>{body}</w:body></w:document>"#
    );
    let styles = format!(
        r#"<w:styles {W}><w:style w:styleId="Kop1"><w:name w:val="heading 1"/></w:style>
        <w:style w:styleId="Kop2"><w:name w:val="heading 2"/></w:style>
        <w:style w:styleId="Bron"><w:name w:val="Source Code"/></w:style>
        <w:style w:styleId="Klein"><w:name w:val="Small"/><w:basedOn w:val="Bron"/></w:style>
        <w:style w:styleId="Mine"><w:name w:val="Chapter"/><w:basedOn w:val="Kop1"/></w:style></w:styles>"#
    );
    let footnotes = format!(
        r#"<w:footnotes {W}><w:footnote w:id="2"><w:p><w:r><w:t>Counted by hand.</w:t></w:r></w:p></w:footnote></w:footnotes>"#
    );
    let core = r#"<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>Bees &amp; wasps</dc:title></cp:coreProperties>"#;
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        ("word/document.xml", &document),
        ("word/styles.xml", &styles),
        ("word/footnotes.xml", &footnotes),
        ("docProps/core.xml", core),
    ])
}

/// A Word paragraph, in a style if one is given.
pub(crate) fn w_paragraph(style: &str, text: &str) -> String {
    let style = if style.is_empty() {
        String::new()
    } else {
        format!(r#"<w:pPr><w:pStyle w:val="{style}"/></w:pPr>"#)
    };
    format!("<w:p>{style}<w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A presentation whose slides show `(title, body, notes)`, shown in the order given although
/// their parts are numbered the other way round.
pub(crate) fn pptx(slides: &[(&str, &str, &str)]) -> Vec<u8> {
    let count = slides.len();
    let mut members = vec![("[Content_Types].xml".to_owned(), "<Types/>".to_owned())];
    let mut list = String::new();
    let mut relations = String::new();
    for (index, (title, body, notes)) in slides.iter().enumerate() {
        let number = count - index;
        list.push_str(&format!(r#"<p:sldId id="{}" r:id="rId{number}"/>"#, 256 + index));
        relations.push_str(&format!(
            r#"<Relationship Id="rId{number}" Type="http://x/slide" Target="slides/slide{number}.xml"/>"#
        ));
        let shape = |kind: &str, text: &str| {
            format!(
                r#"<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"#
            )
        };
        let slide = format!(
            r#"<p:sld xmlns:p="p" xmlns:a="a">{}{}{}</p:sld>"#,
            shape("title", title),
            shape("body", body),
            shape("sldNum", "99")
        );
        members.push((format!("ppt/slides/slide{number}.xml"), slide));
        if !notes.is_empty() {
            members.push((
                format!("ppt/slides/_rels/slide{number}.xml.rels"),
                format!(r#"<Relationships><Relationship Id="rId1" Type="http://x/notesSlide" Target="../notesSlides/notesSlide{number}.xml"/></Relationships>"#),
            ));
            let notes = format!(r#"<p:notes xmlns:p="p" xmlns:a="a">{}</p:notes>"#, shape("body", notes));
            members.push((format!("ppt/notesSlides/notesSlide{number}.xml"), notes));
        }
    }
    members.push((
        "ppt/presentation.xml".to_owned(),
        format!(
            r#"<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>{list}</p:sldIdLst></p:presentation>"#
        ),
    ));
    members.push((
        "ppt/_rels/presentation.xml.rels".to_owned(),
        format!("<Relationships>{relations}</Relationships>"),
    ));
    let members: Vec<(&str, &str)> =
        members.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    zip(&members)
}

/// A workbook with one sheet called Stock, its rows given as XML.
pub(crate) fn xlsx(rows: &str) -> Vec<u8> {
    const NS: &str = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let workbook = format!(
        r#"<workbook {NS} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Stock" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let relations = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>"#;
    let root = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
    let styles =
        format!(r#"<styleSheet {NS}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#);
    let sheet = format!(r#"<worksheet {NS}><sheetData>{rows}</sheetData></worksheet>"#);
    zip(&[
        ("[Content_Types].xml", "<Types/>"),
        ("_rels/.rels", root),
        ("xl/workbook.xml", &workbook),
        ("xl/_rels/workbook.xml.rels", relations),
        ("xl/styles.xml", &styles),
        ("xl/worksheets/sheet1.xml", &sheet),
    ])
}

/// An OpenDocument file of this kind (`text`, `spreadsheet`, `presentation`).
pub(crate) fn odf(kind: &str, body: &str) -> Vec<u8> {
    let content = format!(
        r#"<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="tb" xmlns:draw="d"><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"#
    );
    let meta = r#"<office:document-meta xmlns:office="o" xmlns:dc="d"><dc:title>The orchard</dc:title></office:document-meta>"#;
    let mimetype = format!("application/vnd.oasis.opendocument.{kind}");
    zip(&[("mimetype", &mimetype), ("content.xml", &content), ("meta.xml", meta)])
}

/// A book with these chapters.
pub(crate) fn epub(chapters: &[&str]) -> Vec<u8> {
    let mut members = vec![
        ("mimetype".to_owned(), "application/epub+zip".to_owned()),
        (
            "META-INF/container.xml".to_owned(),
            r#"<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>"#
                .to_owned(),
        ),
    ];
    let (mut items, mut spine) = (String::new(), String::new());
    for (index, chapter) in chapters.iter().enumerate() {
        items.push_str(&format!(r#"<item id="c{index}" href="text/chapter%20{index}.xhtml"/>"#));
        spine.push_str(&format!(r#"<itemref idref="c{index}"/>"#));
        members.push((
            format!("OEBPS/text/chapter {index}.xhtml"),
            format!("<html><body>{chapter}</body></html>"),
        ));
    }
    members.push((
        "OEBPS/book.opf".to_owned(),
        format!(
            r#"<package xmlns:dc="d"><metadata><dc:title>A short book</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"#
        ),
    ));
    let members: Vec<(&str, &str)> =
        members.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
    zip(&members)
}

/// A PDF with one line of 12 point Helvetica for each string of a page. Strings are bytes in the
/// font's encoding, without parentheses.
pub(crate) fn pdf(pages: &[&[&[u8]]]) -> Vec<u8> {
    let streams: Vec<Vec<u8>> = pages
        .iter()
        .map(|lines| {
            let mut stream = Vec::new();
            if !lines.is_empty() {
                stream.extend_from_slice(b"BT /F1 12 Tf 72 700 Td 14 TL\n");
                for line in *lines {
                    stream.push(b'(');
                    stream.extend_from_slice(line);
                    stream.extend_from_slice(b") Tj T*\n");
                }
                stream.extend_from_slice(b"ET\n");
            }
            stream
        })
        .collect();
    pdf_of_streams(&streams)
}

/// A PDF whose pages have these content streams.
pub(crate) fn pdf_of_streams(streams: &[Vec<u8>]) -> Vec<u8> {
    let kids: Vec<String> = (0..streams.len()).map(|index| format!("{} 0 R", 4 + index * 2)).collect();
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), streams.len()).into_bytes(),
        // Code 1 is a ligature, as many typesetters set it.
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding /BaseEncoding /WinAnsiEncoding /Differences [1 /fi] >> >>".to_vec(),
    ];
    for (index, stream) in streams.iter().enumerate() {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents {} 0 R >>",
                5 + index * 2
            )
            .into_bytes(),
        );
        let mut object = format!("<< /Length {} >>\nstream\n", stream.len()).into_bytes();
        object.extend_from_slice(stream);
        object.extend_from_slice(b"\nendstream");
        objects.push(object);
    }
    pdf_of_objects(&objects)
}

/// A PDF of one page that says `line`, with a form of these fields, filled in: the name, the type and the
/// value as the file writes it.
pub(crate) fn pdf_form(line: &str, fields: &[(&str, &str, &str)]) -> Vec<u8> {
    let references: Vec<String> = (0..fields.len()).map(|index| format!("{} 0 R", 6 + index)).collect();
    let references = references.join(" ");
    let stream = format!("BT /F1 12 Tf 72 700 Td ({line}) Tj ET");
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [{references}] >> >>"),
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R /Annots [{references}] >>"
        ),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
    ];
    objects.extend(fields.iter().map(|(name, kind, value)| {
        format!("<< /Type /Annot /Subtype /Widget /Rect [72 600 300 620] /P 4 0 R /T ({name}) /FT /{kind} /V {value} >>")
    }));
    pdf_of_objects(&objects.into_iter().map(String::into_bytes).collect::<Vec<_>>())
}

/// A PDF of these objects, of which the first is the catalogue.
fn pdf_of_objects(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let xref = file.len();
    file.extend_from_slice(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes());
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    file.extend_from_slice(
        format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n", objects.len() + 1)
            .as_bytes(),
    );
    file
}
