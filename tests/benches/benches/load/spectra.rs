//! The spectra that are asked about: simulated ones, and the measured ones where they are.

use crate::server::run_tool;
use anyhow::{Context as _, Result, ensure};
use assay_golden::pgaa_dir;
use assay_pipeline::Manifest;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Positions of digits that tell variants of one file apart: a million of them.
const DIGITS: usize = 6;

/// Files of spectra.
pub(crate) struct Spectra {
    /// A name for folders.
    pub(crate) name: &'static str,
    /// The manifest that models are trained with.
    pub(crate) manifest: PathBuf,
    /// The files, each with the places where a variant differs.
    pub(crate) files: Vec<File>,
}

/// A file, and where its counts can be changed a little.
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    digits: [usize; DIGITS],
}

/// Every set that can be had.
pub(crate) fn all(scratch: &Path) -> Result<Vec<Spectra>> {
    run_tool(scratch, &["simulate", "--out", "simulated", "--seed", "1"])?;
    // The files stay in the folder below; models and data of the server lie beside them.
    let mut all = vec![Spectra::read("simulated", &scratch.join("simulated"))?];
    if let Some(folder) = pgaa_dir("measured spectra") {
        fs::create_dir_all(scratch.join("measured"))?;
        all.push(Spectra::read("measured", &folder)?);
    }
    Ok(all)
}

impl Spectra {
    fn read(name: &'static str, folder: &Path) -> Result<Self> {
        let manifest = folder.join("manifest.csv");
        let rows = Manifest::read(&manifest)?;
        let mut files = Vec::new();
        for row in &rows.rows {
            let name = || row.path.display().to_string();
            let bytes = fs::read(&row.path).with_context(name)?;
            files.push(File::new(bytes).with_context(name)?);
        }
        ensure!(!files.is_empty(), "{} lists no file", manifest.display());
        Ok(Self {
            name,
            manifest,
            files,
        })
    }

    /// A spectrum that was never asked about before, for every new number.
    pub(crate) fn variant(&self, number: u64) -> Vec<u8> {
        let count = self.files.len() as u64;
        let at = usize::try_from(number % count).unwrap_or_default();
        self.files[at].variant(number / count)
    }

    pub(crate) fn description(&self) -> String {
        let sizes = self.files.iter().map(|file| file.bytes.len());
        let mean_kib = sizes.sum::<usize>() / self.files.len() / 1024;
        format!(
            "{} spectra: {} .SPE files of {mean_kib} KiB",
            self.name,
            self.files.len()
        )
    }
}

impl File {
    /// Finds the last digits of the middle channels of an .SPE file.
    fn new(bytes: Vec<u8>) -> Result<Self> {
        let text = std::str::from_utf8(&bytes).context("an .SPE file is text")?;
        let start = text.find("$DATA:").context("no $DATA block")?;
        let block = &text[start..];
        let end = block[1..].find('$').map_or(block.len(), |end| end + 1);
        let mut last_digits = Vec::new();
        let mut at = start;
        // The first two lines are the name of the block and its first and last channel.
        for (line, content) in block[..end].split_inclusive('\n').enumerate() {
            let count = content.trim_end();
            let is_count = line >= 2 && count.ends_with(|last: char| last.is_ascii_digit());
            if is_count {
                last_digits.push(at + count.len() - 1);
            }
            at += content.len();
        }
        let middle = last_digits.len() / 2;
        let digits = last_digits
            .get(middle..middle + DIGITS)
            .and_then(|digits| digits.try_into().ok())
            .context("too few channels")?;
        Ok(Self { bytes, digits })
    }

    fn variant(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let mut rest = number;
        for at in self.digits {
            bytes[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        bytes
    }
}
