//! Finds the reference vectors and the measured spectra. They live outside the repository and
//! are named by two environment variables only; where one is not set, the test says in words
//! that it did not compare anything.

#![expect(
    clippy::panic,
    reason = "a test that cannot read its reference must fail loudly"
)]

use ndarray::{ArrayD, IxDyn};
use ndarray_npy::{NpzReader, ReadNpzError, ReadableElement};
use std::{env, fs::File, path::PathBuf};

/// The folder that `OPENASSAY_GOLDEN_DIR` names, or `None` after saying so.
#[must_use]
pub fn golden_dir(test: &str) -> Option<PathBuf> {
    named_dir("OPENASSAY_GOLDEN_DIR", "reference vectors", test)
}

/// The folder that `OPENASSAY_PGAA_DIR` names (with `manifest.csv`), or `None` after saying so.
#[must_use]
pub fn pgaa_dir(test: &str) -> Option<PathBuf> {
    named_dir("OPENASSAY_PGAA_DIR", "measured spectra", test)
}

fn named_dir(variable: &str, what: &str, test: &str) -> Option<PathBuf> {
    match env::var_os(variable) {
        Some(dir) => {
            let dir = PathBuf::from(dir);
            assert!(
                dir.is_dir(),
                "{variable} names {}, which is no folder",
                dir.display()
            );
            Some(dir)
        }
        None => {
            eprintln!("SKIPPED {test}: {variable} is not set, so the {what} are not compared");
            None
        }
    }
}

/// One `.npz` archive of reference arrays.
pub struct Npz {
    name: String,
    reader: NpzReader<File>,
}

impl Npz {
    /// Opens `name` in the folder of reference vectors; `None` where there is no such folder.
    #[must_use]
    pub fn open(test: &str, name: &str) -> Option<Self> {
        let path = golden_dir(test)?.join(name);
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let reader = NpzReader::new(file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Some(Self {
            name: name.to_owned(),
            reader,
        })
    }

    /// Names of the arrays, without `.npy`.
    pub fn names(&mut self) -> Vec<String> {
        let names = self
            .reader
            .names()
            .unwrap_or_else(|e| panic!("{}: {e}", self.name));
        names
            .into_iter()
            .map(|n| n.trim_end_matches(".npy").to_owned())
            .collect()
    }

    /// One array with exactly this element type.
    pub fn typed<T: ReadableElement>(&mut self, array: &str) -> ArrayD<T> {
        self.try_typed(array)
            .unwrap_or_else(|e| panic!("{} {array}: {e}", self.name))
    }

    /// One array as f64, whatever number type it was stored in.
    pub fn f64(&mut self, array: &str) -> ArrayD<f64> {
        if let Ok(values) = self.try_typed::<f64>(array) {
            return values;
        }
        if let Ok(values) = self.try_typed::<f32>(array) {
            return values.mapv(f64::from);
        }
        if let Ok(values) = self.try_typed::<i32>(array) {
            return values.mapv(f64::from);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "reference integers are far below 2^53"
        )]
        if let Ok(values) = self.try_typed::<i64>(array) {
            return values.mapv(|v| v as f64);
        }
        self.typed::<bool>(array).mapv(|v| f64::from(u8::from(v)))
    }

    fn try_typed<T: ReadableElement>(&mut self, array: &str) -> Result<ArrayD<T>, ReadNpzError> {
        self.reader
            .by_name::<ndarray::OwnedRepr<T>, IxDyn>(array)
            .or_else(|_| {
                self.reader
                    .by_name::<ndarray::OwnedRepr<T>, IxDyn>(&format!("{array}.npy"))
            })
    }
}

/// One `.json` file of the folder of reference vectors.
#[must_use]
pub fn golden_json(test: &str, name: &str) -> Option<serde_json::Value> {
    let path = golden_dir(test)?.join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// Asserts `|actual − expected| ≤ tolerance` element by element and names the worst one.
pub fn assert_close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}: length");
    let worst = actual
        .iter()
        .zip(expected)
        .enumerate()
        .map(|(i, (a, e))| (i, (a - e).abs()))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((i, difference)) = worst {
        assert!(
            difference <= tolerance,
            "{what}[{i}]: {} instead of {}, off by {difference:e}, allowed {tolerance:e}",
            actual[i],
            expected[i]
        );
    }
}
