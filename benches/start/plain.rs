//! Plain tantivy behind a web server, in a process of its own: a passage a few sentences, two fields in
//! its `en_stem` analysis, searched through its query parser. It keeps no original, reads no format and
//! makes nothing durable before its one commit a call.

use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tantivy::collector::TopDocs;
use tantivy::query::QueryParser;
use tantivy::schema::{Field, STORED, STRING, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::{Index, IndexReader, IndexWriter, TantivyDocument, doc};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

use crate::beside::Beside;
use crate::support;

/// Where the process of this role has its index; no other process has it set.
pub(crate) const FOLDER: &str = "IBID_BENCH_PLAIN";
/// Passages a search finds.
pub(crate) const HITS: usize = 10;
/// Characters a passage has about.
const PASSAGE: usize = 1_000;
const HEAP_BYTES: usize = 64 << 20;

/// The process, ended with the bench.
pub(crate) struct Plain {
    process: Beside,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

#[derive(Serialize, Deserialize)]
struct Text {
    name: String,
    text: String,
}

#[derive(Deserialize)]
struct Asked {
    q: String,
}

impl Plain {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = Beside::start(FOLDER, folder.path().to_str().unwrap(), &[]);
        Self { process, client: support::client(), _folder: folder }
    }

    /// Adds texts and waits until they can be found.
    pub(crate) async fn add(&self, files: &[(String, Vec<u8>)]) {
        let texts: Vec<Text> = files
            .iter()
            .map(|(name, text)| Text { name: name.clone(), text: String::from_utf8(text.clone()).unwrap() })
            .collect();
        let sent =
            self.client.post(format!("{}/documents", self.process.url)).json(&texts).send().await.unwrap();
        sent.error_for_status().unwrap();
    }

    pub(crate) async fn search(&self, question: &str) -> Value {
        let request = self.client.get(format!("{}/search?q={question}", self.process.url));
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }
}

struct Library {
    writer: Mutex<IndexWriter>,
    reader: IndexReader,
    parser: QueryParser,
    name: Field,
    title: Field,
    body: Field,
}

/// Serves until the process ends.
pub(crate) fn serve() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let library = Arc::new(Library::open(Path::new(&folder)));
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind(std::env::args().nth(1).unwrap()).await.unwrap();
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| _ = stream.set_nodelay(true));
        let limit = axum::extract::DefaultBodyLimit::disable();
        let router = Router::new().route("/documents", post(add)).route("/search", get(search)).layer(limit);
        axum::serve(listener, router.with_state(library)).await.unwrap();
    });
}

async fn add(State(library): State<Arc<Library>>, Json(texts): Json<Vec<Text>>) {
    spawn_blocking(move || library.add(&texts)).await.unwrap();
}

async fn search(State(library): State<Arc<Library>>, Query(asked): Query<Asked>) -> Json<Value> {
    spawn_blocking(move || library.search(&asked.q).into()).await.unwrap()
}

impl Library {
    fn open(folder: &Path) -> Self {
        let mut schema = Schema::builder();
        let name = schema.add_text_field("name", STRING | STORED);
        let english = TextFieldIndexing::default().set_tokenizer("en_stem");
        let english = TextOptions::default().set_indexing_options(english);
        let title = schema.add_text_field("title", english.clone());
        let body = schema.add_text_field("body", english.set_stored());
        let index = Index::create_in_dir(folder, schema.build()).unwrap();
        let writer = Mutex::new(index.writer_with_num_threads(1, HEAP_BYTES).unwrap());
        let parser = QueryParser::for_index(&index, vec![title, body]);
        Self { writer, reader: index.reader().unwrap(), parser, name, title, body }
    }

    fn add(&self, texts: &[Text]) {
        let mut writer = self.writer.lock().unwrap();
        for Text { name, text } in texts {
            let title = text.lines().next().unwrap_or_default();
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let end = rest
                    .get(PASSAGE..)
                    .and_then(|after| after.find('\n'))
                    .map_or(rest.len(), |at| PASSAGE + at + 1);
                let passage = doc!(self.name => &**name, self.title => title, self.body => &rest[..end]);
                writer.add_document(passage).unwrap();
                rest = &rest[end..];
            }
        }
        writer.commit().unwrap();
        self.reader.reload().unwrap();
    }

    fn search(&self, question: &str) -> Value {
        let (searcher, (query, _)) = (self.reader.searcher(), self.parser.parse_query_lenient(question));
        let found = searcher.search(&query, &TopDocs::with_limit(HITS).order_by_score()).unwrap();
        let hits = found.into_iter().map(|(score, address)| {
            let passage = searcher.doc::<TantivyDocument>(address).unwrap();
            let text = |field| passage.get_first(field).and_then(|value| value.as_str()).unwrap_or_default();
            json!({"name": text(self.name), "text": text(self.body), "score": score})
        });
        json!({"hits": hits.collect::<Vec<Value>>()})
    }
}
