//! A process that ibid is measured beside: the bench's own program in another role.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support;

/// The process, ended with the bench.
pub(crate) struct Beside {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Beside {
    /// Starts this program with a variable that tells it its role, and a free address before the other
    /// arguments; waits until it listens there.
    pub(crate) fn start(variable: &str, role: &str, arguments: &[&str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let child = Command::new(std::env::current_exe().unwrap())
            .env(variable, role)
            .arg(address.to_string())
            .args(arguments)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < support::PATIENCE, "{role} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, url: format!("http://{address}") }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
