//! The fuzz targets' own checks over mutations of their seeds, the same ones in every run.
//! `OPENASSAY_FUZZ_CASES` asks for more of them than the few thousand of a normal run.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod survives;

use assay_core::{KeyedRng, keyed_rng};
use assay_formats::{MAX_FILE_BYTES, read_chn, read_n42, read_spe};
use rand::RngExt;
use std::{fs, path::Path};

/// Mutated files of each format in a normal run.
const CASES: u64 = 1500;

/// What breaks files of these formats: their own words, numbers at the edges of their types.
const TOKENS: [&[u8]; 22] = [
    b"$DATA:\n",
    b"$ENDRECORD:\n",
    b"$ENER_FIT:\n0 0 0\n",
    b"0 99999999\n",
    b"0 4294967295 ",
    b"18446744073709551616",
    b"1e308",
    b"-1",
    b"nan",
    b"\0",
    b"\r",
    b"\n",
    b",",
    b"#",
    b"\xef\xbb\xbf",
    b"\xff\xff\xff\xff",
    b"\xff\x7f",
    b"<Spectrum>",
    b"</RadMeasurement>",
    b"<!DOCTYPE a [<!ENTITY lol \"lol\">]>",
    b"<![CDATA[",
    b"&lol;",
];

fn seeds(format: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut files: Vec<_> = fs::read_dir(folder.join(format))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 4, "the seeds of {format} are there");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Changes a file in one to eight places; sometimes puts a piece of another file into it.
fn mutated(seeds: &[Vec<u8>], rng: &mut KeyedRng) -> Vec<u8> {
    let mut bytes = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..=8) {
        let at = rng.random_range(0..=bytes.len());
        let end = bytes.len().min(at + rng.random_range(1..200));
        match rng.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] = rng.random(),
            1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                bytes.splice(at..at, token.iter().copied());
            }
            3 => drop(bytes.drain(at..bytes.len().min(at + rng.random_range(1..40)))),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..=other.len());
                let to = other.len().min(from + rng.random_range(1..200));
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

fn every_mutation_survives(format: &str, check: fn(&[u8])) {
    let cases = std::env::var("OPENASSAY_FUZZ_CASES").map_or(CASES, |n| n.parse().unwrap());
    let seeds = seeds(format);
    for seed in &seeds {
        check(seed);
    }
    for case in 0..cases {
        let mut rng = keyed_rng(0, "mutated seeds", &[case, format.len() as u64]);
        let bytes = mutated(&seeds, &mut rng);
        let survived = std::panic::catch_unwind(|| check(&bytes));
        assert!(
            survived.is_ok(),
            "case {case} of {format}; make a seed of it: {}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn mutated_spe_files_survive() {
    every_mutation_survives("spe", survives::spe);
}

#[test]
fn mutated_csv_files_survive() {
    every_mutation_survives("csv", survives::csv);
}

#[test]
fn mutated_chn_files_survive() {
    every_mutation_survives("chn", survives::chn);
}

#[test]
fn mutated_n42_files_survive() {
    every_mutation_survives("n42", survives::n42);
}

/// The lengths are declared in files of some bytes: no memory is taken for them.
#[test]
fn lengths_that_are_only_declared_are_refused() {
    let spe = b"$DATA:\n0 4294967294\n1\n2\n";
    assert!(read_spe(spe).is_err());
    let mut chn = seeds("chn").swap_remove(0);
    chn[30..32].copy_from_slice(&u16::MAX.to_le_bytes());
    assert!(read_chn(&chn).is_err());
    let n42 = String::from_utf8(seeds("n42").swap_remove(1)).unwrap();
    for zeros in [u64::from(u32::MAX), u64::MAX, MAX_FILE_BYTES as u64] {
        // Twice, so that neither one run of zeros nor their sum is taken at its word.
        let (start, rest) = n42.split_once("<ChannelData").unwrap();
        let (_, end) = rest.split_once("</ChannelData>").unwrap();
        let data = format!(
            "{start}<ChannelData compressionCode=\"CountedZeroes\">1 0 {zeros} 0 {zeros}\
             </ChannelData>{end}"
        );
        let error = read_n42(data.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("channels"), "{error}");
    }
}
