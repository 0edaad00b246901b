//! What instruments do to N42 documents: each oddity with what is made of it.

use assay_core::{Classified, ErrorKind};
use assay_formats::{FormatError, Reading, WarningCode as Code, read_n42};

const PLAIN: &str = concat!(
    "<?xml version=\"1.0\"?>\n<RadInstrumentData xmlns=\"http://physics.nist.gov/N42/2011/N42\">\n",
    "<EnergyCalibration id=\"e\"><CoefficientValues>-1.75 0.5 0</CoefficientValues>",
    "</EnergyCalibration>\n<RadMeasurement id=\"m\">\n",
    "<MeasurementClassCode>Foreground</MeasurementClassCode>\n",
    "<StartDateTime>2018-05-14T10:17:05-04:00</StartDateTime>\n",
    "<RealTimeDuration>PT100S</RealTimeDuration>\n",
    "<Spectrum id=\"s\" energyCalibrationReference=\"e\">",
    "<LiveTimeDuration>PT90.5S</LiveTimeDuration>\n",
    "<ChannelData compressionCode=\"None\">1 2 3 4</ChannelData></Spectrum>\n",
    "</RadMeasurement>\n</RadInstrumentData>\n",
);

fn n42(text: &str) -> Result<Reading, FormatError> {
    read_n42(text.as_bytes())
}

fn codes(reading: &Reading) -> Vec<Code> {
    let codes = reading.warnings.iter().map(|warning| warning.code);
    codes.collect()
}

/// The plain document with one part replaced.
fn with(from: &str, to: &str) -> String {
    let changed = PLAIN.replace(from, to);
    assert_ne!(changed, PLAIN, "{from:?} is not in the plain document");
    changed
}

#[test]
fn a_plain_document_has_no_warnings() {
    let reading = n42(PLAIN).unwrap();
    assert_eq!(reading.warnings, []);
    let spectrum = reading.spectrum;
    assert_eq!(spectrum.counts, [1, 2, 3, 4]);
    assert_eq!(
        (spectrum.live_time_s, spectrum.real_time_s),
        (Some(90.5), Some(100.0))
    );
    // The terms count from the lower edge: channel 0 reaches from −1.75 to −1.25 keV.
    assert_eq!(spectrum.calibration.map(|c| c.energy_kev(0.0)), Some(-1.5));
    let start = spectrum.start_time.map(|time| time.to_string());
    assert_eq!(start.as_deref(), Some("2018-05-14T10:17:05-04:00"));
}

#[test]
fn encodings_and_line_ends_change_nothing() {
    let plain = n42(PLAIN).unwrap().spectrum;
    let utf16: Vec<u8> = PLAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, code) in [
        (
            [b"\xef\xbb\xbf", PLAIN.as_bytes()].concat(),
            Code::ByteOrderMark,
        ),
        ([b"\xff\xfe", &*utf16].concat(), Code::Utf16),
        (utf16, Code::Utf16),
    ] {
        let reading = assay_formats::read(&bytes, None).unwrap();
        assert_eq!((&reading.spectrum, codes(&reading)), (&plain, vec![code]));
    }
    assert_eq!(n42(&PLAIN.replace('\n', "\r\n")).unwrap().spectrum, plain);
    let latin1 = with("<LiveTime", "<Remark>Title: @m</Remark><LiveTime").replace('@', "\u{b5}");
    let latin1: Vec<u8> = latin1.chars().map(|c| c as u8).collect();
    let reading = read_n42(&latin1[..]).unwrap();
    assert_eq!(reading.spectrum.title, "µm");
    assert_eq!(codes(&reading), [Code::Latin1Text]);
}

#[test]
fn sloppiness_is_forgiven_with_one_warning_each() {
    let cubic = "-1.75 0.5 0 1e-9";
    for (from, to, code) in [
        ("PT90.5S", "90.5", Code::DurationPlain),
        ("PT90.5S", "PT0S", Code::TimeZero),
        ("PT90.5S", "P1M", Code::TimeUnusable),
        ("PT90.5S", "PT200S", Code::LiveExceedsReal),
        (
            "<RealTimeDuration>PT100S</RealTimeDuration>",
            "",
            Code::TimeMissing,
        ),
        ("2018-05-14T10:17:05-04:00", "soon", Code::DateUnusable),
        (
            "<StartDateTime>2018-05-14T10:17:05-04:00</StartDateTime>",
            "",
            Code::DateMissing,
        ),
        ("-1.75 0.5 0", cubic, Code::CalibrationTermsLeftOut),
        ("-1.75 0.5 0", "0 0 0", Code::CalibrationAllZero),
        (
            "-1.75 0.5 0",
            "-1.75 -0.5 0",
            Code::CalibrationNotIncreasing,
        ),
        ("-1.75 0.5 0", "1.5", Code::CalibrationUnusable),
        ("-1.75 0.5 0", "1e305 0.5 0", Code::CalibrationUnusable),
        (
            " energyCalibrationReference=\"e\"",
            "",
            Code::CalibrationAssumed,
        ),
        (
            "Reference=\"e\"",
            "Reference=\"f\"",
            Code::CalibrationUnusable,
        ),
        ("CoefficientValues", "OtherValues", Code::CalibrationMissing),
        (
            "</EnergyCalibration>",
            "<EnergyDeviationValues>0 1</EnergyDeviationValues></EnergyCalibration>",
            Code::CalibrationTermsLeftOut,
        ),
        (">Foreground<", ">Background<", Code::NotForeground),
        ("1 2 3 4", "1.0 2 3 4", Code::FloatCounts),
        ("1 2 3 4", "1.5 2 3 4", Code::RoundedCounts),
        (
            "</RadInstrumentData>\n",
            "</RadInstrumentData>\nEnd.",
            Code::TrailingBytes,
        ),
    ] {
        let reading = n42(&with(from, to)).unwrap();
        assert!(
            codes(&reading).contains(&code),
            "{to}: {:?}",
            reading.warnings
        );
        assert_eq!(reading.spectrum.counts.len(), 4, "{to}");
    }
}

#[test]
fn energies_listed_edge_by_edge() {
    let listed = |values: &str| {
        let text = PLAIN.replace("CoefficientValues", "EnergyBoundaryValues");
        n42(&text.replace("-1.75 0.5 0", values)).unwrap()
    };
    let reading = listed("-1.75 -1.25 -0.75 -0.25 0.25");
    assert_eq!(reading.warnings, []);
    assert_eq!(reading.spectrum, n42(PLAIN).unwrap().spectrum);
    for values in ["1 2 3 4", "1 2 3 4 5 6", "1 2 3 4 4", "1 2 30 40 50"] {
        let reading = listed(values);
        assert!(
            codes(&reading).contains(&Code::CalibrationUnusable),
            "{values}"
        );
        assert_eq!(reading.spectrum.calibration, None, "{values}");
    }
}

#[test]
fn the_first_foreground_is_read_and_the_rest_counted() {
    let spectrum = |class: &str, counts: &str| {
        let class = if class.is_empty() {
            String::new()
        } else {
            format!("<MeasurementClassCode>{class}</MeasurementClassCode>")
        };
        format!(
            "<RadMeasurement>{class}<Spectrum><ChannelData>{counts}</ChannelData></Spectrum>\
             </RadMeasurement>"
        )
    };
    let derived = "<DerivedData><Spectrum><ChannelData>8</ChannelData></Spectrum></DerivedData>";
    for (classes, expected) in [
        (["Background", "Foreground", "Foreground"], 1),
        (["Background", "", "Calibration"], 1),
        (["NotSpecified", "", "Foreground"], 2),
        (["Background", "IntrinsicActivity", "Calibration"], 0),
    ] {
        let body: String = (0..3)
            .map(|i| spectrum(classes[i], &i.to_string()))
            .collect();
        let text = format!("<RadInstrumentData>{derived}{body}</RadInstrumentData>");
        let reading = n42(&text).unwrap();
        assert_eq!(reading.spectrum.counts, [expected], "{classes:?}");
        assert_eq!(reading.further_records, 2, "{classes:?}");
        assert!(
            codes(&reading).contains(&Code::FurtherRecords),
            "{classes:?}"
        );
    }
}

#[test]
fn neutron_detectors_and_the_form_of_2006() {
    let seed = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/n42/");
        read_n42(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
    };
    let reading = seed("background_first.n42");
    assert_eq!(reading.spectrum.counts, [1, 2, 3]);
    assert_eq!(reading.further_records, 1);
    assert_eq!(
        reading.spectrum.calibration.map(|c| c.energy_kev(1.0)),
        Some(2.25)
    );
    let spectrum = seed("of_2006.n42").spectrum;
    assert_eq!(spectrum.counts, [3, 0, 0, 250, 1]);
    // Nothing says that these terms count from an edge.
    assert_eq!(spectrum.calibration.map(|c| c.energy_kev(0.0)), Some(-1.5));
    let instrument = (
        "INSTRUMENT".to_owned(),
        "Manufacturer: A\nModel: M".to_owned(),
    );
    assert_eq!(spectrum.blocks, [instrument]);
    let spectrum = seed("references.n42").spectrum;
    assert_eq!(spectrum.calibration.map(|c| c.energy_kev(2.0)), Some(6.0));
    assert_eq!(
        spectrum.blocks[0],
        ("DATE_MEA".to_owned(), "soon".to_owned())
    );
    assert_eq!(spectrum.blocks[1], ("ROI".to_owned(), "1\n0 3".to_owned()));
}

#[test]
fn refusals_name_line_field_value_and_range() {
    for (from, to, words) in [
        (
            "1 2 3 4",
            "1 -2",
            "line 9: count of channel 1 is \"-2\"; allowed: whole numbers",
        ),
        (
            "1 2 3 4",
            "1 2 nan",
            "line 9: count of channel 2 is \"nan\"",
        ),
        (
            "1 2 3 4",
            " ",
            "line 9: ChannelData is \"\"; allowed: one count per channel",
        ),
        ("1 2 3 4", "1 <x>2</x", "line 9: "),
        (
            "\"None\"",
            "\"Zip\"",
            "line 9: compressionCode is \"Zip\"; allowed: None or CountedZeroes",
        ),
        (
            "0.5 0",
            "inf 0",
            "line 3: CoefficientValues is \"inf\"; allowed: finite numbers",
        ),
        (
            "PT100S",
            "&bomb;",
            "line 7: the reference &bomb;, which is no well-formed XML",
        ),
        (
            "</RadInstrumentData>\n",
            "",
            "line 11: the end of the file inside an element",
        ),
        ("</Spectrum>", "</Spektrum>", "line 9: "),
        (
            "RadInstrumentData",
            "html",
            "line 2: the root element is \"html\"; allowed: Rad",
        ),
        (
            "ChannelData",
            "CountData",
            "the file has no gamma spectrum with ChannelData",
        ),
    ] {
        let error = n42(&with(from, to)).unwrap_err();
        assert!(error.to_string().starts_with(words), "{to}: {error}");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_billion_laughs_and_deep_nesting_cost_nothing() {
    let mut bomb = "<!DOCTYPE RadInstrumentData [<!ENTITY a0 \"ha\">".to_owned();
    for i in 1..40 {
        bomb += &format!("<!ENTITY a{i} \"&a{};&a{};\">", i - 1, i - 1);
    }
    bomb += "]>";
    let plain = PLAIN.replace("<?xml version=\"1.0\"?>\n", &bomb);
    assert_eq!(n42(&plain).unwrap().spectrum.counts, [1, 2, 3, 4]);
    let error = n42(&plain.replace("1 2 3 4", "&a39;")).unwrap_err();
    assert!(error.to_string().contains("the reference &a39;"), "{error}");
    let deep = format!("<RadInstrumentData>{}", "<a>".repeat(1_000_000));
    let error = n42(&deep).unwrap_err();
    assert!(
        error.to_string().contains("more than 64 nested elements"),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
}
