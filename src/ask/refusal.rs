//! Saying that the documents do not answer, in the reader's language, and knowing such a sentence.

use std::ops::Range;

use ibid_index::analysis::Language;

use super::cite::denials;

/// A sentence that says so names the documents this early, in characters.
const OPENING: usize = 60;
/// And has at most so many between what denies and what is denied.
const CLOSE: usize = 30;

struct Row {
    code: &'static str,
    sentence: &'static str,
    /// What the documents are called, by beginnings of words.
    documents: &'static [&'static str],
    /// What they do not do, or do not have, by beginnings of words.
    tells: &'static [&'static str],
}

/// The answer to a question that the documents do not answer, in its language or, where that does not
/// show, in English.
#[must_use]
pub fn refusal(question: &str) -> &'static str {
    row(Language::of_question(question)).unwrap_or(&ENGLISH).sentence
}

/// "Your documents do not answer this": nothing a passage could carry. The sentence names the documents
/// or the writer, a thing they tell and, close by, that it is not there; what a document denies is a claim,
/// and so is what has a number. The answer may be in another language than the documents, `language`.
pub(super) fn reports_nothing(sentence: &str, language: Option<Language>) -> bool {
    if sentence.contains(char::is_numeric) {
        return false;
    }
    let lower = sentence.to_lowercase();
    let opening: String = lower.chars().take(OPENING).collect();
    let found_not = |row: &Row| {
        let names_them = row.documents.iter().any(|word| opening.contains(word));
        (names_them || (row.code == "en" && lower.starts_with("i "))) && row.denies_telling(&lower)
    };
    // Kindred languages are easily taken for each other, and words of English stand in many.
    let own = row(Language::of_question(sentence)).unwrap_or(&ENGLISH);
    let of_documents = row(language).filter(|row| row.code != "en");
    found_not(own) || of_documents.is_some_and(found_not)
}

impl Row {
    /// Whether it is denied that something is told, not whether what is told is a denial.
    fn denies_telling(&self, lower: &str) -> bool {
        let begins = self.that().iter().filter_map(|that| lower.find(&format!(" {that} "))).min();
        let main = &lower[..begins.unwrap_or(lower.len())];
        let denials = denials(main, Language::from_code(self.code));
        let is_close =
            |from: usize, to: usize| main.get(from..to).is_none_or(|gap| gap.chars().count() <= CLOSE);
        let denied = |told: Range<usize>| {
            denials.iter().any(|denial| match self.order() {
                Order::Before => denial.start <= told.start && is_close(denial.end, told.start),
                Order::Behind => denial.end >= told.end && is_close(told.end, denial.start),
                Order::Around if denial.start <= told.start => is_close(denial.end, told.start),
                Order::Around => is_close(told.end, denial.start),
            })
        };
        let told = |word: &&str| main.match_indices(*word).any(|(at, _)| denied(at..at + word.len()));
        self.tells.iter().any(told)
    }

    /// Where the word that denies stands to the one that tells.
    fn order(&self) -> Order {
        match self.code {
            "bn" | "fa" | "hi" | "ja" | "ko" | "tr" | "ur" => Order::Behind,
            "da" | "de" | "fr" | "nb" | "nl" | "sv" => Order::Around,
            _ => Order::Before,
        }
    }

    /// What what is told begins with, where that is a word by itself.
    fn that(&self) -> &'static [&'static str] {
        match self.code {
            "ar" => &["أن", "بأن"],
            "bg" => &["че"],
            "bn" => &["যে"],
            "ca" | "es" | "fr" | "pt" => &["que"],
            "cs" | "sk" => &["že"],
            "da" | "nb" => &["at"],
            "de" => &["dass"],
            "el" => &["ότι", "πως"],
            "en" => &["that"],
            "fa" => &["که"],
            "fi" => &["että"],
            "hi" => &["कि"],
            "hr" => &["da"],
            "hu" => &["hogy"],
            "id" => &["bahwa"],
            "it" => &["che"],
            "nl" => &["dat"],
            "pl" => &["że"],
            "ro" => &["că"],
            "ru" => &["что"],
            "sv" => &["att"],
            "uk" => &["що"],
            "ur" => &["کہ"],
            "vi" => &["rằng"],
            _ => &[],
        }
    }
}

enum Order {
    Before,
    Behind,
    Around,
}

fn row(language: Option<Language>) -> Option<&'static Row> {
    let code = language?.code();
    rows().find(|row| row.code == code)
}

fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().chain([&ENGLISH])
}

const fn said(
    code: &'static str,
    sentence: &'static str,
    documents: &'static [&'static str],
    tells: &'static [&'static str],
) -> Row {
    Row { code, sentence, documents, tells }
}

#[rustfmt::skip]
const ENGLISH: Row = said("en", "Your documents do not answer this.", &["document", "passage", "source", "excerpt", "provided text", "provided information", "provided context", "provided material"],
        &["answer", "mention", "say", "state", "contain", "specif", "provid", "give", "describe", "address", "include", "tell", "discuss", "name", "information", "evidence", "indicate", "found", "find", "determine", "enough", "appear", "cover"]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    said("ar", "مستنداتك لا تجيب عن هذا السؤال.", &["مستند", "وثائق", "مقاطع", "المقتطف", "مصادر", "النص"],
        &["تجيب", "يجيب", "إجابة", "ذكر", "تحتوي", "يحتوي", "تحدد", "يحدد", "تقدم", "تقول", "تصف", "معلومات", "العثور", "تتضمن", "يرد", "ترد"]),
    said("bg", "Документите ви не отговарят на този въпрос.", &["документ", "откъс", "източни", "текст", "пасаж"],
        &["отгов", "спомен", "съдърж", "посоч", "казв", "опис", "намер", "информац", "дава", "предостав"]),
    said("bn", "আপনার নথিগুলিতে এর উত্তর নেই।", &["নথি", "দলিল", "উৎস", "অংশ", "পাঠ্য", "ডকুমেন্ট"],
        &["উত্তর", "উল্লেখ", "বলা", "বলে", "তথ্য", "বর্ণনা", "পাওয়া", "পাওয়া", "জানা"]),
    said("ca", "Els vostres documents no responen aquesta pregunta.", &["document", "passatge", "font", "fragment", "text"],
        &["respon", "respost", "mencion", "esment", "indiqu", "conten", "especific", "proporcion", "diu", "descri", "trob", "informació"]),
    said("cs", "Vaše dokumenty na tuto otázku neodpovídají.", &["dokument", "pasáž", "zdroj", "text", "úryv"],
        &["odpov", "zmiň", "zmín", "obsah", "uvád", "uved", "řík", "popis", "nalez", "našel", "našla", "nenaš", "informac"]),
    said("da", "Dine dokumenter besvarer ikke dette spørgsmål.", &["dokument", "passage", "kilde", "uddrag", "tekst"],
        &["svar", "nævn", "indehold", "angiv", "oplys", "siger", "beskriv", "find", "fundet", "information", "giver", "fremgå"]),
    said("de", "Ihre Dokumente beantworten diese Frage nicht.", &["dokument", "textstelle", "passage", "quelle", "unterlage", "auszug", "auszüg", "abschnitt", "text"],
        &["antwort", "erwähn", "enthalten", "enthält", "enthielt", "angabe", "angegeben", "nenn", "genannt", "sagen", "sagt", "information", "hervor", "hinweis", "beschr", "find", "gefunden", "ergib", "entnehm", "äußer", "liefer"]),
    said("el", "Τα έγγραφά σας δεν απαντούν σε αυτή την ερώτηση.", &["έγγραφ", "εγγράφ", "απόσπασμ", "αποσπάσμ", "πηγ", "κείμεν", "κειμέν"],
        &["απαντ", "απάντ", "αναφέρ", "αναφορ", "περιέχ", "δίν", "λέν", "λέει", "περιγράφ", "βρέθ", "βρήκ", "πληροφορ", "διευκριν"]),
    said("es", "Sus documentos no responden a esta pregunta.", &["documento", "pasaje", "fuente", "fragmento", "texto", "extracto"],
        &["respond", "respuesta", "mencion", "indic", "contien", "especific", "proporcion", "dice", "describ", "encontr", "encuentr", "información", "ofrec", "señal", "aparec"]),
    said("fa", "اسناد شما به این پرسش پاسخ نمی\u{200c}دهند.", &["سند", "اسناد", "متن", "متون", "منبع", "منابع", "قطعه", "بخش", "مدارک"],
        &["پاسخ", "ذکر", "اشاره", "شامل", "گفته", "توصیف", "یافت", "پیدا", "اطلاعات", "بیان"]),
    said("fi", "Asiakirjasi eivät vastaa tähän kysymykseen.", &["asiakirj", "dokument", "lähte", "kohda", "tekst", "katkelm"],
        &["vasta", "mainit", "sisäl", "kerro", "anna", "kuvaa", "löyd", "tieto", "tieta", "ilmene"]),
    said("fr", "Vos documents ne répondent pas à cette question.", &["document", "passage", "source", "extrait", "texte"],
        &["répond", "répons", "mention", "indiqu", "contien", "contenu", "précis", "fourni", "donn", "décri", "trouv", "information", "permet", "disent", "évoqu", "abord"]),
    said("he", "המסמכים שלך אינם עונים על השאלה הזאת.", &["מסמכ", "קטע", "מקור", "טקסט"],
        &["עונ", "תשוב", "מזכיר", "מוזכר", "מכיל", "מציינ", "צוין", "אומר", "מתאר", "נמצא", "מידע", "כולל"]),
    said("hi", "आपके दस्तावेज़ इसका उत्तर नहीं देते।", &["दस्तावे", "अंश", "स्रोत", "पाठ"],
        &["उत्तर", "जवाब", "उल्लेख", "बता", "शामिल", "जानकारी", "वर्णन", "मिल"]),
    said("hr", "Vaši dokumenti ne odgovaraju na ovo pitanje.", &["dokument", "odlom", "izvor", "tekst", "ulom"],
        &["odgov", "spomin", "spomen", "sadrž", "navod", "kaž", "govor", "opis", "naći", "pronađ", "informacij", "daju"]),
    said("hu", "A dokumentumai nem adnak választ erre a kérdésre.", &["dokumentum", "forrás", "szöveg", "részlet", "szakasz"],
        &["válasz", "említ", "tartalmaz", "közöl", "mond", "talál", "információ", "szerepel", "adnak"]),
    said("id", "Dokumen Anda tidak menjawab pertanyaan ini.", &["dokumen", "kutipan", "sumber", "teks", "bagian"],
        &["jawab", "sebut", "berisi", "memuat", "beri", "mengata", "jelas", "temu", "informasi"]),
    said("it", "I tuoi documenti non rispondono a questa domanda.", &["document", "passagg", "fonti", "fonte", "brani", "brano", "testo", "testi", "estratt"],
        &["rispond", "rispost", "menzion", "indic", "conten", "contien", "specific", "forni", "dicono", "descriv", "trov", "informazion", "riport"]),
    said("ja", "お手元の文書はこの質問に答えていません。", &["文書", "資料", "文献", "抜粋", "箇所", "出典", "文章", "ドキュメント", "テキスト"],
        &["答え", "回答", "述べ", "言及", "記載", "含ま", "説明", "見つ", "情報", "触れ", "書かれ", "示さ"]),
    said("ko", "문서에는 이 질문에 대한 답이 없습니다.", &["문서", "자료", "발췌", "출처", "구절", "본문", "텍스트"],
        &["답", "언급", "포함", "제공", "설명", "찾", "정보", "나와", "기술", "명시"]),
    said("nb", "Dokumentene dine svarer ikke på dette spørsmålet.", &["dokument", "avsnitt", "kilde", "utdrag", "tekst", "passasje"],
        &["svar", "nevn", "innehold", "oppgi", "opplys", "sier", "beskriv", "finn", "funnet", "informasjon", "fremgå", "framgå"]),
    said("nl", "Uw documenten geven geen antwoord op deze vraag.", &["document", "passage", "bron", "fragment", "tekst"],
        &["antwoord", "vermeld", "noem", "genoemd", "bevat", "geef", "geven", "zegg", "beschr", "informatie", "vind", "gevonden"]),
    said("pl", "Twoje dokumenty nie odpowiadają na to pytanie.", &["dokument", "fragment", "źródł", "tekst", "materiał"],
        &["odpowi", "wspomin", "zawier", "podaj", "mówi", "opis", "znal", "informac", "wskaz", "określ", "wymieni"]),
    said("pt", "Os seus documentos não respondem a esta pergunta.", &["documento", "passage", "trecho", "fonte", "texto", "excerto"],
        &["respond", "respost", "mencion", "indic", "contê", "contém", "especific", "fornec", "dizem", "descrev", "encontr", "informaç", "apresent"]),
    said("ro", "Documentele dumneavoastră nu răspund la această întrebare.", &["document", "pasaj", "surs", "fragment", "text", "extras"],
        &["răspun", "menți", "menţi", "indic", "conți", "conţi", "specific", "ofer", "furniz", "spun", "descri", "găs", "informați", "informaţi"]),
    said("ru", "Ваши документы не отвечают на этот вопрос.", &["документ", "отрыв", "источник", "текст", "фрагмент", "материал"],
        &["отве", "упом", "содерж", "указ", "сообща", "говор", "опис", "найд", "найти", "нашл", "информац", "сведени", "приво"]),
    said("sk", "Vaše dokumenty na túto otázku neodpovedajú.", &["dokument", "pasáž", "zdroj", "text", "úryv"],
        &["odpoved", "spomín", "obsah", "uvád", "uvied", "hovor", "opis", "nájs", "naš", "nach", "informác"]),
    said("sv", "Dina dokument besvarar inte den här frågan.", &["dokument", "avsnitt", "käll", "utdrag", "text", "passage", "stycke"],
        &["svar", "nämn", "innehåll", "anger", "anges", "säger", "beskriv", "finn", "hitta", "information", "framgå", "uppgift"]),
    said("th", "เอกสารของคุณไม่มีคำตอบสำหรับคำถามนี้", &["เอกสาร", "ข้อความ", "แหล่ง", "เนื้อหา"],
        &["ตอบ", "กล่าว", "ระบุ", "ข้อมูล", "บอก", "อธิบาย", "พบ"]),
    said("tr", "Belgeleriniz bu soruyu yanıtlamıyor.", &["belge", "kaynak", "metin", "pasaj", "alıntı", "bölüm"],
        &["yanıt", "cevap", "bahse", "belirt", "içer", "bilgi", "söyle", "bulun", "değin", "veril"]),
    said("uk", "Ваші документи не дають відповіді на це запитання.", &["документ", "урив", "джерел", "текст", "фрагмент", "матеріал"],
        &["відпов", "згад", "міст", "вказ", "зазнач", "повідом", "говор", "кажут", "опис", "знайд", "знайти", "інформац", "відомост"]),
    said("ur", "آپ کی دستاویزات میں اس کا جواب نہیں ہے۔", &["دستاویز", "متن", "اقتباس", "ماخذ", "ذرائع"],
        &["جواب", "ذکر", "بتا", "شامل", "معلومات", "بیان", "ملا", "ملتا", "ملتی"]),
    said("vi", "Tài liệu của bạn không trả lời câu hỏi này.", &["tài liệu", "đoạn", "nguồn", "văn bản"],
        &["trả lời", "đề cập", "nêu", "chứa", "cho biết", "nói", "mô tả", "tìm", "thông tin", "nhắc"]),
    // Written alike in both kinds of characters.
    said("zh", "您的文件中未提及此事。", &["文档", "文檔", "文件", "资料", "資料", "段落", "文本", "原文", "片段", "来源", "來源", "材料"],
        &["回答", "提到", "提及", "包含", "说明", "說明", "提供", "指出", "描述", "找到", "信息", "資訊", "记载", "記載", "涉及", "给出", "給出"]),
];

#[cfg(test)]
mod tests {
    use ibid_index::analysis::Language;

    use super::{refusal, reports_nothing, row, rows};

    #[test]
    fn every_refusal_is_known_as_one_whatever_the_documents_are_written_in() {
        for row in rows() {
            assert!(reports_nothing(row.sentence, Language::from_code("en")), "{}", row.sentence);
            assert!(reports_nothing(row.sentence, Language::from_code(row.code)), "{}", row.sentence);
        }
    }

    #[test]
    fn a_question_is_refused_in_its_own_language() {
        for (question, code) in [
            ("Wer hat den Leuchtturm gebaut?", "de"),
            ("¿Quién construyó el faro?", "es"),
            ("Who built it?", "en"),
            ("Leuchtturm 1890", "en"),
            ("灯塔是谁建的？", "zh"),
            ("등대는 누가 지었는가?", "ko"),
            ("Кто построил маяк?", "ru"),
        ] {
            let expected = row(Language::from_code(code)).unwrap();
            assert_eq!(refusal(question), expected.sentence, "{question}");
        }
    }

    #[test]
    fn models_say_it_in_many_ways() {
        for sentence in [
            "I could not find who built the lighthouse.",
            "The provided passages don't mention the keeper's name.",
            "Who built it is not stated in the documents.",
            "The documents do not provide enough information about it.",
            "The documents do not say that it was sold.",
            "Nothing in the documents tells who built it.",
            "Die Dokumente enthalten keine Angaben zu den Kosten.",
            "Aus den Textstellen geht nicht hervor, wer den Turm gebaut hat.",
            "Les documents fournis ne précisent pas le coût.",
            "Los pasajes no mencionan quién lo construyó.",
            "I documenti non indicano chi lo ha costruito.",
            "В документах нет информации о стоимости.",
            "Dokumenty neuvádějí, kdo maják postavil.",
            "Belgelerde maliyet hakkında bilgi verilmemiştir.",
            "文档中没有提到灯塔的造价。",
            "文書には費用について記載されていません。",
            "문서에는 비용에 대한 정보가 없습니다.",
        ] {
            assert!(reports_nothing(sentence, Language::from_code("en")), "{sentence}");
        }
    }

    #[test]
    fn what_a_document_denies_is_a_claim() {
        for sentence in [
            "The company does not sell hardware.",
            "The documents were not signed by the mayor.",
            "The sources mention the keeper.",
            "The documents state that no toll was given.",
            "The passages say the tower was not rebuilt.",
            "Los documentos dicen que la torre no se describe bien.",
            "Die Dokumente sagen, dass der Turm kein Licht hat.",
            "文件提到灯塔没有灯。",
            "文書は灯台に灯がないと述べています。",
            "The documents do not include the 2019 report.",
            "Der Turm hat kein Licht.",
            "灯塔没有灯。",
        ] {
            assert!(!reports_nothing(sentence, Language::from_code("en")), "{sentence}");
        }
    }
}
