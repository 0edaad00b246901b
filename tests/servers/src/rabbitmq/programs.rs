//! Where RabbitMQ's programs are.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where packages put them. Debian's in the search path are wrappers that become the user
/// `rabbitmq` and work on the one broker of the machine; behind them are the real ones.
const FOLDERS: [&str; 4] = [
    "/usr/lib/rabbitmq/bin",
    "/opt/rabbitmq/sbin",
    "/usr/local/sbin",
    "/usr/sbin",
];

/// The two programs that start a broker and control it.
#[derive(Clone)]
pub(super) struct Programs {
    pub(super) server: PathBuf,
    pub(super) control: PathBuf,
}

impl Programs {
    /// Looks for them where packages put them and along the search path.
    pub(super) fn find() -> Option<Self> {
        folders().find_map(|folder| {
            let found = Self {
                server: folder.join("rabbitmq-server"),
                control: folder.join("rabbitmqctl"),
            };
            (found.server.is_file() && found.control.is_file()).then_some(found)
        })
    }
}

/// Says that a test cannot run here.
pub(super) fn skipped(test: &str) {
    eprintln!(
        "SKIPPED {test}: no rabbitmq-server is installed (Debian: apt-get install \
         rabbitmq-server), and {} names no broker",
        super::URL
    );
}

fn folders() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let along_path: Vec<PathBuf> = env::split_paths(&path).collect();
    let known = FOLDERS.iter().map(Path::new).map(Path::to_path_buf);
    known.chain(along_path)
}
