//! What a report says itself, beside the documents' sentences, in the reader's language.

use ibid_index::analysis::Language;

/// The words of one language.
pub(super) struct Words {
    code: &'static str,
    /// Over the summary.
    pub(super) in_short: &'static str,
    /// Over what only the question as a whole has found.
    pub(super) also_found: &'static str,
    /// Over the table of conflicts.
    pub(super) disagree: &'static str,
    /// Over its columns: a sentence, its value, its document.
    pub(super) columns: [&'static str; 3],
    /// Between values of which at most one is right.
    pub(super) or: &'static str,
    /// That no conflict was found.
    pub(super) agree: &'static str,
    /// Over the questions that nothing answers.
    pub(super) not_found: &'static str,
    /// Over those that were not looked into.
    pub(super) not_done: &'static str,
    /// Over what follows.
    pub(super) what_was_read: &'static str,
    pub(super) searched: &'static str,
    pub(super) cited: &'static str,
    unmatched: &'static str,
    pub(super) read: &'static str,
    pub(super) unread: &'static str,
    pages: &'static str,
    /// That the server stopped meanwhile.
    pub(super) resumed: &'static str,
}

impl Words {
    /// Those in which a question is asked; English where its language does not show.
    pub(super) fn of(question: &str) -> &'static Self {
        let code = Language::of_question(question).map_or("en", Language::code);
        ROWS.iter().find(|row| row.code == code).unwrap_or(&ENGLISH)
    }

    /// What did not come up among so many passages of any search.
    pub(super) fn unmatched(&self, best: usize) -> String {
        self.unmatched.replace("{}", &best.to_string())
    }

    /// Where in a document.
    pub(super) fn pages(&self, pages: &[u32]) -> String {
        let pages: Vec<String> = pages.iter().map(u32::to_string).collect();
        self.pages.replace("{}", &pages.join(", "))
    }
}

const fn said(
    code: &'static str,
    [in_short, also_found, disagree, sentence, value, document]: [&'static str; 6],
    [or, agree, not_found, not_done, resumed]: [&'static str; 5],
    [what_was_read, searched, read, cited, unread, unmatched, pages]: [&'static str; 7],
) -> Words {
    let columns = [sentence, value, document];
    Words {
        code,
        in_short,
        also_found,
        disagree,
        columns,
        or,
        agree,
        not_found,
        not_done,
        what_was_read,
        searched,
        cited,
        unmatched,
        read,
        unread,
        pages,
        resumed,
    }
}

#[rustfmt::skip]
const ENGLISH: Words = said("en", ["In short", "What else was found", "Where your documents disagree", "What it says", "Value", "Where"],
    ["or", "No two of the documents that were read were found to give different values for the same thing.", "Not found in your documents", "Not looked into, since the work ended before", "The server stopped during this work, which then went on from its last finished step."],
    ["What was read", "Documents searched", "Read in part", "Cited", "Found and not read", "Not among the best {} passages of any search", "p. {}"]);

#[rustfmt::skip]
const ROWS: &[Words] = &[
    said("ar", ["باختصار", "ما وُجد أيضًا", "مواضع الخلاف بين مستنداتك", "ما تقوله", "القيمة", "الموضع"],
        ["أو", "لم يُعثر بين المستندات المقروءة على مستندين يذكران قيمتين مختلفتين للشيء نفسه.", "لم يُعثر عليه في مستنداتك", "لم يُبحث لأن العمل انتهى قبله", "توقف الخادم أثناء هذا العمل، ثم استؤنف من آخر خطوة مكتملة."],
        ["ما قُرئ", "مستندات جرى البحث فيها", "قُرئت جزئيًا", "استُشهد بها", "وُجدت ولم تُقرأ", "ليست ضمن أفضل {} مقطعًا في أي بحث", "ص {}"]),
    said("bg", ["Накратко", "Какво още беше намерено", "Къде документите ви си противоречат", "Какво пише", "Стойност", "Къде"],
        ["или", "Сред прочетените документи няма два, които да дават различни стойности за едно и също нещо.", "Не е намерено в документите ви", "Не е разгледано, защото работата приключи преди това", "Сървърът спря по време на тази работа, която после продължи от последната завършена стъпка."],
        ["Какво беше прочетено", "Претърсени документи", "Прочетени частично", "Цитирани", "Намерени, но непрочетени", "Извън най-добрите {} откъса на всяко търсене", "с. {}"]),
    said("bn", ["সংক্ষেপে", "আর যা পাওয়া গেছে", "যেখানে আপনার নথিগুলি পরস্পরের সঙ্গে মেলে না", "যা বলা হয়েছে", "মান", "কোথায়"],
        ["বা", "পড়া নথিগুলির মধ্যে এমন দুটি পাওয়া যায়নি যা একই বিষয়ে ভিন্ন মান দেয়।", "আপনার নথিগুলিতে পাওয়া যায়নি", "দেখা হয়নি, কারণ কাজ আগেই শেষ হয়েছে", "এই কাজের মাঝে সার্ভার থেমে গিয়েছিল; পরে শেষ সম্পূর্ণ ধাপ থেকে কাজ আবার চলেছে।"],
        ["যা পড়া হয়েছে", "অনুসন্ধান করা নথি", "আংশিক পড়া", "উদ্ধৃত", "পাওয়া গেছে, কিন্তু পড়া হয়নি", "কোনো অনুসন্ধানেই সেরা {}টি অংশের মধ্যে নেই", "পৃ. {}"]),
    said("ca", ["En resum", "Què més s'ha trobat", "On els vostres documents no coincideixen", "Què diu", "Valor", "On"],
        ["o", "Entre els documents llegits no se n'han trobat dos que donin valors diferents per a la mateixa cosa.", "No trobat als vostres documents", "No examinat, perquè la feina va acabar abans", "El servidor es va aturar durant aquesta feina, que després va continuar des de l'últim pas acabat."],
        ["Què s'ha llegit", "Documents cercats", "Llegits en part", "Citats", "Trobats però no llegits", "Fora dels {} millors passatges de cada cerca", "p. {}"]),
    said("cs", ["Stručně", "Co dalšího bylo nalezeno", "Kde si vaše dokumenty odporují", "Co se uvádí", "Hodnota", "Kde"],
        ["nebo", "Mezi přečtenými dokumenty se nenašly dva, které by pro totéž uváděly různé hodnoty.", "Nenalezeno ve vašich dokumentech", "Nezkoumáno, protože práce skončila dříve", "Server se během této práce zastavil; práce pak pokračovala od posledního dokončeného kroku."],
        ["Co bylo přečteno", "Prohledané dokumenty", "Částečně přečtené", "Citované", "Nalezené, ale nepřečtené", "Mimo {} nejlepších úryvků každého hledání", "s. {}"]),
    said("da", ["Kort sagt", "Hvad der ellers blev fundet", "Hvor dine dokumenter er uenige", "Hvad der står", "Værdi", "Hvor"],
        ["eller", "Blandt de læste dokumenter blev der ikke fundet to, som angiver forskellige værdier for det samme.", "Ikke fundet i dine dokumenter", "Ikke undersøgt, da arbejdet sluttede forinden", "Serveren stoppede under dette arbejde, som derefter fortsatte fra det sidste afsluttede trin."],
        ["Hvad der blev læst", "Gennemsøgte dokumenter", "Delvist læst", "Citerede", "Fundet, men ikke læst", "Ikke blandt de {} bedste passager i nogen søgning", "s. {}"]),
    said("de", ["Kurz gesagt", "Was sonst gefunden wurde", "Wo Ihre Dokumente einander widersprechen", "Aussage", "Wert", "Fundstelle"],
        ["oder", "In den gelesenen Dokumenten fanden sich keine zwei, die für dieselbe Sache verschiedene Werte angeben.", "In Ihren Dokumenten nicht gefunden", "Nicht untersucht, weil die Arbeit vorher endete", "Der Server hielt während dieser Arbeit an; sie ging danach vom letzten abgeschlossenen Schritt aus weiter."],
        ["Was gelesen wurde", "Durchsuchte Dokumente", "In Teilen gelesen", "Zitiert", "Gefunden, aber nicht gelesen", "Bei keiner Suche unter den besten {} Textstellen", "S. {}"]),
    said("el", ["Εν συντομία", "Τι άλλο βρέθηκε", "Πού διαφωνούν τα έγγραφά σας", "Τι λέει", "Τιμή", "Πού"],
        ["ή", "Ανάμεσα στα έγγραφα που διαβάστηκαν δεν βρέθηκαν δύο που να δίνουν διαφορετικές τιμές για το ίδιο πράγμα.", "Δεν βρέθηκε στα έγγραφά σας", "Δεν εξετάστηκε, επειδή η εργασία τελείωσε νωρίτερα", "Ο διακομιστής σταμάτησε κατά την εργασία αυτή, η οποία συνεχίστηκε από το τελευταίο ολοκληρωμένο βήμα."],
        ["Τι διαβάστηκε", "Έγγραφα στα οποία έγινε αναζήτηση", "Διαβάστηκαν εν μέρει", "Παρατίθενται", "Βρέθηκαν αλλά δεν διαβάστηκαν", "Εκτός των {} καλύτερων αποσπασμάτων κάθε αναζήτησης", "σ. {}"]),
    said("es", ["En resumen", "Qué más se encontró", "Dónde discrepan sus documentos", "Qué dice", "Valor", "Dónde"],
        ["o", "Entre los documentos leídos no se encontraron dos que den valores distintos para lo mismo.", "No encontrado en sus documentos", "No examinado, porque el trabajo terminó antes", "El servidor se detuvo durante este trabajo, que después siguió desde el último paso terminado."],
        ["Qué se leyó", "Documentos consultados", "Leídos en parte", "Citados", "Encontrados, pero no leídos", "Fuera de los {} mejores pasajes de cada búsqueda", "p. {}"]),
    said("fa", ["به\u{200c}طور خلاصه", "چه چیز دیگری یافت شد", "جاهایی که اسناد شما با هم نمی\u{200c}خوانند", "آنچه گفته شده", "مقدار", "کجا"],
        ["یا", "در میان اسناد خوانده\u{200c}شده دو سندی که برای یک چیز مقدارهای متفاوت بدهند یافت نشد.", "در اسناد شما یافت نشد", "بررسی نشد، چون کار پیش از آن پایان یافت", "سرور در میانهٔ این کار متوقف شد و کار سپس از آخرین گام تمام\u{200c}شده ادامه یافت."],
        ["آنچه خوانده شد", "اسناد جست\u{200c}وجوشده", "تا اندازه\u{200c}ای خوانده\u{200c}شده", "نقل\u{200c}شده", "یافته\u{200c}شده ولی خوانده\u{200c}نشده", "در هیچ جست\u{200c}وجویی میان {} قطعهٔ برتر نبود", "ص {}"]),
    said("fi", ["Lyhyesti", "Mitä muuta löytyi", "Missä asiakirjasi ovat ristiriidassa", "Mitä sanotaan", "Arvo", "Missä"],
        ["vai", "Luetuista asiakirjoista ei löytynyt kahta, jotka antaisivat samalle asialle eri arvot.", "Ei löytynyt asiakirjoistasi", "Jäi tutkimatta, koska työ päättyi ennen sitä", "Palvelin pysähtyi tämän työn aikana; työ jatkui sitten viimeisestä valmiista vaiheesta."],
        ["Mitä luettiin", "Asiakirjat, joista haettiin", "Osittain luetut", "Lainatut", "Löydetyt mutta lukematta jääneet", "Ei minkään haun {} parhaan kohdan joukossa", "s. {}"]),
    said("fr", ["En bref", "Ce qui a encore été trouvé", "Là où vos documents se contredisent", "Ce qui est dit", "Valeur", "Où"],
        ["ou", "Parmi les documents lus, il ne s'en est pas trouvé deux qui donnent des valeurs différentes pour la même chose.", "Non trouvé dans vos documents", "Non examiné, le travail ayant pris fin avant", "Le serveur s'est arrêté pendant ce travail, qui a repris à partir de la dernière étape achevée."],
        ["Ce qui a été lu", "Documents interrogés", "Lus en partie", "Cités", "Trouvés mais non lus", "Absents des {} meilleurs passages de chaque recherche", "p. {}"]),
    said("he", ["בקצרה", "מה עוד נמצא", "היכן המסמכים שלך חלוקים", "מה נאמר", "ערך", "היכן"],
        ["או", "בין המסמכים שנקראו לא נמצאו שניים שנותנים ערכים שונים לאותו דבר.", "לא נמצא במסמכים שלך", "לא נבדק, כי העבודה הסתיימה קודם", "השרת נעצר במהלך העבודה הזאת, והיא המשיכה מהשלב האחרון שהושלם."],
        ["מה נקרא", "מסמכים שנערך בהם חיפוש", "נקראו בחלקם", "צוטטו", "נמצאו ולא נקראו", "לא בין {} הקטעים הטובים של אף חיפוש", "עמ׳ {}"]),
    said("hi", ["संक्षेप में", "और क्या मिला", "जहाँ आपके दस्तावेज़ मेल नहीं खाते", "क्या कहा गया है", "मान", "कहाँ"],
        ["या", "पढ़े गए दस्तावेज़ों में ऐसे कोई दो नहीं मिले जो एक ही बात के लिए अलग मान देते हों।", "आपके दस्तावेज़ों में नहीं मिला", "नहीं देखा गया, क्योंकि काम पहले ही समाप्त हो गया", "इस काम के दौरान सर्वर रुक गया था; फिर काम अंतिम पूरे हुए चरण से आगे बढ़ा।"],
        ["क्या पढ़ा गया", "खोजे गए दस्तावेज़", "आंशिक रूप से पढ़े गए", "उद्धृत", "मिले, पर पढ़े नहीं गए", "किसी खोज के सर्वोत्तम {} अंशों में नहीं", "पृ. {}"]),
    said("hr", ["Ukratko", "Što je još pronađeno", "Gdje se vaši dokumenti ne slažu", "Što piše", "Vrijednost", "Gdje"],
        ["ili", "Među pročitanim dokumentima nisu nađena dva koja za istu stvar navode različite vrijednosti.", "Nije pronađeno u vašim dokumentima", "Nije istraženo jer je rad završio prije toga", "Poslužitelj se zaustavio tijekom ovog rada, koji je zatim nastavljen od posljednjeg dovršenog koraka."],
        ["Što je pročitano", "Pretraženi dokumenti", "Djelomično pročitani", "Citirani", "Pronađeni, ali nepročitani", "Izvan {} najboljih odlomaka svake pretrage", "str. {}"]),
    said("hu", ["Röviden", "Ami még előkerült", "Ahol a dokumentumai ellentmondanak egymásnak", "Mit állít", "Érték", "Hol"],
        ["vagy", "Az elolvasott dokumentumok között nem volt két olyan, amely ugyanarra eltérő értéket ad.", "Nem található a dokumentumaiban", "Nem vizsgált, mert a munka előbb véget ért", "A kiszolgáló leállt e munka közben, amely aztán az utolsó befejezett lépéstől folytatódott."],
        ["Amit elolvastunk", "Átkeresett dokumentumok", "Részben elolvasott", "Idézett", "Megtalált, de el nem olvasott", "Egyik keresés legjobb {} részlete között sem szerepel", "{}. o."]),
    said("id", ["Singkatnya", "Apa lagi yang ditemukan", "Di mana dokumen Anda berbeda", "Apa yang dikatakan", "Nilai", "Di mana"],
        ["atau", "Di antara dokumen yang dibaca tidak ditemukan dua yang memberi nilai berbeda untuk hal yang sama.", "Tidak ditemukan dalam dokumen Anda", "Belum diperiksa karena pekerjaan berakhir lebih dulu", "Server berhenti selama pekerjaan ini, yang lalu dilanjutkan dari langkah terakhir yang selesai."],
        ["Apa yang dibaca", "Dokumen yang ditelusuri", "Dibaca sebagian", "Dikutip", "Ditemukan tetapi tidak dibaca", "Tidak termasuk {} kutipan terbaik dari pencarian mana pun", "hlm. {}"]),
    said("it", ["In breve", "Che cos'altro è stato trovato", "Dove i tuoi documenti non concordano", "Che cosa dice", "Valore", "Dove"],
        ["o", "Tra i documenti letti non se ne sono trovati due che diano valori diversi per la stessa cosa.", "Non trovato nei tuoi documenti", "Non esaminato, perché il lavoro è finito prima", "Il server si è fermato durante questo lavoro, che è poi ripreso dall'ultimo passo concluso."],
        ["Che cosa è stato letto", "Documenti esplorati", "Letti in parte", "Citati", "Trovati ma non letti", "Fuori dai {} migliori passaggi di ogni ricerca", "p. {}"]),
    said("ja", ["要約", "ほかに見つかったこと", "文書の間で食い違う点", "記述", "値", "出典"],
        ["それとも", "読んだ文書の中に、同じことについて異なる値を示すものは見つかりませんでした。", "文書の中に見つからなかったこと", "先に作業が終わったため調べていないこと", "この作業の途中でサーバーが停止し、最後に完了した段階から再開しました。"],
        ["読んだもの", "検索した文書", "一部を読んだ文書", "引用した文書", "見つかったが読んでいない文書", "どの検索でも上位 {} 箇所に入らなかった文書", "{} ページ"]),
    said("ko", ["요약", "그 밖에 찾은 것", "문서들이 서로 다른 곳", "내용", "값", "위치"],
        ["또는", "읽은 문서 가운데 같은 것에 대해 서로 다른 값을 제시하는 문서는 찾지 못했습니다.", "문서에서 찾지 못한 것", "먼저 작업이 끝나 살펴보지 못한 것", "이 작업 중에 서버가 멈췄고, 마지막으로 끝난 단계부터 이어졌습니다."],
        ["읽은 것", "검색한 문서", "일부를 읽은 문서", "인용한 문서", "찾았으나 읽지 않은 문서", "어느 검색에서도 상위 {}개 구절에 들지 않은 문서", "{}쪽"]),
    said("nb", ["Kort sagt", "Hva som ellers ble funnet", "Hvor dokumentene dine er uenige", "Hva som står", "Verdi", "Hvor"],
        ["eller", "Blant dokumentene som ble lest, ble det ikke funnet to som oppgir ulike verdier for det samme.", "Ikke funnet i dokumentene dine", "Ikke undersøkt, siden arbeidet sluttet før", "Serveren stoppet under dette arbeidet, som så fortsatte fra det siste fullførte trinnet."],
        ["Hva som ble lest", "Gjennomsøkte dokumenter", "Delvis lest", "Siterte", "Funnet, men ikke lest", "Ikke blant de {} beste avsnittene i noe søk", "s. {}"]),
    said("nl", ["Kort gezegd", "Wat er nog meer is gevonden", "Waar uw documenten elkaar tegenspreken", "Wat er staat", "Waarde", "Waar"],
        ["of", "Onder de gelezen documenten zijn er geen twee gevonden die voor hetzelfde verschillende waarden geven.", "Niet gevonden in uw documenten", "Niet onderzocht, omdat het werk eerder eindigde", "De server stopte tijdens dit werk, dat daarna verderging vanaf de laatste voltooide stap."],
        ["Wat er is gelezen", "Doorzochte documenten", "Deels gelezen", "Geciteerd", "Gevonden maar niet gelezen", "Niet bij de beste {} passages van enige zoekopdracht", "p. {}"]),
    said("pl", ["W skrócie", "Co jeszcze znaleziono", "Gdzie Twoje dokumenty są rozbieżne", "Co podano", "Wartość", "Gdzie"],
        ["czy", "Wśród przeczytanych dokumentów nie znaleziono dwóch, które dla tej samej rzeczy podają różne wartości.", "Nie znaleziono w Twoich dokumentach", "Nie zbadano, ponieważ praca zakończyła się wcześniej", "Serwer zatrzymał się podczas tej pracy, która została potem podjęta od ostatniego ukończonego kroku."],
        ["Co przeczytano", "Przeszukane dokumenty", "Przeczytane częściowo", "Cytowane", "Znalezione, lecz nieprzeczytane", "Poza {} najlepszymi fragmentami każdego wyszukiwania", "s. {}"]),
    said("pt", ["Em resumo", "O que mais foi encontrado", "Onde os seus documentos divergem", "O que diz", "Valor", "Onde"],
        ["ou", "Entre os documentos lidos não foram encontrados dois que deem valores diferentes para a mesma coisa.", "Não encontrado nos seus documentos", "Não examinado, porque o trabalho terminou antes", "O servidor parou durante este trabalho, que depois continuou a partir do último passo concluído."],
        ["O que foi lido", "Documentos pesquisados", "Lidos em parte", "Citados", "Encontrados, mas não lidos", "Fora dos {} melhores trechos de cada busca", "p. {}"]),
    said("ro", ["Pe scurt", "Ce s-a mai găsit", "Unde documentele dumneavoastră se contrazic", "Ce spune", "Valoare", "Unde"],
        ["sau", "Printre documentele citite nu s-au găsit două care să dea valori diferite pentru același lucru.", "Negăsit în documentele dumneavoastră", "Neexaminat, deoarece lucrul s-a încheiat înainte", "Serverul s-a oprit în timpul acestei lucrări, care a continuat apoi de la ultimul pas încheiat."],
        ["Ce s-a citit", "Documente căutate", "Citite parțial", "Citate", "Găsite, dar necitite", "În afara celor mai bune {} pasaje ale fiecărei căutări", "p. {}"]),
    said("ru", ["Кратко", "Что ещё найдено", "Где ваши документы расходятся", "Что сказано", "Значение", "Где"],
        ["или", "Среди прочитанных документов не нашлось двух, которые давали бы разные значения для одного и того же.", "Не найдено в ваших документах", "Не рассмотрено, так как работа закончилась раньше", "Сервер остановился во время этой работы, которая затем продолжилась с последнего завершённого шага."],
        ["Что было прочитано", "Документы, в которых шёл поиск", "Прочитаны частично", "Процитированы", "Найдены, но не прочитаны", "Вне {} лучших отрывков каждого поиска", "с. {}"]),
    said("sk", ["Stručne", "Čo sa ešte našlo", "Kde si vaše dokumenty odporujú", "Čo sa uvádza", "Hodnota", "Kde"],
        ["alebo", "Medzi prečítanými dokumentmi sa nenašli dva, ktoré by pre to isté uvádzali rôzne hodnoty.", "Nenašlo sa vo vašich dokumentoch", "Neskúmané, pretože práca sa skončila skôr", "Server sa počas tejto práce zastavil; práca potom pokračovala od posledného dokončeného kroku."],
        ["Čo sa prečítalo", "Prehľadané dokumenty", "Čiastočne prečítané", "Citované", "Nájdené, ale neprečítané", "Mimo {} najlepších úryvkov každého hľadania", "s. {}"]),
    said("sv", ["I korthet", "Vad mer som hittades", "Där dina dokument är oense", "Vad som sägs", "Värde", "Var"],
        ["eller", "Bland de lästa dokumenten hittades inte två som anger olika värden för samma sak.", "Hittades inte i dina dokument", "Inte undersökt, eftersom arbetet slutade dessförinnan", "Servern stannade under detta arbete, som sedan fortsatte från det senast avslutade steget."],
        ["Vad som lästes", "Genomsökta dokument", "Delvis lästa", "Citerade", "Hittade men inte lästa", "Inte bland de {} bästa avsnitten i någon sökning", "s. {}"]),
    said("th", ["โดยสรุป", "สิ่งอื่นที่พบ", "จุดที่เอกสารของคุณไม่ตรงกัน", "ข้อความ", "ค่า", "ที่มา"],
        ["หรือ", "ไม่พบเอกสารสองฉบับใดที่อ่านแล้วให้ค่าต่างกันสำหรับสิ่งเดียวกัน", "ไม่พบในเอกสารของคุณ", "ยังไม่ได้ตรวจดู เพราะงานสิ้นสุดก่อน", "เซิร์ฟเวอร์หยุดระหว่างงานนี้ แล้วงานดำเนินต่อจากขั้นตอนสุดท้ายที่เสร็จแล้ว"],
        ["สิ่งที่อ่าน", "เอกสารที่ค้นหา", "อ่านบางส่วน", "อ้างอิง", "พบแต่ไม่ได้อ่าน", "ไม่อยู่ใน {} ข้อความที่ดีที่สุดของการค้นหาใด", "หน้า {}"]),
    said("tr", ["Kısaca", "Başka neler bulundu", "Belgelerinizin çeliştiği yerler", "Ne diyor", "Değer", "Nerede"],
        ["ya da", "Okunan belgeler arasında aynı şey için farklı değer veren iki belge bulunmadı.", "Belgelerinizde bulunamadı", "İş daha önce bittiği için bakılmadı", "Sunucu bu iş sırasında durdu; iş sonra tamamlanan son adımdan sürdü."],
        ["Neler okundu", "Aranan belgeler", "Kısmen okunan", "Alıntılanan", "Bulunan ama okunmayan", "Hiçbir aramanın en iyi {} pasajı arasında olmayan", "s. {}"]),
    said("uk", ["Коротко", "Що ще знайдено", "Де ваші документи розходяться", "Що сказано", "Значення", "Де"],
        ["чи", "Серед прочитаних документів не знайшлося двох, які давали б різні значення для того самого.", "Не знайдено у ваших документах", "Не розглянуто, бо робота закінчилася раніше", "Сервер зупинився під час цієї роботи, яка потім тривала від останнього завершеного кроку."],
        ["Що було прочитано", "Документи, у яких шукали", "Прочитано частково", "Процитовано", "Знайдено, але не прочитано", "Поза {} найкращими уривками кожного пошуку", "с. {}"]),
    said("ur", ["مختصراً", "اور کیا ملا", "جہاں آپ کی دستاویزات میں اختلاف ہے", "کیا کہا گیا", "قدر", "کہاں"],
        ["یا", "پڑھی گئی دستاویزات میں ایسی کوئی دو نہیں ملیں جو ایک ہی چیز کے لیے مختلف قدریں دیتی ہوں۔", "آپ کی دستاویزات میں نہیں ملا", "نہیں دیکھا گیا، کیونکہ کام پہلے ختم ہو گیا", "اس کام کے دوران سرور رک گیا تھا؛ پھر کام آخری مکمل قدم سے آگے بڑھا۔"],
        ["کیا پڑھا گیا", "تلاش کی گئی دستاویزات", "جزوی طور پر پڑھی گئی", "حوالہ دی گئی", "ملیں مگر پڑھی نہیں گئیں", "کسی تلاش کے بہترین {} اقتباسات میں شامل نہیں", "ص {}"]),
    said("vi", ["Tóm tắt", "Những gì khác được tìm thấy", "Chỗ các tài liệu của bạn không khớp nhau", "Nội dung", "Giá trị", "Ở đâu"],
        ["hay", "Trong các tài liệu đã đọc không thấy hai tài liệu nào đưa ra giá trị khác nhau cho cùng một điều.", "Không tìm thấy trong tài liệu của bạn", "Chưa xem xét vì công việc kết thúc trước đó", "Máy chủ đã dừng trong khi làm việc này; công việc sau đó tiếp tục từ bước cuối cùng đã xong."],
        ["Những gì đã đọc", "Tài liệu đã tìm", "Đã đọc một phần", "Được trích dẫn", "Tìm thấy nhưng chưa đọc", "Không nằm trong {} đoạn tốt nhất của lần tìm nào", "tr. {}"]),
    said("zh", ["概要", "其他发现", "文件不一致之处", "内容", "数值", "出处"],
        ["或", "在读过的文件中，没有发现对同一事物给出不同数值的文件。", "文件中未找到", "因工作提前结束而未查", "工作期间服务器曾停止，之后从最后完成的步骤继续。"],
        ["读了什么", "搜索的文件", "部分读过的文件", "引用的文件", "找到但未读的文件", "未进入任何搜索前 {} 段的文件", "第 {} 页"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_speaks_the_language_of_its_question() {
        for (question, what_was_read) in [
            ("Wie hoch ist der Turm und wer hat ihn gebaut?", "Was gelesen wurde"),
            ("Quelle est la hauteur de la tour et qui l'a construite ?", "Ce qui a été lu"),
            ("How high is the tower, and who built it?", "What was read"),
            ("塔有多高，是谁建的？", "读了什么"),
            ("Halden 1953", "What was read"),
        ] {
            assert_eq!(Words::of(question).what_was_read, what_was_read, "{question}");
        }
        assert_eq!(Words::of("Wie hoch ist der Turm?").pages(&[1, 12]), "S. 1, 12");
        assert_eq!(Words::of("").unmatched(50), "Not among the best 50 passages of any search");
    }

    #[test]
    fn no_language_lacks_a_place_for_a_number() {
        let mut codes: Vec<_> = ROWS.iter().map(|row| row.code).collect();
        codes.dedup();
        assert_eq!(codes.len(), ROWS.len());
        for row in ROWS.iter().chain([&ENGLISH]) {
            assert!(Language::from_code(row.code).is_some(), "{}", row.code);
            assert!(row.unmatched.matches("{}").count() == 1 && row.pages.matches("{}").count() == 1);
        }
    }
}
