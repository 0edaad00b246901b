//! A program that sees the files of its image, its volume and an empty /tmp, and nothing else.

use crate::image::Image;
use anyhow::{Context as _, Result};
use std::{
    fmt,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

/// Where the volume of the services is.
const VOLUME: &str = "/var/lib/openassay";

/// Mounts the image read-only with the volume and /tmp in it, and goes inside. A program that is
/// started so has the process number of this script, so that signals reach it.
const INSIDE: &str = r#"
root=$1 data=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$data" "$root/var/lib/openassay"
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot $user "$root" "$@"
"#;

/// How a program is kept from seeing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// By name spaces that root makes: as the image's user, with a read-only root.
    Root,
    /// By name spaces that a user makes: with a read-only root, but as that user.
    User,
    /// By the loader's paths alone, where there are no name spaces.
    Loader,
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "in name spaces made by root, as the image's user",
            Self::User => "in name spaces made by a user, not as the image's user",
            Self::Loader => "by the loader's paths alone: no name spaces can be made here",
        })
    }
}

impl Confinement {
    /// The closest to a container that this machine has.
    pub(crate) fn of_this_machine() -> Self {
        let works = |confinement: &Self| {
            let Some(mut command) = confinement.unshare() else {
                return true;
            };
            let tried = command
                .args(["sh", "-c", "mount --bind /proc /proc"])
                .output();
            tried.is_ok_and(|output| output.status.success())
        };
        let known = [Self::Root, Self::User, Self::Loader];
        known.into_iter().find(works).unwrap_or(Self::Loader)
    }

    fn unshare(self) -> Option<Command> {
        let mut command = Command::new("unshare");
        match self {
            Self::Root => command.arg("--mount"),
            Self::User => command.args(["--mount", "--user", "--map-root-user"]),
            Self::Loader => return None,
        };
        Some(command)
    }

    /// An image's program with arguments.
    fn command(self, image: &Image, data: &Path, arguments: &[String]) -> Command {
        let Some(mut command) = self.unshare() else {
            return loader(image, data, arguments);
        };
        for folder in ["proc", "dev", "tmp", VOLUME] {
            std::fs::create_dir_all(image.outside(folder)).unwrap();
        }
        let user = match self {
            Self::Root => {
                let owned = Command::new("chown")
                    .arg("-R")
                    .arg(&image.user)
                    .arg(data)
                    .status();
                assert!(owned.unwrap().success());
                format!("--userspec={}", image.user)
            }
            _ => String::new(),
        };
        command
            .args(["sh", "-euc", INSIDE, "sh"])
            .arg(&image.root)
            .arg(data)
            .arg(user);
        // Whatever is not in the image's words is not in its environment.
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(image.variables.iter().map(|(name, value)| (name, value)));
        command.arg(&image.program).args(arguments);
        command
    }
}

/// The image's own loader, with no path but those of the image.
fn loader(image: &Image, data: &Path, arguments: &[String]) -> Command {
    let outside = |path: &str| image.outside(path).to_string_lossy().into_owned();
    let mut paths = vec![
        outside("/lib/x86_64-linux-gnu"),
        outside("/usr/lib/x86_64-linux-gnu"),
    ];
    let mut command = Command::new(image.outside("/lib64/ld-linux-x86-64.so.2"));
    command.env_clear();
    // The trainer sets it and starts itself anew, which here would start the loader.
    command.env("OMP_WAIT_POLICY", "passive");
    for (name, value) in &image.variables {
        match name.as_str() {
            "LD_LIBRARY_PATH" => paths.insert(0, outside(value)),
            _ => drop(command.env(name, outside(value))),
        }
    }
    command.args(["--inhibit-cache", "--library-path", &paths.join(":")]);
    command.arg(image.outside(&image.program)).current_dir(data);
    let volume = data.to_string_lossy();
    command.args(
        arguments
            .iter()
            .map(|argument| argument.replace(VOLUME, &volume)),
    );
    command
}

/// A running service. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) service: &'static str,
    pub(crate) url: String,
    process: Child,
}

/// A service that ended before it was ready.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Option<i32>,
    /// What it said.
    pub(crate) words: String,
}

impl Running {
    /// Starts an image's program and waits until it is ready.
    pub(crate) fn start(
        image: &Image,
        data: &Path,
        confinement: Confinement,
        arguments: &[String],
    ) -> Result<Self, Refused> {
        let mut command = confinement.command(image, data, arguments);
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = format!("assay-{} answers at ", image.service);
        let mut words = Vec::new();
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(url) = line.strip_prefix(&ready) {
                let url = url.to_owned();
                // A full pipe would stop it; what it says is seen when the test fails.
                thread::spawn(move || {
                    lines
                        .map_while(Result::ok)
                        .for_each(|line| eprintln!("{line}"))
                });
                return Ok(Self {
                    service: image.service,
                    url,
                    process,
                });
            }
            words.push(line);
        }
        Err(Refused {
            code: process.wait().unwrap().code(),
            words: words.join("\n"),
        })
    }

    /// SIGTERM, and the exit code that follows.
    pub(crate) fn terminate(mut self) -> Result<Option<i32>> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        anyhow::ensure!(sent?.success(), "the signal was not sent");
        Ok(self.process.wait().context("it does not end")?.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
