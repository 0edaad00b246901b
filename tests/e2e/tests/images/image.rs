//! An image as a folder, made of its Containerfile's words and its list of files.

use crate::libraries;
use assay_e2e::{checkout, tool};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// An image.
pub(crate) struct Image {
    pub(crate) service: &'static str,
    /// Its files.
    pub(crate) root: PathBuf,
    /// `ENTRYPOINT`, one program.
    pub(crate) program: String,
    /// `CMD`
    pub(crate) arguments: Vec<String>,
    /// `ENV`
    pub(crate) variables: Vec<(String, String)>,
    /// `USER`, both numbers.
    pub(crate) user: String,
}

impl Image {
    /// Puts an image together below a folder; `None` where set-up has not made what it holds.
    pub(crate) fn assemble(service: &'static str, folder: &Path) -> Option<Self> {
        let root = checkout::root().unwrap();
        let containers = root.join("deploy/containers");
        let text = fs::read_to_string(containers.join(service).join("Containerfile")).unwrap();
        let out = folder.join(service);
        let state = state();
        if ["libtorch/torch/lib/libtorch_cpu.so", "onnxruntime/LICENSE"]
            .iter()
            .any(|file| !state.join(file).is_file())
            || !has_bases(&state.join("bases"))
        {
            return None;
        }
        let program = format!("assay-{service}");
        let programs = tool::program(&program).unwrap();
        let assembled = Command::new(containers.join("assemble"))
            .arg(containers.join(service).join("files.txt"))
            .arg(programs.parent().unwrap())
            .arg(&state)
            .arg(&out)
            .output()
            .unwrap();
        assert!(assembled.status.success(), "{assembled:?}");
        let image = Self::read(service, out, &text);
        libraries::add_base(&image);
        Some(image)
    }

    /// What the last stages of a Containerfile say.
    fn read(service: &'static str, root: PathBuf, text: &str) -> Self {
        let text = text.replace("\\\n", " ");
        let flavours = ["\nFROM image AS cuda", "\nFROM image AS cpu"];
        let end = flavours.iter().filter_map(|start| text.find(start)).min();
        let text = &text[..end.unwrap_or(text.len())];
        let line = |word: &str| {
            let mut lines = text.lines().filter_map(|line| line.strip_prefix(word));
            lines.next().unwrap_or_default().to_owned()
        };
        let list = |line: String| -> Vec<String> { serde_json::from_str(&line).unwrap() };
        let mut entry = list(line("ENTRYPOINT "));
        assert_eq!(entry.len(), 1);
        let variables = line("ENV ");
        let variables = variables.split_whitespace().map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Self {
            service,
            root,
            program: entry.remove(0),
            arguments: list(line("CMD ")),
            variables: variables.collect(),
            user: line("USER "),
        }
    }

    /// A path of the image on the machine outside.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

/// What `cargo xtask setup` made: beside the bases that the tests are told of, or in the checkout.
fn state() -> PathBuf {
    let bases = env::var_os("OPENASSAY_BASES_DIR").map(PathBuf::from);
    let beside = bases.and_then(|bases| bases.parent().map(Path::to_path_buf));
    beside.unwrap_or_else(|| checkout::root().unwrap().join(".openassay"))
}

fn has_bases(folder: &Path) -> bool {
    let converted = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        path.extension().is_some_and(|end| end == "safetensors")
    };
    fs::read_dir(folder).is_ok_and(|mut entries| entries.any(converted))
}
