//! Time of one full-size difference image, into a fresh array and into a reused buffer.
#![expect(clippy::print_stdout, reason = "a bench reports to the terminal")]

use assay_gramian::{GramianError, Imaging};
use std::{hint::black_box, time::Instant};

const BINS: usize = 2631;
const IMAGES: usize = 30;

fn main() -> Result<(), GramianError> {
    // Shaped like a spectrum: a falling continuum with peaks, on a logarithmic scale.
    let vector: Vec<f64> = (0..BINS)
        .map(|bin| -8.0 - bin as f64 / 600.0 + ((bin * 37 % 101) as f64 / 101.0).powi(8))
        .collect();
    let imaging = Imaging {
        size: BINS,
        ..Imaging::default()
    };
    let mut buffer = vec![0.0; BINS * BINS];
    imaging.image_into(&vector, &mut buffer)?;
    let reused = median_ms(|| {
        imaging.image_into(black_box(&vector), &mut buffer)?;
        black_box(&buffer);
        Ok(())
    })?;
    let fresh = median_ms(|| {
        imaging.image_f32(black_box(&vector)).map(|image| {
            black_box(image);
        })
    })?;
    println!(
        "{{\"bins\":{BINS},\"images\":{IMAGES},\"reused_ms\":{reused:.3},\"fresh_ms\":{fresh:.3}}}"
    );
    Ok(())
}

fn median_ms(mut work: impl FnMut() -> Result<(), GramianError>) -> Result<f64, GramianError> {
    let mut times = Vec::with_capacity(IMAGES);
    for _ in 0..IMAGES {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[IMAGES / 2])
}
