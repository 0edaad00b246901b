//! No bytes may panic a reader, and what is written must be read back the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_formats::{
    Format, canonical_spe, read, read_chn, read_csv, read_n42, read_spe, write_chn, write_csv,
    write_n42, write_spe,
};
use assay_spectrum::{EnergyCalibration, MAX_COUNTS_PER_CHANNEL, Spectrum, StartTime};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e4..1e4f64,
        1e-9..1e-5f64,
        (1u32..20_000).prop_map(|n| f64::from(n) / 1e4)
    ]
}

fn start_time() -> impl Strategy<Value = StartTime> {
    let clock = (0u8..24, 0u8..60, 0u8..60);
    let date = (1900u16..=9999, 1u16..=12, 1u16..=28);
    (date, clock, prop::option::of(-1080i16..=1080)).prop_map(|(date, clock, offset)| {
        let (year, month, day) = date;
        let (hour, minute, second) = clock;
        let time = StartTime::new([year, month, day], [hour, minute, second]).unwrap();
        offset.map_or(time, |offset| time.with_utc_offset_min(offset).unwrap())
    })
}

/// Lines of printable text that begin no block, as the readers give them out.
fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec("[^$\\p{C}\u{feff}][^\\p{C}]{0,20}|", 1..4).prop_map(|l| l.join("\n"))
}

prop_compose! {
    fn any_spectrum()(
        counts in prop::collection::vec(
            prop_oneof![0u64..1000, 0..=MAX_COUNTS_PER_CHANNEL], 1..70),
        first_channel in prop_oneof![Just(0u32), 0u32..1000],
        terms in prop::option::of((number(), 1e-3..10.0f64, number())),
        live_time_s in prop::option::of(1e-3..1e7f64),
        real_time_s in prop::option::of(1e-3..1e7f64),
        start_time in prop::option::of(start_time()),
        title in lines(),
        blocks in prop::collection::vec(("X[A-Z0-9_]{0,12}", lines()), 0..4),
    ) -> Spectrum {
        let calibration = terms.map(|(a0, a1, a2)| EnergyCalibration {
            intercept_kev: a0,
            slope_kev_per_channel: a1,
            quadratic_kev_per_channel2: a2,
        });
        let title = title.trim().to_owned();
        Spectrum {
            counts, first_channel, calibration, live_time_s, real_time_s, start_time, title, blocks,
        }
    }
}

/// One change to a file: bytes replaced, inserted, removed, repeated or cut off.
#[derive(Debug, Clone)]
enum Mutation {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Repeat(usize, usize),
    Cut(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = prop::sample::select(vec![
        "$DATA:\n",
        "$ENDRECORD:\n",
        "\r",
        "\n",
        "-1",
        "1e308",
        "nan",
        "$",
        "0 99999999\n",
        "\0",
        "18446744073709551616",
        "$ENER_FIT:\n0 0 0\n",
        ",",
        ";",
        "#",
        "\u{feff}",
        "\"",
        "1.#QNAN",
        "<",
        ">",
        "&lol;",
        "<!DOCTYPE a [<!ENTITY lol \"lol\">]>",
        "<Spectrum>",
        "</RadMeasurement>",
        "<![CDATA[",
        " 0 99999999 ",
    ]);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (any::<usize>(), token).prop_map(|(at, t)| Mutation::Insert(at, t.as_bytes().to_vec())),
        (any::<usize>(), 1usize..40).prop_map(|(at, n)| Mutation::Remove(at, n)),
        (any::<usize>(), 1usize..200).prop_map(|(at, n)| Mutation::Repeat(at, n)),
        any::<usize>().prop_map(Mutation::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let length = bytes.len();
    let place = |at: &usize| at % (length + 1);
    match mutation {
        Mutation::Set(at, byte) => {
            if let Some(slot) = bytes.get_mut(place(at)) {
                *slot = *byte;
            }
        }
        Mutation::Insert(at, token) => {
            let at = place(at);
            bytes.splice(at..at, token.iter().copied());
        }
        Mutation::Remove(at, n) => {
            let at = place(at);
            bytes.drain(at..length.min(at + n));
        }
        Mutation::Repeat(at, n) => {
            let at = place(at);
            let part = bytes[at..length.min(at + n)].to_vec();
            bytes.splice(at..at, part);
        }
        Mutation::Cut(at) => bytes.truncate(place(at)),
    }
}

/// Reads bytes every way there is; whatever is read must survive being written again.
fn read_every_way(bytes: &[u8]) {
    for name in [
        None,
        Some("a.spe"),
        Some("b.csv"),
        Some("c.chn"),
        Some("d.n42"),
    ] {
        let _ = Format::detect(name, bytes);
        let _ = read(bytes, name);
    }
    let readers = [read_spe, read_csv, read_chn, read_n42];
    for reading in readers.iter().filter_map(|read| read(bytes).ok()) {
        let spectrum = &reading.spectrum;
        let again = [
            read_spe(&write_spe(spectrum)),
            read_csv(&write_csv(spectrum)),
            read_n42(&write_n42(spectrum)),
        ];
        for again in again {
            assert_eq!(again.unwrap().spectrum.counts, spectrum.counts);
        }
        if let Ok(bytes) = write_chn(spectrum) {
            assert_eq!(read_chn(&bytes).unwrap().spectrum.counts, spectrum.counts);
        }
    }
}

/// One file of each format.
fn files(spectrum: &Spectrum) -> [Vec<u8>; 4] {
    [
        write_spe(spectrum),
        write_csv(spectrum),
        write_chn(&as_chn_holds_it(spectrum)).unwrap(),
        write_n42(spectrum),
    ]
}

/// The spectrum with what CHN has no place for left out or rounded.
fn as_chn_holds_it(spectrum: &Spectrum) -> Spectrum {
    let narrow = |value: f64| (value as f32).to_string().parse().unwrap();
    let ticks = |time: Option<f64>| time.map(|time_s| (time_s * 50.0).round().max(1.0) / 50.0);
    let title: String = spectrum.title.chars().take(15).collect();
    Spectrum {
        counts: spectrum
            .counts
            .iter()
            .map(|count| count & 0xffff_ffff)
            .collect(),
        first_channel: spectrum.first_channel,
        calibration: spectrum.calibration.map(|c| EnergyCalibration {
            intercept_kev: narrow(c.intercept_kev),
            slope_kev_per_channel: narrow(c.slope_kev_per_channel),
            quadratic_kev_per_channel2: narrow(c.quadratic_kev_per_channel2),
        }),
        live_time_s: ticks(spectrum.live_time_s),
        real_time_s: ticks(spectrum.real_time_s),
        start_time: spectrum.start_time.map(|start| {
            let ((year, month, day), (hour, minute, second)) = (start.date(), start.time());
            let date = [1900 + year % 200, month.into(), day.into()];
            StartTime::new(date, [hour, minute, second]).unwrap()
        }),
        title: title.trim().to_owned(),
        blocks: vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_every_way(&bytes);
    }

    #[test]
    fn text_that_resembles_a_spectrum_never_panics(
        text in "(\\$(DATA|ENER_FIT|MCA_CAL|MEAS_TIM|DATE_MEA|ROI|ENDRECORD):?|[0-9]{1,3}|-?[0-9]e[0-9]{3}|[ \t\r\n,;#:.\"])*",
    ) {
        read_every_way(text.as_bytes());
    }

    #[test]
    fn changed_files_never_panic(
        spectrum in any_spectrum(),
        format in 0usize..4,
        mutations in prop::collection::vec(mutation(), 1..8),
    ) {
        let mut bytes = files(&spectrum)[format].clone();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        read_every_way(&bytes);
    }

    #[test]
    fn spe_round_trip(spectrum in any_spectrum()) {
        let reading = read(&write_spe(&spectrum), None).unwrap();
        prop_assert_eq!(reading.spectrum, spectrum);
    }

    #[test]
    fn csv_round_trip(spectrum in any_spectrum()) {
        let reading = read(&write_csv(&spectrum), None).unwrap();
        prop_assert_eq!(reading.spectrum, spectrum);
    }

    #[test]
    fn chn_round_trip(spectrum in any_spectrum()) {
        let spectrum = as_chn_holds_it(&spectrum);
        let reading = read(&write_chn(&spectrum).unwrap(), None).unwrap();
        prop_assert_eq!(reading.spectrum, spectrum);
    }

    #[test]
    fn n42_round_trip(spectrum in any_spectrum()) {
        let read = read(&write_n42(&spectrum), None).unwrap().spectrum;
        // Channels are numbered anew; their energies stay.
        let first = f64::from(spectrum.first_channel);
        let pairs = spectrum.calibration.zip(read.calibration);
        prop_assert_eq!(pairs.is_some(), spectrum.calibration.is_some());
        if let Some((old, new)) = pairs {
            let last = spectrum.counts.len() as f64;
            let (a1, a2) = (old.slope_kev_per_channel, old.quadratic_kev_per_channel2);
            let end = first + last;
            let scale = old.intercept_kev.abs() + a1.abs() * end + a2.abs() * end * end;
            for channel in [0.0, last] {
                let difference = new.energy_kev(channel) - old.energy_kev(first + channel);
                prop_assert!(difference.abs() < 1e-13 * scale, "{difference} keV");
            }
        }
        let Spectrum { first_channel, calibration, .. } = read;
        prop_assert_eq!(read, Spectrum { first_channel, calibration, ..spectrum });
    }

    #[test]
    fn the_canonical_form_keeps_every_bit(
        spectrum in any_spectrum(),
        bits in prop::collection::vec(any::<u64>(), 5),
        small: bool,
    ) {
        let any_float = |index: usize| {
            let value = f64::from_bits(bits[index]);
            // Zeros of both signs are values too.
            if small { value.signum() * 0.0 } else { value }
        };
        let finite = |value: f64| if value.is_finite() { value } else { 1.5 };
        let calibration = EnergyCalibration {
            intercept_kev: finite(any_float(0)),
            slope_kev_per_channel: finite(f64::from_bits(bits[1])),
            quadratic_kev_per_channel2: finite(any_float(2)),
        };
        prop_assume!(calibration.slope_kev_per_channel != 0.0);
        let time = |index: usize| {
            Some(finite(f64::from_bits(bits[index])).abs()).filter(|&time| time > 0.0)
        };
        let spectrum = Spectrum {
            calibration: Some(calibration),
            live_time_s: time(3),
            real_time_s: time(4),
            ..spectrum
        };
        let bytes = canonical_spe(&spectrum);
        let again = read_spe(&bytes).unwrap().spectrum;
        prop_assert_eq!(all_bits(&again), all_bits(&spectrum));
        prop_assert_eq!(again.start_time, spectrum.start_time);
        prop_assert_eq!(&again.counts, &spectrum.counts);
        prop_assert_eq!(again.first_channel, spectrum.first_channel);
        prop_assert_eq!(canonical_spe(&again), bytes);
    }

    #[test]
    fn a_truncated_chn_or_n42_gives_all_counts_or_none(
        spectrum in any_spectrum(), cut in 0.0..1.0f64,
    ) {
        let spectrum = as_chn_holds_it(&spectrum);
        for bytes in [write_chn(&spectrum).unwrap(), write_n42(&spectrum)] {
            let cut = &bytes[..(bytes.len() as f64 * cut) as usize];
            for read in [read_chn, read_n42] {
                if let Ok(reading) = read(cut) {
                    prop_assert_eq!(&reading.spectrum.counts, &spectrum.counts);
                }
            }
        }
    }

    #[test]
    fn a_truncated_file_never_gives_a_shorter_spectrum(
        spectrum in any_spectrum(), cut in 0.0..1.0f64,
    ) {
        // A power of two of channels, as instruments have: the case that matters.
        let counts = (0..64).map(|i| spectrum.counts[i % spectrum.counts.len()]).collect();
        let spectrum = Spectrum { counts, first_channel: 0, ..spectrum };
        let bytes = write_spe(&spectrum);
        let cut = &bytes[..(bytes.len() as f64 * cut) as usize];
        if let Ok(reading) = read_spe(cut) {
            prop_assert_eq!(reading.spectrum.counts.len(), 64);
        }
    }
}

/// Every float of a spectrum as its bits.
fn all_bits(spectrum: &Spectrum) -> Vec<Option<u64>> {
    let terms = spectrum.calibration.map(|c| {
        [
            c.intercept_kev,
            c.slope_kev_per_channel,
            c.quadratic_kev_per_channel2,
        ]
    });
    let times = [spectrum.live_time_s, spectrum.real_time_s];
    let floats = times
        .into_iter()
        .chain(terms.into_iter().flatten().map(Some));
    floats.map(|float| float.map(f64::to_bits)).collect()
}

#[test]
fn every_seed_of_the_fuzzer_is_a_readable_file() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");
    for (folder, format) in [
        ("spe", Format::Spe),
        ("csv", Format::Csv),
        ("chn", Format::Chn),
        ("n42", Format::N42),
    ] {
        let files: Vec<_> = std::fs::read_dir(format!("{seeds}/{folder}"))
            .unwrap()
            .collect();
        assert!(files.len() >= 4, "{folder}");
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(
                Format::detect(None, &bytes),
                Some(format),
                "{}",
                path.display()
            );
            let reading = read(&bytes, None);
            assert!(reading.is_ok(), "{}: {reading:?}", path.display());
            read_every_way(&bytes);
            if matches!(format, Format::Chn | Format::N42) {
                damage_every_byte(&bytes);
            }
        }
    }
}

/// Every truncation, and every byte changed in several ways.
fn damage_every_byte(bytes: &[u8]) {
    for at in 0..bytes.len() {
        let _ = read(&bytes[..at], None);
        for change in [0x01, 0x10, 0x80, 0xff] {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= change;
            let _ = (read_chn(&bytes), read_n42(&bytes));
        }
    }
}
