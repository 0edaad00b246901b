//! Encryption, tokens and roles against real processes: who may call what, who is turned away, whom
//! clients believe, and that no token is ever shown.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod handshake;
mod jobs;
mod matrix;
mod mutual;
mod separate;
mod strangers;
mod tls;
mod tool;

use assay_e2e::{
    server::Server,
    tokens::{self, FILE},
    tool as openassay,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};
use tempfile::TempDir;

/// Longer than anything takes here; only what hangs is ended by it.
const HANGS: Duration = Duration::from_secs(300);
/// Everyone's role.
const ROLES: [&str; 4] = ["instrument", "analyst", "operator", "worker"];
/// Where the audit log goes.
const AUDIT: &str = "audit.log";

/// A server that knows one principal for each role, and `bert`, another analyst.
struct Guarded {
    server: Server,
    tokens: BTreeMap<&'static str, String>,
    folder: TempDir,
}

impl Guarded {
    fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, more)
    }

    fn start_in(folder: TempDir, more: &[&str]) -> Self {
        let mut tokens = BTreeMap::new();
        for role in ROLES {
            let token = tokens::new(folder.path(), &format!("the-{role}"), role);
            tokens.insert(role, token.unwrap());
        }
        let bert = tokens::new(folder.path(), "bert", "analyst").unwrap();
        tokens.insert("bert", bert);
        let access = format!("access.tokens={FILE}");
        let audit = format!("access.audit_file={AUDIT}");
        let arguments = ["--set", &access, "--set", &audit];
        let arguments = [&arguments[..], more].concat();
        Self {
            server: Server::start(folder.path(), &arguments).unwrap(),
            tokens,
            folder,
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the tool as somebody.
    fn output_as(&self, who: &str, arguments: &[&str]) -> Output {
        let token = [("OPENASSAY_TOKEN", self.tokens[who].as_str())];
        self.output(&token, arguments)
    }

    /// Runs the tool with variables.
    fn output(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        Command::new(openassay::executable().unwrap())
            .args(arguments)
            .env("OPENASSAY_SERVER", &self.server.url)
            .envs(environment.iter().copied())
            .current_dir(self.folder())
            .output()
            .unwrap()
    }

    /// Runs the tool as somebody, and gives what it printed.
    fn run_as(&self, who: &str, arguments: &[&str]) -> String {
        succeeds(&self.output_as(who, arguments))
    }

    /// Ends the server in order: its log, and its audit log. Neither holds a token, or a part of
    /// one.
    fn end(self) -> (Vec<String>, Vec<serde_json::Value>) {
        self.server.ask_to_end().unwrap();
        let ended = self.server.ended(HANGS).unwrap();
        assert!(ended.status.success(), "{ended:?}");
        let audit = fs::read_to_string(self.folder.path().join(AUDIT)).unwrap();
        for token in self.tokens.values() {
            let secret = &token["openassay_".len()..][..16];
            assert!(!audit.contains(secret), "a token is in the audit log");
            let log = ended.log.iter();
            let shown: Vec<_> = log.filter(|line| line.contains(secret)).collect();
            assert!(shown.is_empty(), "a token is in the log: {shown:?}");
        }
        let records = audit.lines();
        let records = records.map(|line| serde_json::from_str(line).unwrap());
        (ended.log, records.collect())
    }
}

/// What a command printed that did what it was to do.
#[track_caller]
fn succeeds(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a command said that ended with this code.
#[track_caller]
fn fails(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

/// A key of the configuration with a path, for `--set`.
fn setting(key: &str, path: &Path) -> String {
    format!("{key}={}", path.display())
}

/// Waits for this, unless it hangs.
async fn unless_it_hangs<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, what).await.unwrap()
}

/// A path below a folder.
fn at(folder: &Path, name: &str) -> PathBuf {
    folder.join(name)
}
