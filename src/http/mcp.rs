//! `/mcp`: the library as tools and resources of the Model Context Protocol, without sessions: each
//! request stands alone, and one whose asker leaves is stopped. The guard stands before this route
//! as before any other.

mod resources;
mod tools;

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, post_service};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::links::Site;
use crate::Error;
use crate::access::Caller;
use crate::app::App;

const INSTRUCTIONS: &str = "A library of the reader's own documents. `search` finds passages, `fetch` \
    reads one with what stands around it, or a whole document, and `ask` answers a question with \
    checked quotes. Cite what you use by its `url`.";

/// The one route. Streams that the server begins by itself are not offered.
pub(super) fn route(app: &Arc<App>) -> MethodRouter<Arc<App>> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_cancellation_token(app.stopping.clone())
        .with_max_request_body_bytes(app.config.server.max_body_bytes)
        // The guard has looked already, and knows where the server listens.
        .disable_allowed_hosts();
    let library = Library { app: Arc::clone(app) };
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(library.clone()), sessions, config);
    post_service(service).layer(middleware::map_response(as_text))
}

/// The transport's own refusals are words without a media type; nobody should have to guess it.
async fn as_text(mut response: Response) -> Response {
    if response.status().is_client_error() || response.status().is_server_error() {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().entry(header::CONTENT_TYPE).or_insert(plain);
    }
    response
}

/// What a client of the protocol talks to.
#[derive(Clone)]
struct Library {
    app: Arc<App>,
}

/// Who asks, and where they know this server.
struct Asker {
    caller: Caller,
    site: Site,
}

impl Asker {
    fn of(app: &App, context: &RequestContext<RoleServer>) -> Result<Self, ErrorData> {
        let parts = context.extensions.get::<Parts>();
        let asker = parts.and_then(|parts| {
            let caller = parts.extensions.get::<Caller>().cloned()?;
            Some(Self { caller, site: Site::of(app, &parts.headers, &parts.uri) })
        });
        asker.ok_or_else(|| ErrorData::invalid_request("the server does not know who asks", None))
    }
}

impl ServerHandler for Library {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_resources().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("ibid", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asker = Asker::of(&self.app, &context)?;
        let (name, arguments) = (request.name, request.arguments.unwrap_or_default());
        let outcome = match &*name {
            "search" => tools::search(&self.app, &asker, arguments).await,
            "fetch" => tools::fetch(&self.app, &asker, arguments).await,
            "list_documents" => tools::list_documents(&self.app, &asker, arguments).await,
            "ask" => tools::ask(&self.app, &asker, arguments, &context).await,
            _ => {
                let detail = format!("there is no tool `{name}`; `tools/list` tells which there are");
                return Err(ErrorData::invalid_params(detail, None));
            }
        };
        // A model can read what went wrong and try again.
        let result = outcome.map_or_else(
            |error| CallToolResult::error(vec![ContentBlock::text(told(&error))]),
            CallToolResult::structured,
        );
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        resources::list(&self.app, &Asker::of(&self.app, &context)?, cursor)
            .await
            .map_err(|error| refused(&error))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let asker = Asker::of(&self.app, &context)?;
        let read = resources::read(&self.app, &asker, &request.uri).await;
        read.map(Into::into).map_err(|error| refused(&error))
    }
}

fn refused(error: &Error) -> ErrorData {
    let detail = told(error);
    match error {
        Error::NotFound { .. } => ErrorData::resource_not_found(detail, None),
        Error::Invalid(_) => ErrorData::invalid_params(detail, None),
        _ => ErrorData::internal_error(detail, None),
    }
}

/// A failure in words for the client; a fault of ours also goes to the log.
fn told(error: &Error) -> String {
    if let Error::Internal(cause) = error {
        tracing::error!(%cause, "a request over MCP failed");
    }
    error.to_string()
}
