//! The Redis of jobs, started as the manifests start it: durable, closed to strangers, and kept
//! from forgetting.

use crate::{
    object::{list, text},
    yaml,
};
use assay_e2e::checkout;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const WORD: &str = "hunter2";

/// A running Redis. Dropped, it is killed.
struct Redis {
    process: Child,
    /// A path in the place of a port, which another program could take meanwhile.
    socket: PathBuf,
}

impl Redis {
    /// Starts one by a container's command, with its files in a folder; waits until it answers.
    fn start(command: &[&str], configuration: &str, folder: &Path) -> Self {
        let socket = folder.join("redis.sock");
        let listen = format!("port 0\nunixsocket {}", socket.display());
        let file = folder.join("redis.conf");
        let configuration = configuration
            .replace("port 6379", &listen)
            .replace("dir /data", &format!("dir {}", folder.display()));
        fs::write(&file, configuration).unwrap();
        let script = command.last().unwrap();
        let script = script.replace("/etc/redis/redis.conf", &file.to_string_lossy());
        let process = Command::new(command[0])
            .args(&command[1..command.len() - 1])
            .arg(script)
            .env("REDISCLI_AUTH", WORD)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut redis = Self { process, socket };
        while redis.ask(WORD, &["ping"]) != "PONG" {
            let ended = redis.process.try_wait().unwrap();
            assert!(ended.is_none(), "redis-server ended: {ended:?}");
        }
        redis
    }

    fn ask(&self, word: &str, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .arg("-s")
            .arg(&self.socket)
            .args(words)
            .env("REDISCLI_AUTH", word)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn setting(&self, name: &str) -> String {
        let answer = self.ask(WORD, &["config", "get", name]);
        answer.lines().nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The command of the first container of a workload.
fn command(objects: &[Value], kind: &str) -> Vec<String> {
    let workload = objects
        .iter()
        .find(|object| object["kind"] == kind)
        .unwrap();
    let containers = list(&workload["spec"]["template"]["spec"]["containers"]);
    let words = list(&containers[0]["command"]).iter();
    words.map(|word| text(word).to_owned()).collect()
}

#[test]
fn the_redis_of_jobs_forgets_nothing_and_that_of_features_may() {
    let test = "the_redis_of_jobs_forgets_nothing_and_that_of_features_may";
    if Command::new("redis-server")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!(
            "SKIPPED {test}: redis-server is not there (Debian: apt-get install redis-server)"
        );
        return;
    }
    let base = checkout::root().unwrap().join("deploy/kubernetes/base");
    for (name, kind, settings) in [
        (
            "redis-jobs",
            "StatefulSet",
            [
                ("appendonly", "yes"),
                ("appendfsync", "always"),
                ("maxmemory-policy", "noeviction"),
            ],
        ),
        (
            "redis-cache",
            "Deployment",
            [
                ("appendonly", "no"),
                ("save", ""),
                ("maxmemory-policy", "allkeys-lru"),
            ],
        ),
    ] {
        let file = format!("deploy/kubernetes/base/{name}.yaml");
        let Some(objects) = yaml::documents(test, &file, None) else {
            return;
        };
        let command = command(&objects, kind);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let configuration = fs::read_to_string(base.join(format!("config/{name}.conf"))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let redis = Redis::start(&command, &configuration, folder.path());
        for (key, value) in settings {
            assert_eq!(redis.setting(key), value, "{name} {key}");
        }
        assert_ne!(redis.setting("maxmemory"), "0", "{name} may grow for ever");
        let stranger = redis.ask("", &["get", "x"]);
        assert!(stranger.contains("NOAUTH"), "{name}: {stranger}");
        let listed = format!("/proc/{}/cmdline", redis.process.id());
        let listed = fs::read_to_string(listed).unwrap();
        assert!(listed.contains("redis-server"), "{listed}");
        assert!(!listed.contains(WORD), "{listed}");
        if name == "redis-jobs" {
            assert_eq!(redis.ask(WORD, &["set", "job", "1"]), "OK");
            let emptied = redis.ask(WORD, &["flushall"]);
            assert!(emptied.contains("unknown command"), "{emptied}");
            drop(redis);
            let again = Redis::start(&command, &configuration, folder.path());
            assert_eq!(again.ask(WORD, &["get", "job"]), "1");
        }
    }
}
