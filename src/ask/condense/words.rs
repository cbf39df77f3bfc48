//! The words by which a question leans on the one before it, by language.

use ibid_index::analysis::{Language, TermKind, is_unspaced, terms};

/// Between commas, in lower case.
struct Row {
    code: &'static str,
    joints: &'static str,
    openings: &'static str,
    pronouns: &'static str,
    more: &'static str,
}

/// The words of one language.
pub(super) struct Words {
    row: &'static Row,
    language: Option<Language>,
}

impl Words {
    /// Those of a language; English where it has none here.
    pub(super) fn of(language: Option<Language>) -> Self {
        let code = language.map_or("en", Language::code);
        let row = ROWS.iter().find(|row| row.code == code).unwrap_or(&ENGLISH);
        Self { row, language }
    }

    /// Whether a question begins with a word that joins it to the last one, if it does not say enough
    /// itself.
    pub(super) fn joins(&self, question: &str) -> bool {
        begins_with(question, self.row.joints)
    }

    /// Whether a question begins, or in some languages ends, as only one does that goes on from the last.
    pub(super) fn goes_on(&self, question: &str) -> bool {
        let ends = match self.row.code {
            "zh" => "呢",
            "ja" => "は",
            "ko" => "은, 는",
            _ => "",
        };
        let said = question.trim_end_matches(|c: char| !c.is_alphanumeric());
        begins_with(question, self.row.openings) || entries(ends).any(|end| said.ends_with(end))
    }

    /// Whether a question points at something with a pronoun before any name that could be meant. Where
    /// words are not parted: with one that all else follows, or that follows all else.
    pub(super) fn points(&self, question: &str) -> bool {
        let has_content = |text| terms(text, self.language).any(|term| term.kind != TermKind::Stop);
        let alone = |pronoun: &str| {
            let found = question
                .match_indices(pronoun)
                .map(|(at, _)| (&question[..at], &question[at + pronoun.len()..]));
            found.into_iter().any(|(before, behind)| !has_content(before) || !has_content(behind))
        };
        if entries(self.row.pronouns).any(|pronoun| pronoun.starts_with(is_unspaced) && alone(pronoun)) {
            return true;
        }
        let mut named = false;
        for (at, word) in question.split_whitespace().enumerate() {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            let lower = bare.to_lowercase();
            if entries(self.row.pronouns).any(|pronoun| pronoun == lower) {
                return !named;
            }
            named |= at > 0 && bare.len() > 1 && bare.starts_with(char::is_uppercase);
        }
        false
    }

    /// The stems of the words that ask for more without saying of what.
    pub(super) fn more(&self) -> Vec<String> {
        terms(self.row.more, self.language).map(|term| term.stem).collect()
    }

    /// Whether a question may lean without a word that shows it: where pronouns are left out, or are the
    /// articles too.
    pub(super) fn may_lean_unseen(&self) -> bool {
        !matches!(self.row.code, "de" | "en" | "fr" | "nl")
    }
}

fn entries(listed: &str) -> impl Iterator<Item = &str> {
    listed.split(", ").filter(|entry| !entry.is_empty())
}

fn begins_with(question: &str, openings: &str) -> bool {
    let lower = question.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    entries(openings).any(|opening| {
        let rest = lower.strip_prefix(opening);
        rest.is_some_and(|rest| opening.starts_with(is_unspaced) || !rest.starts_with(char::is_alphanumeric))
    })
}

const fn words(code: &'static str, [joints, openings, pronouns, more]: [&'static str; 4]) -> Row {
    Row { code, joints, openings, pronouns, more }
}

const ENGLISH: Row = words(
    "en",
    [
        "and, but, or, also, then",
        "what about, how about, what else, who else, where else, why not",
        "it, its, they, them, their, he, him, his, she, her, this, that, these, those, there, former, latter",
        "second, first, third, last, next, other, one, ones, detail, details, explain, example, mean, elaborate, \
         continue, reason, exactly, sure, please, tell, more, go, happen, summary, summarise, summarize",
    ],
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    words("ar", ["و, أو, لكن, ولكن, أيضا, أيضاً, ثم, إذن", "ماذا عن, وماذا عن, ماذا أيضا, من أيضا, لماذا لا", "هو, هي, هم, هما, هن, هذا, هذه, ذلك, تلك, هؤلاء, هناك, له, لها, لهم, منه, منها, فيه, فيها, عنه, عنها, به, بها", "المزيد, تفاصيل, اشرح, مثال, أمثلة, لخص, ملخص, تابع, بالضبط, الثاني, الأول, الثالث, الأخير, التالي, آخر, سبب"]),
    words("bg", ["а, и, но, или, също, тогава", "а какво за, какво ще кажете за, какво още, кой още, къде още, защо не", "той, тя, то, те, него, нея, тях, му, ѝ, им, негов, негова, неговият, нейният, техният, нейна, това, там", "повече, подробности, обясни, обяснете, пример, примери, обобщи, резюме, продължи, точно, втори, първи, трети, последен, следващ, друг, причина"]),
    words("bn", ["এবং, আর, কিন্তু, বা, তাহলে", "আর কী, আর কে, কেন নয়", "সে, তিনি, তার, তাকে, তাঁর, তারা, তাদের, এটি, এটা, এর, ওটা, সেটি, সেটা, সেখানে, এগুলি", "আরও, বিস্তারিত, ব্যাখ্যা, উদাহরণ, সারাংশ, সংক্ষেপে, ঠিক, দ্বিতীয়, প্রথম, তৃতীয়, শেষ, পরবর্তী, অন্য, কারণ"]),
    words("ca", ["i, però, o, també, llavors", "què passa amb, què hi ha de, què més, qui més, on més, per què no", "ell, ella, ells, elles, seu, seva, seus, seves, això, allò, allà", "més, detall, detalls, explica, explicar, exemple, exemples, resumeix, resum, continua, exactament, segon, primer, primera, tercer, últim, darrer, següent, altre, altra, raó"]),
    words("cs", ["a, ale, nebo, také, i, pak", "a co, co takhle, co ještě, kdo ještě, kde ještě, proč ne", "on, ona, ono, oni, ho, jeho, jej, její, jim, jejich, mu, tento, tato, toto, tohle, tam, něm, ní", "více, podrobnosti, vysvětli, vysvětlete, příklad, shrň, shrnutí, pokračuj, přesně, druhý, první, třetí, poslední, další, jiný, důvod"]),
    words("da", ["og, men, eller, også, så", "hvad med, hvad ellers, hvem ellers, hvor ellers, hvorfor ikke", "han, hun, ham, hende, hans, hendes, dem, deres, dens, dets, denne, dette, disse", "mere, detalje, detaljer, forklar, forklare, eksempel, eksempler, opsummer, resumé, fortsæt, præcis, anden, første, tredje, sidste, næste, andre, grund, sikker"]),
    words("de", ["und, aber, oder, auch, dann, also", "was ist mit, wie sieht es mit, wie steht es mit, was noch, wer noch, wo noch, warum nicht, wieso nicht", "er, sie, ihn, ihm, ihr, ihre, ihren, ihrer, ihrem, ihnen, seine, seinen, seiner, seinem, dessen, deren, dieser, diese, dieses, diesem, diesen, dort, davon, dazu, dafür, damit, daran, darüber", "mehr, genauer, erklären, erkläre, erläutern, erläutere, beispiel, beispiele, zusammenfassen, fasse, zusammen, weiter, bitte, details, einzelheiten, meinst, bedeutet, nächste, letzte, erste, zweite, dritte, andere, grund, genau, sicher, passiert"]),
    words("el", ["και, κι, αλλά, ή, επίσης, τότε", "τι γίνεται με, και τι, τι άλλο, ποιος άλλος, πού αλλού, γιατί όχι", "αυτός, αυτή, αυτό, αυτοί, αυτές, αυτά, αυτού, αυτής, αυτών, εκεί", "περισσότερα, λεπτομέρειες, εξήγησε, εξηγήστε, παράδειγμα, παραδείγματα, σύνοψη, συνέχισε, ακριβώς, δεύτερο, πρώτο, τρίτο, τελευταίο, επόμενο, άλλο, λόγος"]),
    words("es", ["y, e, pero, o, también, entonces", "qué tal, y qué, qué hay de, qué pasa con, qué más, quién más, dónde más, por qué no", "él, ella, ellos, ellas, ello, le, les, su, sus, esto, eso, aquello, éste, ésta, allí, ahí", "más, detalle, detalles, explica, explicar, explique, ejemplo, ejemplos, resume, resumir, resumen, continúa, continuar, exactamente, segundo, primero, primera, tercero, último, última, siguiente, otro, otra, otros, razón, seguro"]),
    words("fa", ["و, اما, ولی, یا, همچنین, پس, بعد", "و در مورد, دیگر چه, چرا نه", "او, آن, آنها, این, اینها, ایشان, وی, آنجا", "بیشتر, جزئیات, توضیح, بده, مثال, خلاصه, ادامه, دقیقا, دوم, اول, سوم, آخر, بعدی, دیگر, دلیل"]),
    words("fi", ["ja, mutta, tai, myös, sitten", "entä, mitä muuta, kuka muu, missä muualla, miksi ei, miksei", "hän, hänen, häntä, he, heidän, se, sen, sitä, siinä, siitä, sille, ne, niiden, niitä, tämä, tämän, nämä, siellä", "lisää, yksityiskohta, selitä, esimerkki, tiivistä, yhteenveto, jatka, tarkalleen, toinen, ensimmäinen, kolmas, viimeinen, seuraava, muu, syy, varma"]),
    words("fr", ["et, mais, ou, aussi, alors, puis, donc", "et pour, qu'en est-il, qu’en est-il, quoi d'autre, quoi d’autre, qui d'autre, qui d’autre, pourquoi pas", "il, elle, ils, elles, lui, leur, leurs, son, sa, ses, cela, ça, celui-ci, celle-ci, ceux-ci, celles-ci, est-il, est-elle, fut-il, fut-elle, était-il, était-elle, sont-ils, sont-elles, a-t-elle, ont-ils, ont-elles", "plus, détail, détails, expliquer, explique, expliquez, exemple, exemples, résumer, résume, résumez, résumé, continuer, continue, exactement, précisément, deuxième, premier, première, troisième, dernier, dernière, suivant, autre, autres, raison, sûr"]),
    words("he", ["אבל, או, גם, אז, ו", "מה לגבי, ומה לגבי, מה עם, ומה עם, מה עוד, מי עוד, למה לא", "הוא, היא, הם, הן, אותו, אותה, אותם, שלו, שלה, שלהם, לו, לה, להם, זה, זאת, זו, אלה, שם", "עוד, יותר, פרטים, הסבר, תסביר, דוגמה, דוגמאות, סכם, תסכם, סיכום, המשך, בדיוק, השני, הראשון, השלישי, האחרון, הבא, אחר, סיבה"]),
    words("hi", ["और, लेकिन, या, भी, फिर, तो", "और क्या, और कौन, क्यों नहीं", "वह, वे, यह, ये, उस, उसे, उसका, उसकी, उसके, उन्हें, उनका, उनकी, उनके, इस, इसे, इसका, इसकी, इसके, वहाँ, वहां", "अधिक, विवरण, विस्तार, समझाओ, समझाइए, उदाहरण, सारांश, संक्षेप, जारी, ठीक, दूसरा, पहला, तीसरा, आखिरी, अगला, अन्य, कारण"]),
    words("hr", ["a, i, ali, ili, također, onda", "a što je s, što je s, što još, tko još, gdje još, zašto ne", "on, ona, ono, oni, njega, nju, njih, mu, joj, im, njegov, njegova, njezin, njihov, ga, ju, ovo, tamo", "više, detalji, objasni, primjer, primjeri, sažmi, sažetak, nastavi, točno, drugi, prvi, treći, zadnji, posljednji, sljedeći, razlog"]),
    words("hu", ["és, de, vagy, akkor", "és mi a helyzet, mi a helyzet, mi van a, mi más, ki más, hol máshol, miért nem", "ő, ők, őt, őket, annak, azok, ez, ezt, ezek, ennek, neki, nekik, ott", "több, többet, részlet, részletek, magyarázd, magyarázza, példa, példák, foglald, összefoglalás, folytasd, pontosan, második, első, harmadik, utolsó, következő, másik, ok"]),
    words("id", ["dan, tetapi, tapi, atau, juga, lalu, kemudian", "bagaimana dengan, apa lagi, siapa lagi, di mana lagi, kenapa tidak, mengapa tidak", "dia, ia, mereka, itu, ini, tersebut, beliau, sana", "lebih, lanjut, detail, rincian, jelaskan, contoh, ringkas, rangkum, ringkasan, lanjutkan, tepatnya, kedua, pertama, ketiga, terakhir, berikutnya, lain, alasan"]),
    words("it", ["e, ed, ma, o, anche, allora, poi, quindi", "che ne è di, che dire di, cos'altro, cos’altro, chi altro, dove altro, perché no", "lui, lei, loro, esso, essa, essi, esse, suo, sua, suoi, sue, ciò, questo, quello, lì, gli", "più, dettaglio, dettagli, spiega, spiegare, esempio, esempi, riassumi, riassumere, riassunto, continua, esattamente, secondo, primo, prima, terzo, ultimo, ultima, prossimo, altro, altra, altri, ragione"]),
    words("ja", ["では, じゃあ, それで, そして, また, でも, しかし, あと", "では, じゃあ, ほかに, 他に", "それ, これ, 彼女, 彼ら, 彼, そこ, その, この, 同社, 同氏", "詳しく, 詳細, 説明, 例, 要約, まとめ, 続け, 正確, 二番目, 最初, 最後, 次, 他, 理由, もっと, 教えて"]),
    words("ko", ["그리고, 그럼, 그러면, 하지만, 그런데, 또, 또는", "그럼, 그러면", "그것, 그것은, 그것이, 그것을, 그, 그는, 그가, 그의, 그를, 그녀, 그녀는, 그녀가, 그녀의, 그들, 그들은, 그들의, 이것, 이것은, 이것이, 그곳, 그곳은, 거기, 거기에", "자세히, 상세히, 설명, 설명해, 예시, 예, 요약, 요약해, 정리, 계속, 정확히, 두번째, 첫번째, 마지막, 다음, 다른, 이유, 더"]),
    words("nb", ["og, men, eller, også, så", "hva med, hva ellers, hvem ellers, hvor ellers, hvorfor ikke", "han, hun, ham, henne, hans, hennes, dem, deres, dens, dets, denne, dette, disse", "mer, detalj, detaljer, forklar, forklare, eksempel, eksempler, oppsummer, sammendrag, fortsett, nøyaktig, andre, første, tredje, siste, neste, annen, grunn, sikker"]),
    words("nl", ["en, maar, of, ook, dan, dus", "hoe zit het met, hoe is het met, wat met, wat nog, wie nog, waar nog, waarom niet", "hij, zij, ze, hem, haar, hen, hun, deze, ervan, daarvan, daar, daarover, daarmee", "meer, detail, details, uitleg, uitleggen, leg, voorbeeld, voorbeelden, samenvatten, vat, samenvatting, verder, precies, tweede, eerste, derde, laatste, volgende, andere, reden, zeker"]),
    words("pl", ["a, i, ale, lub, albo, też, także, więc", "a co, co jeszcze, kto jeszcze, gdzie jeszcze, dlaczego nie, czemu nie", "on, ona, ono, oni, one, go, jego, jej, ją, im, ich, mu, nim, nią, nich, tam", "więcej, szczegół, szczegóły, wyjaśnij, przykład, przykłady, podsumuj, streść, podsumowanie, kontynuuj, dokładnie, drugi, pierwszy, trzeci, ostatni, następny, inny, powód, pewno"]),
    words("pt", ["e, mas, ou, também, então", "e quanto, que tal, o que mais, quem mais, onde mais, por que não", "ele, ela, eles, elas, dele, dela, deles, delas, nele, nela, seu, sua, seus, suas, lhe, lhes, isso, isto, aquilo, lá, ali", "mais, detalhe, detalhes, explique, explicar, exemplo, exemplos, resuma, resumir, resumo, continue, exatamente, segundo, primeiro, primeira, terceiro, último, última, próximo, outro, outra, outros, razão"]),
    words("ro", ["și, şi, dar, sau, iar, atunci", "ce zici de, dar despre, ce altceva, cine altcineva, de ce nu", "el, ea, ei, ele, lui, lor, acesta, aceasta, aceștia, acestea, acela, aceea, îl, îi, acolo, său, sa, săi, sale", "mai, mult, detalii, explică, exemplu, exemple, rezumă, rezumat, continuă, exact, doilea, primul, prima, ultimul, următorul, altul, motiv"]),
    words("ru", ["а, и, но, или, также, тогда, ещё, еще", "а что насчёт, а что насчет, что насчёт, что насчет, а как насчёт, что ещё, что еще, кто ещё, кто еще, где ещё, почему нет", "он, она, оно, они, его, её, ее, ему, ей, им, их, ним, ней, них, нём, нем, это, этого, там", "подробнее, подробности, больше, объясни, объясните, поясни, пример, примеры, резюмируй, обобщи, итог, продолжай, точно, второй, первый, третий, последний, следующий, другой, причина"]),
    words("sk", ["a, ale, alebo, tiež, aj, potom", "a čo, čo ešte, kto ešte, kde ešte, prečo nie", "on, ona, ono, oni, ho, jeho, jej, im, ich, mu, tento, táto, toto, tam, ňom, nej", "viac, podrobnosti, vysvetli, príklad, zhrň, zhrnutie, pokračuj, presne, druhý, prvý, tretí, posledný, ďalší, iný, dôvod"]),
    words("sv", ["och, men, eller, också, då, så", "vad sägs om, hur är det med, vad mer, vem mer, var mer, varför inte", "han, hon, honom, henne, hans, hennes, dem, deras, dess, denna, denne, detta, dessa", "mer, detalj, detaljer, förklara, exempel, sammanfatta, sammanfattning, fortsätt, exakt, andra, första, tredje, sista, nästa, annan, skäl, säker"]),
    words("th", ["และ, แล้ว, แต่, หรือ", "แล้ว, อะไรอีก, ใครอีก, ทำไมไม่", "มัน, พวกเขา, เธอ, เขา, ที่นั่น", "รายละเอียด, อธิบาย, ตัวอย่าง, สรุป, เพิ่มเติม"]),
    words("tr", ["ve, ama, veya, ayrıca, peki", "peki ya, ya, başka ne, başka kim, başka nerede", "o, onu, onun, ona, onlar, onların, onları, onda, bu, bunu, bunun, buna, bunlar, orada, şu", "daha, fazla, ayrıntı, ayrıntılar, detay, açıkla, açıklayın, örnek, örnekler, özetle, özet, devam, tam, olarak, ikinci, birinci, ilk, üçüncü, son, sonraki, diğer, sebep"]),
    words("uk", ["а, і, й, та, але, або, також, тоді", "а що щодо, що щодо, що ще, хто ще, де ще, чому ні", "він, вона, воно, вони, його, її, йому, їй, їм, їх, ним, нею, них, ньому, це, цього, там", "докладніше, більше, поясни, поясніть, приклад, приклади, підсумуй, підсумок, продовжуй, точно, другий, перший, третій, останній, наступний, інший, причина"]),
    words("ur", ["اور, لیکن, مگر, یا, بھی, پھر", "اور کیا, اور کون, کیوں نہیں", "وہ, یہ, اس, اسے, ان, انہیں, انہوں, وہاں", "مزید, تفصیل, وضاحت, مثال, خلاصہ, جاری, بالکل, دوسرا, پہلا, تیسرا, آخری, اگلا, دیگر, وجہ"]),
    words("vi", ["và, nhưng, hoặc, cũng, thì, vậy", "còn, thế còn, vậy còn, tại sao không", "nó, chúng, họ, ấy, đó, này", "thêm, chi, tiết, giải, thích, ví, dụ, tóm, tắt, tiếp, tục, chính, xác, thứ, hai, nhất, đầu, tiên, cuối, cùng, khác, lý, do"]),
    words("zh", ["那么, 那麼, 那, 而, 但是, 但, 还有, 還有, 以及, 和, 或", "那么, 那麼, 还有什么, 還有什麼, 还有谁, 還有誰, 为什么不, 為什麼不", "它们, 它們, 它, 他们, 他們, 他, 她, 这, 這, 那里, 那裡, 那儿", "详细, 詳細, 更多, 解释, 解釋, 说明, 說明, 例子, 举例, 舉例, 总结, 總結, 概括, 继续, 繼續, 具体, 具體, 第二, 第一, 第三, 最后, 最後, 下一, 其他, 原因"]),
];
