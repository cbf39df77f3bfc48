//! Placeholder: the signature the command line is written against.

use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use crate::app::App;

/// Serves until `shutdown` resolves, then ends gracefully.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router: Router = Router::new().with_state(app);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
