//! The main job from end to end, through the same command lines that a user would type.

use crate::{
    bases, checkout::Checkout, command, compile, demo_data, setup, wheel_cache::remove_folder,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

/// Options of `cargo xtask demo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Folder of spectra with a manifest.csv; simulated spectra without it.
    pub(crate) data: Option<PathBuf>,
    /// Folder of the results; `.openassay/demo` without it.
    pub(crate) out: Option<PathBuf>,
    /// Never touch the network; say what is missing instead.
    pub(crate) offline: bool,
}

/// Models in the order of training, and what they are.
const MODELS: [(&str, &str); 2] = [("cnn1d", "the 1D network"), ("cnn2d", "the 2D network")];

/// Sets up, builds, and runs the whole job.
pub(crate) fn run(checkout: &Checkout, options: &Options) -> Result<()> {
    let started = Instant::now();
    let paths = Paths::of(checkout, options)?;
    paths.check_room()?;
    compile::announce(compile::Profile::Release)?;
    setup::run(checkout, setup::Wanted::default(), options.offline)?;
    let tool = compile::release(checkout, options.offline)?;
    bases::prepare(checkout, &tool)?;
    paths.make_room()?;
    let call = |step: &Step| call(checkout, &tool, step);
    for step in paths.preparation() {
        call(&step)?;
    }
    let spectra = demo_data::a_few(&paths.test())?;
    for (model, what) in MODELS {
        for step in paths.model(model, what, &spectra) {
            call(&step)?;
        }
    }
    eprintln!(
        "\ndone in {:.0} s; open in a browser:",
        started.elapsed().as_secs_f64()
    );
    for (model, what) in MODELS {
        let (page, why) = (paths.report(model), paths.why(model));
        eprintln!("  {}  ({what})", checkout.relative(&page).display());
        if why.is_file() {
            let why = checkout.relative(&why);
            eprintln!("  {}  (why it said what it said)", why.display());
        }
    }
    Ok(())
}

/// One call of the tool.
#[derive(Debug)]
struct Step {
    title: String,
    arguments: Vec<OsString>,
}

impl Step {
    fn new(title: impl Into<String>, task: &str) -> Self {
        Self {
            title: title.into(),
            arguments: vec![task.into()],
        }
    }

    fn option(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.arguments.extend([name.into(), value.into()]);
        self
    }
}

fn call(checkout: &Checkout, tool: &Path, step: &Step) -> Result<()> {
    eprintln!("\n== {}", step.title);
    let mut command = Command::new(tool);
    command
        .current_dir(checkout.root())
        .stdin(Stdio::null())
        .args(
            step.arguments
                .iter()
                .map(|a| checkout.relative(Path::new(a))),
        );
    command::run(checkout, &mut command, "Its own words are above")
}

/// Where the demo reads and writes.
struct Paths {
    /// Spectra of the user's own.
    data: Option<PathBuf>,
    out: PathBuf,
    /// Whether `out` is the demo's own folder, where earlier results may be thrown away.
    own: bool,
}

impl Paths {
    fn of(checkout: &Checkout, options: &Options) -> Result<Self> {
        let data = match &options.data {
            Some(folder) => Some(with_manifest(folder)?),
            None => None,
        };
        let out = match &options.out {
            Some(folder) => std::path::absolute(folder)
                .with_context(|| format!("{} is no folder", folder.display()))?,
            None => checkout.state().join("demo"),
        };
        Ok(Self {
            data,
            out,
            own: options.out.is_none(),
        })
    }

    /// Refuses early to write among a user's other files.
    fn check_room(&self) -> Result<()> {
        let empty = fs::read_dir(&self.out).map_or(true, |mut entries| entries.next().is_none());
        ensure!(
            self.own || empty,
            "{} is not empty: name a new folder with --out",
            self.out.display()
        );
        Ok(())
    }

    fn make_room(&self) -> Result<()> {
        if self.own {
            remove_folder(&self.out)?;
        }
        fs::create_dir_all(&self.out).with_context(|| {
            format!(
                "cannot make {}: is its parent writable?",
                self.out.display()
            )
        })
    }

    fn test(&self) -> PathBuf {
        self.out.join("test.csv")
    }

    fn train(&self) -> PathBuf {
        self.out.join("train.csv")
    }

    fn report(&self, model: &str) -> PathBuf {
        self.out.join(format!("{model}-report.html"))
    }

    fn why(&self, model: &str) -> PathBuf {
        self.out.join(format!("{model}-why.html"))
    }

    /// Spectra, divided into training and test.
    fn preparation(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let data = self.data.clone().unwrap_or_else(|| {
            let simulated = self.out.join("simulated");
            let title = "Simulate spectra of ten known and three unknown materials";
            steps.push(Step::new(title, "simulate").option("--out", &simulated));
            simulated
        });
        let title = "Keep a fifth back for the test; unknown materials are never trained on";
        let split = Step::new(title, "split")
            .option("--manifest", data.join("manifest.csv"))
            .option("--fraction", "0.2")
            .option("--seed", "0")
            .option("--train", self.train())
            .option("--test", self.test());
        steps.push(split);
        steps
    }

    /// Train, evaluate, identify and explain with one model.
    fn model(&self, model: &str, what: &str, spectra: &[PathBuf]) -> Vec<Step> {
        let bundle = self.out.join(model);
        let mut identify = Step::new(format!("Identify a few spectra with {what}"), "identify")
            .option("--bundle", &bundle);
        identify
            .arguments
            .extend(spectra.iter().map(OsString::from));
        let why = spectra.first().map(|spectrum| {
            let title = format!("Ask {what} why it said so of the first");
            let mut why = Step::new(title, "explain");
            why.arguments.push(spectrum.into());
            why.option("--bundle", &bundle)
                .option("-o", self.why(model))
        });
        let mut steps = vec![
            Step::new(format!("Train {what}"), "train")
                .option("--manifest", self.train())
                .option("--model", model)
                .option("--bundle", &bundle)
                .option("--report", self.report(model)),
            Step::new(
                format!("Evaluate {what} on the kept-back spectra"),
                "evaluate",
            )
            .option("--bundle", &bundle)
            .option("--manifest", self.test())
            .option("--report", self.report(model))
            .option("--json", self.out.join(format!("{model}-evaluation.json"))),
            identify,
        ];
        steps.extend(why);
        steps
    }
}

fn with_manifest(folder: &Path) -> Result<PathBuf> {
    let manifest = folder.join("manifest.csv");
    ensure!(
        manifest.is_file(),
        "{} is missing: --data names a folder with a manifest.csv of the columns file,label,role \
         (role is known or unknown), whose files are relative to that folder",
        manifest.display()
    );
    folder
        .canonicalize()
        .with_context(|| format!("cannot read {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(steps: &[Step]) -> Vec<String> {
        let words = |s: &Step| s.arguments.join(std::ffi::OsStr::new(" "));
        steps
            .iter()
            .map(|s| words(s).into_string().unwrap())
            .collect()
    }

    #[test]
    fn without_data_spectra_are_simulated_then_split() {
        let paths = Paths {
            data: None,
            out: "/o".into(),
            own: false,
        };
        let lines = lines(&paths.preparation());
        assert_eq!(lines[0], "simulate --out /o/simulated");
        assert_eq!(
            lines[1],
            "split --manifest /o/simulated/manifest.csv --fraction 0.2 --seed 0 \
             --train /o/train.csv --test /o/test.csv"
        );
    }

    #[test]
    fn a_users_files_are_never_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let paths = |own| Paths {
            data: None,
            out: dir.path().to_path_buf(),
            own,
        };
        paths(false).check_room().unwrap();
        fs::write(dir.path().join("thesis"), "").unwrap();
        assert!(paths(false).check_room().is_err());
        paths(true).check_room().unwrap();
        paths(true).make_room().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn each_model_is_trained_judged_and_used() {
        let paths = Paths {
            data: None,
            out: "/o".into(),
            own: false,
        };
        let lines = lines(&paths.model("cnn2d", "it", &["/o/a.SPE".into()]));
        assert_eq!(
            lines,
            [
                "train --manifest /o/train.csv --model cnn2d --bundle /o/cnn2d \
                 --report /o/cnn2d-report.html",
                "evaluate --bundle /o/cnn2d --manifest /o/test.csv \
                 --report /o/cnn2d-report.html --json /o/cnn2d-evaluation.json",
                "identify --bundle /o/cnn2d /o/a.SPE",
                "explain /o/a.SPE --bundle /o/cnn2d -o /o/cnn2d-why.html",
            ]
        );
    }

    #[test]
    fn with_data_only_the_split_is_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("manifest.csv"), "file,label,role\n").unwrap();
        let options = Options {
            data: Some(dir.path().to_path_buf()),
            out: None,
            offline: false,
        };
        let paths = Paths::of(&Checkout::at(Path::new("/c")), &options).unwrap();
        assert_eq!(paths.out, Path::new("/c/.openassay/demo"));
        let lines = lines(&paths.preparation());
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("split --manifest"), "{lines:?}");
    }

    #[test]
    fn a_folder_without_manifest_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let fault = with_manifest(dir.path()).unwrap_err().to_string();
        assert!(
            fault.contains("manifest.csv") && fault.contains("file,label,role"),
            "{fault}"
        );
    }
}
