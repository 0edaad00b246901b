//! Reading and aligning every measured spectrum, from bytes on disk to input vectors.

use crate::measure::{median_s, report};
use anyhow::Result;
use assay_golden::pgaa_dir;
use assay_pipeline::{Dataset, Manifest, Watch};
use assay_spectrum::Recipe;

pub(crate) fn run() -> Result<()> {
    let Some(folder) = pgaa_dir("read") else {
        return Ok(());
    };
    let manifest = Manifest::read(&folder.join("manifest.csv"))?;
    let files = manifest.rows.len();
    let mut timing = median_s(7, || {
        let dataset = Dataset::load(&manifest, &Watch::none())?;
        std::hint::black_box(dataset.vectors(&Recipe::default())?);
        Ok(())
    })?;
    timing["files"] = files.into();
    report("reading and aligning measured spectra", timing);
    Ok(())
}
