//! The way every command reaches the server: the one that already holds the data folder, else
//! the same server started in this process for as long as the command runs. No command knows which.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt as _;
use ibid::app::{App, OpenError};
use ibid::config::Config;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long to wait for a process that has the folder open but says no address yet.
const STARTING: Duration = Duration::from_secs(5);

/// A server to talk to.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    local: Option<Local>,
}

/// The server of this process.
struct Local {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<()>>,
}

/// What the server said when it did not do as asked.
#[derive(Debug, Error)]
#[error("{detail}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    pub(crate) retry_after: Option<Duration>,
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// Finds or starts the server of the configured data folder.
pub(crate) async fn connect(config: &Config) -> Result<Client> {
    let deadline = Instant::now() + STARTING;
    loop {
        match App::open(config.clone()).await {
            Ok(app) => return Client::in_process(app).await,
            Err(OpenError::InUse { url: Some(url) }) => {
                return Client::at(&url, ibid::app::operator(&config.data).as_deref());
            }
            Err(OpenError::InUse { url: None }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => {
                let folder = config.data.display();
                return Err(error).with_context(|| format!("can't use data folder `{folder}`"));
            }
        }
    }
}

impl Client {
    /// Talks to a server that runs elsewhere.
    pub(crate) fn at(url: &str, operator: Option<&str>) -> Result<Self> {
        // An address that stands for all of them is called by that of this machine.
        let here = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
        let base = Url::parse(&here).with_context(|| format!("`{url}` is not a server address"))?;
        // The server is on this machine: a proxy meant for the internet is no way to it.
        let mut shown = HeaderMap::new();
        if let Some(operator) = operator {
            let mut credential = HeaderValue::from_str(&format!("Bearer {operator}"))?;
            credential.set_sensitive(true);
            shown.insert(AUTHORIZATION, credential);
        }
        let http = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(5));
        // The folder's lock says whose address this is; a certificate names it as others call it.
        let http = http.tls_danger_accept_invalid_certs(true).default_headers(shown).build()?;
        Ok(Self { http, base, local: None })
    }

    async fn in_process(app: std::sync::Arc<App>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("can't open a local port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let operator = app.gate.operator().to_owned();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let shutdown = async {
                // A dropped sender means the command is gone, which is a reason to stop as well.
                let _ = stopped.await;
            };
            ibid::http::serve(app, listener, None, shutdown).await.context("the server failed")
        });
        Ok(Self { local: Some(Local { stop, task }), ..Self::at(&url, Some(&operator))? })
    }

    /// Ends the server if it is this process's own, after what it still has to write.
    pub(crate) async fn close(self) -> Result<()> {
        let Some(Local { stop, task }) = self.local else { return Ok(()) };
        // Idle kept-alive connections would hold up the server's end.
        drop(self.http);
        // The server may have ended by itself; the join tells how.
        let _ = stop.send(());
        task.await.context("the server ended abnormally")?
    }

    /// The address of `path`, with a query.
    pub(crate) fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// A request that is still to be filled and sent with [`Self::send`].
    pub(crate) fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request; an answer that is not a success is an error with the server's own words.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response> {
        let answer = request.send().await.context("can't reach the server")?;
        if answer.status().is_success() { Ok(answer) } else { Err(refusal(answer).await.into()) }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let answer = self.send(self.request(Method::GET, self.url(path, query))).await?;
        understood(answer).await
    }

    /// A body as the server wrote it, for those who want the JSON itself.
    pub(crate) async fn text(&self, path: &str, query: &[(&str, &str)]) -> Result<String> {
        let answer = self.send(self.request(Method::GET, self.url(path, query))).await?;
        answer.text().await.context("the connection broke off")
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.request(Method::POST, self.url(path, &[])).json(body);
        let request = request.header("idempotency-key", uuid::Uuid::new_v4().to_string());
        understood(self.send(request).await?).await
    }

    pub(crate) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.request(Method::PATCH, self.url(path, &[])).json(body);
        understood(self.send(request).await?).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.send(self.request(Method::DELETE, self.url(path, &[]))).await.map(drop)
    }

    /// The whole of a list, page by page.
    pub(crate) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        self.list_of(path, &[]).await
    }

    /// The whole of a list that is asked for in other words than its path, page by page.
    pub(crate) async fn list_of<T: DeserializeOwned>(
        &self,
        path: &str,
        wanted: &[(&str, &str)],
    ) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = vec![("limit", "100")];
            query.extend_from_slice(wanted);
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.get(path, &query).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) if cursor.as_ref() != Some(&next) => cursor = Some(next),
                Some(_) => bail!("the server repeats a page of {path}"),
                None => return Ok(items),
            }
        }
    }

    /// Copies a body to `out` as it arrives.
    pub(crate) async fn copy(
        &self,
        path: &str,
        query: &[(&str, &str)],
        out: &mut impl std::io::Write,
    ) -> Result<()> {
        let answer = self.send(self.request(Method::GET, self.url(path, query))).await?;
        let mut body = answer.bytes_stream();
        while let Some(piece) = body.try_next().await.context("the connection broke off")? {
            out.write_all(&piece)?;
        }
        Ok(())
    }
}

async fn understood<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let path = answer.url().path().to_owned();
    let body = answer.bytes().await.context("the connection broke off")?;
    serde_json::from_slice(&body).with_context(|| format!("can't understand the server's answer at {path}"))
}

/// Reads a problem document; a body that is none still gives a sentence.
pub(crate) async fn refusal(answer: Response) -> Refusal {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }

    let status = answer.status();
    let path = answer.url().path().to_owned();
    let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body = answer.bytes().await.unwrap_or_default();
    let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
    Refusal {
        status,
        detail: problem
            .detail
            .or(problem.title)
            .unwrap_or_else(|| format!("the server answered {status} at {path}")),
        retry_after: seconds.map(Duration::from_secs),
    }
}
