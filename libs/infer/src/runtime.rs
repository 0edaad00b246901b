//! Finds and loads the ONNX Runtime library, once per process.

use crate::error::InferError;
use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

/// Environment variable that names the library or the folder it lies in.
pub const LIBRARY_VARIABLE: &str = "OPENASSAY_ONNXRUNTIME";

const SETUP_FOLDER: &str = ".openassay/onnxruntime";

static LOADED: OnceLock<OnnxRuntime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// The loaded runtime library. It stays loaded until the process ends.
#[derive(Debug)]
pub struct OnnxRuntime {
    environment: ort::environment::Environment,
    library: PathBuf,
    version: String,
}

impl OnnxRuntime {
    /// Loads the library, or returns the one this process has loaded before.
    ///
    /// An explicit `library` (file or folder) is the only place looked at; without it the order
    /// is: [`LIBRARY_VARIABLE`], `../lib` and the folder beside the executable, then
    /// `.openassay/onnxruntime` in every ancestor of the executable and of the working directory.
    ///
    /// # Errors
    /// When it is nowhere, too old or broken, or when another library is already in use.
    pub fn load(library: Option<&Path>) -> Result<&'static Self, InferError> {
        let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = LOADED.get() {
            return loaded.also_answers(library);
        }
        let path = find(&Places::of_this_process(library))?;
        let loaded = Self::open(path)?;
        Ok(LOADED.get_or_init(|| loaded))
    }

    fn open(library: PathBuf) -> Result<Self, InferError> {
        let unusable = |reason: String| InferError::RuntimeUnusable {
            library: library.clone(),
            reason,
            minimum: ort::MINOR_VERSION,
        };
        let environment = ort::init_from(&library)
            .map_err(|e| unusable(e.to_string()))?
            .with_name("openassay")
            .with_telemetry(false)
            .build()
            .map_err(|e| unusable(e.message().to_owned()))?;
        // The environment starts at the most talkative level, which formats every message.
        environment.set_log_level(ort::logging::LogLevel::Warning);
        let version = version(&library, ort::info());
        tracing::debug!(library.path = %library.display(), library.version = version, "loaded ONNX Runtime");
        Ok(Self {
            environment,
            library,
            version,
        })
    }

    fn also_answers(&'static self, wanted: Option<&Path>) -> Result<&'static Self, InferError> {
        let Some(wanted) = wanted else {
            return Ok(self);
        };
        let path = find(&Places::only(wanted))?;
        if same_file(&path, &self.library) {
            return Ok(self);
        }
        Err(InferError::RuntimeAlreadyLoaded {
            loaded: self.library.clone(),
            wanted: path,
        })
    }

    pub(crate) const fn environment(&self) -> &ort::environment::Environment {
        &self.environment
    }

    /// Where the library lies.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Version of the library and the commit it was built from, such as `1.31.1+6af1a93`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Files and folders to look at, in order.
struct Places(Vec<PathBuf>);

impl Places {
    fn only(path: &Path) -> Self {
        Self(vec![path.to_path_buf()])
    }

    fn of_this_process(library: Option<&Path>) -> Self {
        if let Some(library) = library {
            return Self::only(library);
        }
        if let Some(named) = env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()) {
            return Self::only(Path::new(&named));
        }
        let executable = env::current_exe().ok();
        let beside = executable.as_deref().and_then(Path::parent);
        Self::installed(beside, env::current_dir().ok().as_deref())
    }

    fn installed(executable_folder: Option<&Path>, working_folder: Option<&Path>) -> Self {
        let mut places = Vec::new();
        if let Some(folder) = executable_folder {
            places.extend(folder.parent().map(|parent| parent.join("lib")));
            places.push(folder.to_path_buf());
        }
        for start in [executable_folder, working_folder].into_iter().flatten() {
            places.extend(start.ancestors().map(|folder| folder.join(SETUP_FOLDER)));
        }
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(place.clone()));
        Self(places)
    }
}

fn find(places: &Places) -> Result<PathBuf, InferError> {
    places
        .0
        .iter()
        .find_map(|place| {
            let found = if place.is_dir() {
                newest_library_in(place)?
            } else if place.is_file() {
                place.clone()
            } else {
                return None;
            };
            // The loader takes relative paths as relative to the executable first.
            Some(std::path::absolute(&found).unwrap_or(found))
        })
        .ok_or_else(|| InferError::RuntimeNotFound {
            searched: places.0.clone(),
        })
}

fn newest_library_in(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| Some((library_version(path.file_name()?)?, path)))
        .max()
        .map(|(_, path)| path)
}

/// The version in a library's file name, empty where it has none; `None` for other files.
fn library_version(file_name: &OsStr) -> Option<Vec<u32>> {
    let name = file_name.to_str()?;
    let middle = if let Some(version) = name.strip_prefix("libonnxruntime.so") {
        version
    } else {
        name.strip_prefix("libonnxruntime")?
            .strip_suffix(".dylib")?
    };
    if middle.is_empty() {
        return Some(Vec::new());
    }
    let numbers = middle.strip_prefix('.')?;
    numbers.split('.').map(|n| n.parse().ok()).collect()
}

/// The runtime tells the commit it was built from; its version stands in the file's name only.
fn version(library: &Path, build_information: &str) -> String {
    let file = fs::canonicalize(library).unwrap_or_else(|_| library.to_path_buf());
    let numbers = file
        .file_name()
        .and_then(library_version)
        .unwrap_or_default();
    let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
    let commit = build_information
        .split([',', ' '])
        .find_map(|field| field.strip_prefix("git-commit-id="))
        .unwrap_or("unknown");
    if numbers.is_empty() {
        return format!("0+{commit}");
    }
    format!("{}+{commit}", numbers.join("."))
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_runtime_is_found_and_loaded_once() {
        let first = OnnxRuntime::load(None).unwrap();
        let second = OnnxRuntime::load(Some(first.library())).unwrap();
        assert!(std::ptr::eq(first, second));
        let (numbers, commit) = first.version().split_once('+').unwrap();
        assert!(numbers.starts_with("1."), "{numbers}");
        assert!(u32::from_str_radix(commit, 16).is_ok(), "{commit}");
    }

    #[test]
    fn a_missing_library_names_every_place_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let exe = folder.path().join("usr/bin");
        let error = find(&Places::installed(Some(&exe), Some(folder.path()))).unwrap_err();
        let text = error.to_string();
        for place in ["usr/lib", "usr/bin", "usr/.openassay/onnxruntime"] {
            let place = folder.path().join(place);
            assert!(text.contains(&place.display().to_string()), "{text}");
        }
        assert!(text.contains("cargo xtask setup"), "{text}");
    }

    #[test]
    fn a_file_that_is_no_library_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().unwrap();
        let fake = folder.path().join("libonnxruntime.so.1.31.1");
        fs::write(&fake, b"not a library").unwrap();
        // Whether another test has loaded the real one first decides which refusal comes.
        let error = OnnxRuntime::load(Some(&fake)).unwrap_err();
        assert!(
            error.to_string().contains(fake.to_str().unwrap()),
            "{error}"
        );
    }

    #[test]
    fn places_are_tried_in_order_and_the_newest_library_of_a_folder_wins() {
        let folder = tempfile::tempdir().unwrap();
        let (lib, setup) = (folder.path().join("lib"), folder.path().join(SETUP_FOLDER));
        let bin = folder.path().join("bin");
        fs::create_dir_all(&setup).unwrap();
        for name in [
            "libonnxruntime.so.1.9.0",
            "libonnxruntime.so.1.31.1",
            "libonnxruntime_providers_shared.so",
        ] {
            fs::write(setup.join(name), b"").unwrap();
        }
        let search = || find(&Places::installed(Some(&bin), None)).unwrap();
        assert_eq!(search(), setup.join("libonnxruntime.so.1.31.1"));
        fs::create_dir(&lib).unwrap();
        fs::write(lib.join("libonnxruntime.so"), b"").unwrap();
        assert_eq!(search(), lib.join("libonnxruntime.so"));
    }

    #[test]
    fn versions_are_read_from_names_and_build_information() {
        assert_eq!(
            library_version(OsStr::new("libonnxruntime.1.2.dylib")),
            Some(vec![1, 2])
        );
        assert_eq!(
            library_version(OsStr::new("libonnxruntime.so")),
            Some(vec![])
        );
        assert_eq!(library_version(OsStr::new("libonnxruntime_x.so")), None);
        let info = "ORT Build Info: git-branch=HEAD, git-commit-id=6af1a93, build type=Release";
        let named = |name| version(Path::new(name), info);
        assert_eq!(named("/nowhere/libonnxruntime.so.1.31.1"), "1.31.1+6af1a93");
        assert_eq!(named("/nowhere/libonnxruntime.so"), "0+6af1a93");
    }
}
