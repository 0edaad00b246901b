//! What instruments do to the SPE and CSV formats: each oddity with what is made of it.

use assay_core::{Classified, ErrorKind};
use assay_formats::{
    Format, FormatError, MAX_FILE_BYTES, Reading, WarningCode as Code, read, read_csv, read_spe,
};

const PLAIN: &str = "$SPEC_ID:\r\nNo. 5\r\n$MEAS_TIM:\r\n90.5 100\r\n$DATE_MEA:\r\n\
    05/14/2018 10:17:05\r\n$DATA:\r\n0 3\r\n1\r\n2\r\n3\r\n4\r\n$ENER_FIT:\r\n\
    -1.5 0.5 0.000000e+000\r\n$MCA_CAL:\r\n3\r\n-1.5 0.5 0.000000e+000 keV\r\n$ENDRECORD:\r\n";

fn spe(text: &str) -> Result<Reading, FormatError> {
    read_spe(text.as_bytes())
}

fn codes(reading: &Reading) -> Vec<Code> {
    reading
        .warnings
        .iter()
        .map(|warning| warning.code)
        .collect()
}

/// The plain file with one part replaced.
fn with(from: &str, to: &str) -> String {
    let changed = PLAIN.replace(from, to);
    assert_ne!(changed, PLAIN, "{from:?} is not in the plain file");
    changed
}

#[test]
fn a_plain_file_has_no_warnings() {
    let reading = spe(PLAIN).unwrap();
    assert_eq!(reading.warnings, []);
    let spectrum = reading.spectrum;
    assert_eq!(spectrum.counts, [1, 2, 3, 4]);
    assert_eq!(spectrum.title, "No. 5");
    assert_eq!(
        (spectrum.live_time_s, spectrum.real_time_s),
        (Some(90.5), Some(100.0))
    );
    assert_eq!(spectrum.calibration.map(|c| c.energy_kev(3.0)), Some(0.0));
    assert_eq!(
        spectrum.start_time.map(|t| t.to_string()).as_deref(),
        Some("2018-05-14T10:17:05")
    );
}

#[test]
fn line_ends_and_encodings_change_nothing() {
    let plain = spe(PLAIN).unwrap().spectrum;
    for end in ["\n", "\r", "\r\n\r\n"] {
        assert_eq!(
            spe(&PLAIN.replace("\r\n", end)).unwrap().spectrum.counts,
            plain.counts
        );
    }
    let utf16: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, code) in [
        (
            [b"\xef\xbb\xbf", PLAIN.as_bytes()].concat(),
            Code::ByteOrderMark,
        ),
        ([b"\xff\xfe", &*utf16].concat(), Code::Utf16),
        (utf16, Code::Utf16),
    ] {
        let reading = read(&bytes, None).unwrap();
        assert_eq!((&reading.spectrum, codes(&reading)), (&plain, vec![code]));
    }
    let latin1 = [b"$SPEC_ID:\n\xb5-metal\n", &PLAIN.as_bytes()[17..]].concat();
    let reading = read_spe(&latin1).unwrap();
    assert_eq!(
        (reading.spectrum.title.as_str(), codes(&reading)),
        ("µ-metal", vec![Code::Latin1Text])
    );
}

#[test]
fn sloppiness_is_forgiven_with_one_warning_each() {
    for (from, to, code) in [
        ("90.5 100", "90.5  100", Code::TimeSpacing),
        ("90.5 100", "100.5 100", Code::LiveExceedsReal),
        ("90.5 100", "-3 100", Code::TimeUnusable),
        (
            "$SPEC_ID:",
            "written by hand\r\n$SPEC_ID:",
            Code::TextBeforeFirstBlock,
        ),
        (
            "05/14/2018 10:17:05",
            "05/14/2018 10:17:0",
            Code::DateClipped,
        ),
        ("05/14/2018 10:17:05", "soon", Code::DateUnusable),
        ("1\r\n2\r\n3\r\n4", "1 2\r\n3 4", Code::SeveralCountsPerLine),
        ("2\r\n3", "2.0\r\n3", Code::FloatCounts),
        ("2\r\n3", "2.2\r\n3", Code::RoundedCounts),
        ("0 3", "0 4", Code::DeclaredCountOffByOne),
        ("$ENDRECORD:\r\n", "", Code::MissingEndRecord),
        (
            "-1.5 0.5 0.000000e+000 keV",
            "-1.4 0.5 0",
            Code::CalibrationsDisagree,
        ),
        (
            "$DATE_MEA:\r\n05/14/2018 10:17:05\r\n",
            "",
            Code::DateMissing,
        ),
        (
            "0.5 0.000000e+000\r\n$MCA",
            "furlongs\r\n$MCA",
            Code::CalibrationUnusable,
        ),
        (
            "$MCA_CAL",
            "$ENER_FIT:\r\n9 9 9\r\n$MCA_CAL",
            Code::DuplicateBlock,
        ),
        (
            "0.5 0.000000e+000\r\n$MCA",
            "0.5 0 1e-12\r\n$MCA",
            Code::CalibrationTermsLeftOut,
        ),
    ] {
        let reading = spe(&with(from, to)).unwrap_or_else(|error| panic!("{to:?}: {error}"));
        assert_eq!(reading.spectrum.counts, [1, 2, 3, 4], "{to:?}");
        assert_eq!(codes(&reading)[0], code, "{to:?}: {:?}", reading.warnings);
        let calibration = reading.spectrum.calibration.unwrap();
        assert_eq!(
            (calibration.intercept_kev, calibration.slope_kev_per_channel),
            (-1.5, 0.5)
        );
    }
    let zero = spe(&with("90.5 100", "0 100")).unwrap();
    assert_eq!(
        (zero.spectrum.live_time_s, zero.spectrum.real_time_s),
        (None, Some(100.0))
    );
    assert_eq!(codes(&zero), [Code::TimeZero, Code::TimeMissing]);
}

#[test]
fn warnings_know_their_line_and_their_name() {
    let reading = spe(&with("2\r\n3", "2.2\r\n3.3")).unwrap();
    let [warning] = &reading.warnings[..] else {
        panic!("{:?}", reading.warnings)
    };
    assert_eq!(warning.line, Some(10));
    assert!(
        warning
            .to_string()
            .starts_with("line 10: count of channel 1 is 2.2"),
        "{warning}"
    );
    let json = serde_json::to_string(warning).unwrap();
    assert!(
        json.starts_with(r#"{"code":"rounded_counts","line":10,"message":"#),
        "{json}"
    );
}

#[test]
fn an_instrument_that_was_not_calibrated_is_no_error() {
    let zeros = PLAIN.replace("-1.5 0.5", "0.0 0.0");
    let reading = spe(&zeros).unwrap();
    assert_eq!(
        (reading.spectrum.calibration, codes(&reading)),
        (None, vec![Code::CalibrationAllZero])
    );
    let only_full = spe(&with("-1.5 0.5 0.000000e+000\r\n$MCA", "0 0 0\r\n$MCA")).unwrap();
    assert_eq!(
        only_full
            .spectrum
            .calibration
            .map(|c| c.slope_kev_per_channel),
        Some(0.5)
    );
    let falling = spe(&PLAIN.replace("-1.5 0.5", "-1.5 -0.5")).unwrap();
    assert_eq!(codes(&falling), [Code::CalibrationNotIncreasing]);
    assert!(
        falling.spectrum.calibration.is_some(),
        "the refusal belongs to whoever aligns it"
    );
}

#[test]
fn the_quadratic_term_may_stand_in_one_block_only() {
    let text = with("-1.5 0.5 0.000000e+000\r\n$MCA", "-1.5 0.5\r\n$MCA")
        .replace("0.000000e+000 keV", "2.5e-007 keV");
    let reading = spe(&text).unwrap();
    assert_eq!(reading.warnings, []);
    let calibration = reading.spectrum.calibration.unwrap();
    assert_eq!(calibration.quadratic_kev_per_channel2, 2.5e-7);
}

#[test]
fn only_the_first_record_is_read_and_the_others_are_counted() {
    let other = with("1\r\n2\r\n3\r\n4", "9\r\n9\r\n9\r\n9");
    let reading = spe(&format!("{PLAIN}{other}{other}")).unwrap();
    assert_eq!(reading.spectrum, spe(PLAIN).unwrap().spectrum);
    assert_eq!(
        (reading.further_records, codes(&reading)),
        (2, vec![Code::FurtherRecords])
    );
    // Without end marks a new title begins a new record.
    let unmarked = format!("{}{other}", with("$ENDRECORD:\r\n", ""));
    let reading = spe(&unmarked).unwrap();
    assert_eq!(reading.spectrum.counts, [1, 2, 3, 4]);
    assert_eq!(
        codes(&reading),
        [Code::MissingEndRecord, Code::FurtherRecords]
    );
}

#[test]
fn unknown_blocks_are_kept_word_for_word() {
    let reading = spe(&with(
        "$DATA:",
        "$ROI:\r\n1\r\n 5  9 \r\n\r\n$GPS: 52 N\r\n$DATA:",
    ))
    .unwrap();
    assert_eq!(reading.warnings, []);
    let expected = [("ROI", "1\n 5  9 \n"), ("GPS", " 52 N")];
    assert_eq!(
        reading.spectrum.blocks,
        expected.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn every_refusal_names_line_and_value() {
    for (from, to, words) in [
        (
            "3\r\n4\r\n",
            "",
            "line 11: $DATA declares channels 0 to 3, 4 counts, but 2 follow",
        ),
        (
            "3\r\n4\r\n$ENER",
            "3\r\n4\r\n5\r\n$ENER",
            "line 13: $DATA declares channels 0 to 3",
        ),
        (
            "2\r\n3",
            "-2\r\n3",
            "line 10: count of channel 1 is \"-2\"; allowed: whole numbers from 0",
        ),
        (
            "2\r\n3",
            "nan\r\n3",
            "line 10: count of channel 1 is \"nan\"",
        ),
        (
            "2\r\n3",
            "1e99\r\n3",
            "line 10: count of channel 1 is \"1e99\"",
        ),
        (
            "2\r\n3",
            "two\r\n3",
            "line 10: count of channel 1 is \"two\"",
        ),
        (
            "0 3",
            "0 4294967295",
            "line 8: the channel range of $DATA is \"0 4294967295\"",
        ),
        ("0 3", "3 0", "rising, from 0 to 1048575"),
        (
            "90.5",
            "nan",
            "line 4: live time (s) is \"nan\"; allowed: a finite number",
        ),
        (
            "-1.5 0.5",
            "-1.5 inf",
            "line 14: $ENER_FIT is \"inf\"; allowed: finite numbers",
        ),
        ("$DATA:", "$DTAA:", "the file has no $DATA: block"),
    ] {
        let error = spe(&PLAIN.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(words), "{error} lacks {words:?}");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_file_cut_anywhere_in_its_data_is_refused() {
    let start = PLAIN.find("$DATA").unwrap();
    let end = PLAIN.find("4\r\n$ENER").unwrap();
    for cut in start..end {
        assert!(
            spe(&PLAIN[..cut]).is_err(),
            "cut at byte {cut}: {:?}",
            &PLAIN[start..cut]
        );
    }
}

#[test]
fn files_that_are_none_are_refused_with_the_right_kind() {
    assert_eq!(read(b"", None), Err(FormatError::Empty));
    assert_eq!(read(b"\r\n \r\n", Some("a.spe")), Err(FormatError::Empty));
    let binary = read(b"PK\x03\x04\x14\0\0\0\x08", Some("a.zip")).unwrap_err();
    assert!(
        matches!(binary, FormatError::Binary { offset: 5, .. }),
        "{binary}"
    );
    let prose = read(b"Dear colleague, the spectra are on the disk.", None).unwrap_err();
    assert!(
        prose.to_string().contains("begins \"Dear colleague"),
        "{prose}"
    );
    let huge = read(&vec![b'1'; MAX_FILE_BYTES + 1], Some("a.csv")).unwrap_err();
    assert_eq!(huge.kind(), ErrorKind::ResourceExhausted);
    let blocks = format!("{}{PLAIN}", "$A:\n".repeat(1001));
    assert_eq!(
        spe(&blocks).unwrap_err().kind(),
        ErrorKind::ResourceExhausted
    );
}

#[test]
fn content_tells_the_format_before_the_name_does() {
    for (name, content, expected) in [
        (Some("a.csv"), PLAIN, Some(Format::Spe)),
        (Some("a.SPE"), "1\n2\n", Some(Format::Spe)),
        (Some("a.CSV"), "garbled", Some(Format::Csv)),
        (
            None,
            "# live_time_s: 5\nchannel,counts\n0,1\n",
            Some(Format::Csv),
        ),
        (None, "1\n2\n", Some(Format::Csv)),
        (Some("a.spc"), "Dear colleague", None),
        (Some("a.chn"), "Dear colleague", Some(Format::Chn)),
        (Some("a.N42"), "Dear colleague", Some(Format::N42)),
        (Some("a.spe"), "<RadInstrumentData>", Some(Format::N42)),
    ] {
        assert_eq!(
            Format::detect(name, content.as_bytes()),
            expected,
            "{name:?}"
        );
    }
}

#[test]
fn tables_in_all_their_forms() {
    for text in [
        "5\n6\n7\n",
        "counts\n5\n6\n7\n",
        "channel,counts\n0,5\n1,6\n2,7\n",
        "0 5\n1 6\n2 7\n",
        "Channel;Counts;\n0;5;\n1;6;\n2;7;\n",
        "\"energy_kev\"\t\"counts\"\n0.5\t5\n1.0\t6\n1.5\t7\n",
        "# remark\n\n  0.5,  5\r\n  1.0,  6\r\n  1.5,  7\r\n# title: late\r\n",
        "counts,energy (keV),note\n5,0.5,1\n6,1,1\n7,1.5,1\n",
    ] {
        let reading = read_csv(text.as_bytes()).unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(reading.spectrum.counts, [5, 6, 7], "{text:?}");
        if let Some(calibration) = reading.spectrum.calibration {
            let [a0, a1] = [calibration.intercept_kev, calibration.slope_kev_per_channel];
            assert!(
                (a0 - 0.5).abs() < 1e-12 && (a1 - 0.5).abs() < 1e-12,
                "{text:?}: {a0} {a1}"
            );
        }
        let guessed = codes(&reading).contains(&Code::ColumnsGuessed);
        assert_eq!(
            guessed,
            !text.contains("ounts") && text.contains([' ', ',']),
            "{text:?}"
        );
    }
}

#[test]
fn comment_lines_carry_the_rest_of_the_measurement() {
    let text = "# Live time s: 90.5\n# real_time_s: 100\n# start_time: 05/14/2018 10:17:05\n\
        # title: No. 5\n# first_channel: 3\n# slope: 0.5\n# intercept: -1.5\n# Detector: HPGe: 2\n\
        counts\n1\n2\n";
    let reading = read_csv(text.as_bytes()).unwrap();
    assert_eq!(reading.warnings, []);
    let spectrum = reading.spectrum;
    assert_eq!(
        (spectrum.live_time_s, spectrum.real_time_s),
        (Some(90.5), Some(100.0))
    );
    assert_eq!(
        (spectrum.title.as_str(), spectrum.first_channel),
        ("No. 5", 3)
    );
    assert_eq!(spectrum.energy_range_kev(), Some((0.0, 0.5)));
    assert_eq!(
        spectrum.blocks,
        [("Detector".to_owned(), "HPGe: 2".to_owned())]
    );
}

#[test]
fn tables_that_could_be_misread_are_refused() {
    for (text, words) in [
        (
            "0,5;12\n1,0;13\n",
            "line 1: a number is \"0,5\"; allowed: numbers with a decimal point",
        ),
        ("energy_kev,counts\n0,5,12\n", "line 2: a row is \"0,5,12\""),
        (
            "channel,counts\n0,5\n2,6\n",
            "line 3: channel is \"2\"; allowed: 1,",
        ),
        ("channel,counts\n0.5,5\n", "line 2: channel is \"0.5\""),
        (
            "energy_kev,counts\n1,5\n1,6\n",
            "line 3: energy_kev is \"1\"",
        ),
        (
            "energy_kev,counts\nnan,5\n",
            "line 2: energy_kev is \"nan\"",
        ),
        (
            "energy_kev,counts\n1,5\n2,6\n4,7\n8,8\n16,9\n32,3\n",
            "a tenth of a channel",
        ),
        ("counts\n5\n-6\n", "line 3: count of row 2 is \"-6\""),
        ("counts\n", "no rows of counts"),
        ("# live_time_s: inf\n5\n", "line 1: live_time_s is \"inf\""),
        (
            "# slope_kev_per_channel: 1,5\n5\n",
            "line 1: slope_kev_per_channel is \"1,5\"",
        ),
        ("# first_channel: 1048576\n5\n", "line 1: first_channel"),
        (
            "1,2,3\n",
            "line 1: the first row is \"1,2,3\"; allowed: a header",
        ),
    ] {
        let error = read_csv(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(words), "{error} lacks {words:?}");
    }
    let many = "1\n".repeat((1 << 20) + 1);
    assert_eq!(
        read_csv(many.as_bytes()).unwrap_err().kind(),
        ErrorKind::ResourceExhausted
    );
}
