//! The `[server]` table: what connections and requests may cost, and the certificate. Who may ask is
//! no matter of this.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The HTTP server, the `[server]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Largest body of a request that is not an upload, in bytes. Default: 1 MiB.
    pub max_body_bytes: usize,
    /// How long running answers may go on after a stop was asked for, in seconds. Default: 30.
    pub shutdown_grace_s: u64,
    /// Most connections at the same time. Default: as many as the limit on open files lets through,
    /// each with a call to a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<usize>,
    /// Most connections of one address (of IPv6, one network) at the same time. Default: 256, and
    /// no limit for this machine, whose connections may be those of a proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections_per_address: Option<usize>,
    /// How long a connection may take to become a request: to say anything, and then to end its
    /// headers, in seconds. Default: 10.
    pub head_timeout_s: u64,
    /// How long a connection stays open between requests, in seconds. Default: 75.
    pub idle_timeout_s: u64,
    /// Slowest body of a request, in bytes a second over `body_window_s`. Default: 1 KiB.
    pub min_body_rate: u64,
    /// How long a body may be slower than that, in seconds. Default: 30.
    pub body_window_s: u64,
    /// How long a connection may take nothing of what is waiting for it before it is cut, in
    /// seconds; a reader can come back and go on. Default: 30.
    pub stalled_reader_s: u64,
    /// Most bytes of the headers of one request. Default: 64 KiB.
    pub max_header_bytes: usize,
    /// The certificate to show, as a PEM file with its chain; without one there is no TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as a PEM file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
}

impl ServerConfig {
    /// What has to be 1 or more, and whether it is.
    pub(super) fn positive(&self) -> [(&'static str, bool); 7] {
        [
            ("server.max_connections", self.max_connections != Some(0)),
            ("server.max_connections_per_address", self.max_connections_per_address != Some(0)),
            ("server.head_timeout_s", self.head_timeout_s > 0),
            ("server.idle_timeout_s", self.idle_timeout_s > 0),
            ("server.min_body_rate", self.min_body_rate > 0),
            ("server.body_window_s", self.body_window_s > 0),
            ("server.stalled_reader_s", self.stalled_reader_s > 0),
        ]
    }

    /// What is a time, and its seconds.
    pub(super) fn times(&self) -> [(&'static str, u64); 5] {
        [
            ("server.head_timeout_s", self.head_timeout_s),
            ("server.idle_timeout_s", self.idle_timeout_s),
            ("server.body_window_s", self.body_window_s),
            ("server.stalled_reader_s", self.stalled_reader_s),
            ("server.shutdown_grace_s", self.shutdown_grace_s),
        ]
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            max_body_bytes: 1 << 20,
            shutdown_grace_s: 30,
            max_connections: None,
            max_connections_per_address: None,
            head_timeout_s: 10,
            idle_timeout_s: 75,
            min_body_rate: 1 << 10,
            body_window_s: 30,
            stalled_reader_s: 30,
            max_header_bytes: 64 << 10,
            tls_cert: None,
            tls_key: None,
        }
    }
}
