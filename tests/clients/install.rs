//! Clients from their registries, kept under the build folder: the second run finds them there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::Mutex;

/// How long an installation may take before its test is skipped.
const INSTALLING: Duration = Duration::from_secs(180);

/// A client that is there to be run.
pub(crate) struct Installed {
    /// What runs its scripts.
    pub(crate) interpreter: PathBuf,
    /// Where it is.
    pub(crate) folder: PathBuf,
}

/// What the scripts in Python import.
const PYTHON: [&str; 4] = ["openai>=2", "langchain-openai>=1", "mcp>=2.3", "openapi-spec-validator>=0.7"];

/// Packages of the Python index in an environment of their own.
pub(crate) async fn python() -> Option<Installed> {
    let folder = folder("python");
    let interpreter = folder.join("bin/python");
    let install = async {
        let environment = Command::new("python3").args(["-m", "venv"]).arg(&folder).finished().await?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        environment.then_some(())?;
        Command::new(&interpreter).args(pip).args(PYTHON).finished().await
    };
    once_there("python", &folder, install).await.then_some(Installed { interpreter, folder })
}

/// The package of the Node registry in a folder of its own.
pub(crate) async fn node() -> Option<Installed> {
    let folder = folder("node");
    let npm = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
    let mut command = Command::new("npm");
    let install = command.args(npm).arg(&folder).arg("openai").finished();
    once_there("node", &folder, install).await.then(|| Installed { interpreter: "node".into(), folder })
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Installs unless it was done before. A test that can't be run says so.
#[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
async fn once_there(name: &str, folder: &Path, install: impl Future<Output = Option<bool>>) -> bool {
    // Tests begin together; one installs and the others wait.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let done = folder.join("installed");
    if done.exists() {
        return true;
    }
    let installed = tokio::time::timeout(INSTALLING, install).await.ok().flatten().unwrap_or(false);
    if installed {
        std::fs::write(done, "").unwrap();
    } else {
        eprintln!("skipped: the clients for `{name}` can't be installed here");
    }
    installed
}

trait Finished {
    /// Whether the command ended well; nothing if it can't be started.
    async fn finished(&mut self) -> Option<bool>;
}

impl Finished for Command {
    async fn finished(&mut self) -> Option<bool> {
        self.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        Some(self.status().await.ok()?.success())
    }
}
