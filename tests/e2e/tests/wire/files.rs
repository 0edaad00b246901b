//! Files that are no spectra, or lie about themselves: to the service that keeps them and to the
//! one that answers about them.

use crate::case::{Case, GATE, INGEST, Stage, absent, no_digests, path};
use assay_api::{
    gate::{DescribeGateRequest, IdentifyRequest},
    ingest::PutFileRequest,
};
use assay_e2e::raw::Call;
use tonic::Code;

pub(crate) fn cases(stage: &Stage) -> Vec<Case> {
    let mut cases = Vec::new();
    let calls = |content: Vec<u8>| {
        let put = PutFileRequest {
            content: content.clone(),
            file_name: String::new(),
        };
        let identify = IdentifyRequest {
            content,
            ..IdentifyRequest::default()
        };
        (put, identify)
    };
    for (name, content) in files() {
        let (put, identify) = calls(content);
        cases.push(Case::field(name, (INGEST, "PutFile"), &put, "content"));
        // No bytes are a question without a spectrum.
        cases.push(Case::field(name, (GATE, "Identify"), &identify, "content"));
    }
    for (name, content) in too_much() {
        let (put, identify) = calls(content);
        let put = Call::of(&path(INGEST, "PutFile"), &put);
        let identify = Call::of(&path(GATE, "Identify"), &identify);
        for call in [put, identify] {
            cases.push(Case::refused(name, call, Code::ResourceExhausted));
        }
    }
    cases.extend(names(stage));
    cases.extend(questions(stage));
    cases.extend(unsuitable());
    cases
}

fn spe(data: &str) -> Vec<u8> {
    format!("$SPEC_ID:\nprobe\n$DATA:\n{data}\n$ENER_FIT:\n0 1\n").into_bytes()
}

fn n42(data: &str) -> Vec<u8> {
    format!(
        r#"<?xml version="1.0"?>
<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
  <EnergyCalibration id="e"><CoefficientValues>0 1 0</CoefficientValues></EnergyCalibration>
  <RadMeasurement id="m">
    <MeasurementClassCode>Foreground</MeasurementClassCode>
    <StartDateTime>2026-05-01T12:00:00Z</StartDateTime>
    <RealTimeDuration>PT10S</RealTimeDuration>
    <Spectrum id="s" radDetectorInformationReference="d" energyCalibrationReference="e">
      <LiveTimeDuration>PT9S</LiveTimeDuration>
      {data}
    </Spectrum>
  </RadMeasurement>
</RadInstrumentData>"#
    )
    .into_bytes()
}

/// A header that promises this many channels, and four counts.
fn chn(first: u16, channels: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [-1_i16, 1, 1] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"05");
    bytes.extend(5000_u32.to_le_bytes());
    bytes.extend(4525_u32.to_le_bytes());
    bytes.extend(b"14May1811017");
    bytes.extend(first.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    for count in [11_u32, 12, 13, 14] {
        bytes.extend(count.to_le_bytes());
    }
    bytes
}

/// A document whose entities would grow to gigabytes.
fn bomb() -> Vec<u8> {
    let mut text = r#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">"#.to_owned();
    for n in 1..12 {
        let before = format!("&a{};", n - 1).repeat(10);
        text += &format!(r#"<!ENTITY a{n} "{before}">"#);
    }
    text += "]><RadInstrumentData>&a11;</RadInstrumentData>";
    text.into_bytes()
}

/// Counts as instruments shorten them: a zero, then how many.
fn zeros(counts: &str) -> Vec<u8> {
    let data = format!(r#"<ChannelData compressionCode="CountedZeroes">{counts}</ChannelData>"#);
    n42(&data)
}

/// Files that hold more of something than is read.
fn too_much() -> Vec<(&'static str, Vec<u8>)> {
    let open = "<RadInstrumentData>".to_owned() + &"<a>".repeat(100_000);
    vec![
        ("N42: billions of zeros", zeros("0 4000000000")),
        (
            "N42: a run of 10^19 zeros",
            zeros("5 0 10000000000000000000 5"),
        ),
        (
            "N42: many runs of a million zeros",
            zeros(&"0 1000000 ".repeat(5000)),
        ),
        ("16 MiB of lines", b"1\n".repeat(8 << 20)),
        ("N42: 100,000 elements in one another", open.into_bytes()),
    ]
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("no bytes", Vec::new()),
        ("zeros", vec![0; 4096]),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("words", b"Meet me at noon.\n".to_vec()),
        ("16 MiB of a letter", vec![b'a'; 16 << 20]),
        ("SPE: 2^32 channels", spe("0 4294967295\n1\n2")),
        (
            "SPE: 10^30 channels",
            spe(&format!("0 1{}\n1\n2", "0".repeat(30))),
        ),
        ("SPE: fewer counts than declared", spe("0 9\n1\n2")),
        ("SPE: more counts than declared", spe("0 0\n1\n2")),
        ("SPE: channels backwards", spe("9 0\n1\n2")),
        ("SPE: no counts", spe("0 0\n")),
        ("SPE: NaN", spe("0 1\n1\nNaN")),
        ("SPE: infinity", spe("0 1\ninf\n1")),
        ("SPE: -5 counts", spe("0 1\n1\n-5")),
        (
            "SPE: 10^40 counts",
            spe(&format!("0 1\n1\n1{}", "0".repeat(40))),
        ),
        ("SPE: no data", b"$SPEC_ID:\nprobe\n".to_vec()),
        ("CSV: NaN", b"channel,counts\n0,1\n1,NaN\n".to_vec()),
        ("CSV: -1 counts", b"channel,counts\n0,1\n1,-1\n".to_vec()),
        (
            "CSV: channel 2^40",
            b"channel,counts\n0,1\n1099511627776,2\n".to_vec(),
        ),
        ("CHN: 65535 channels, 4 there", chn(0, u16::MAX)),
        ("CHN: no channels", chn(0, 0)),
        ("CHN: half a header", chn(0, 4)[..20].to_vec()),
        ("N42: a run without a length", zeros("5 0")),
        ("N42: -3 counts", n42("<ChannelData>1 -3 2</ChannelData>")),
        ("N42: NaN", n42("<ChannelData>1 NaN 2</ChannelData>")),
        ("N42: no counts", n42("<ChannelData></ChannelData>")),
        (
            "N42: no spectrum",
            b"<RadInstrumentData></RadInstrumentData>".to_vec(),
        ),
        (
            "N42: cut off",
            n42("<ChannelData>1 2 3</ChannelData>")[..400].to_vec(),
        ),
        ("N42: entities of entities", bomb()),
        (
            "N42: invalid UTF-8",
            b"<RadInstrumentData>\xff\xfe</RadInstrumentData>".to_vec(),
        ),
    ]
}

fn names(stage: &Stage) -> Vec<Case> {
    let names = [
        ("a long name", "x".repeat(1025)),
        ("a name of two lines", "a\nb.spe".to_owned()),
        ("a name with NUL", "a\0.spe".to_owned()),
    ];
    let cases = names.map(|(name, file_name)| {
        let put = PutFileRequest {
            content: stage.file.clone(),
            file_name,
        };
        Case::field(name, (INGEST, "PutFile"), &put, "file_name")
    });
    cases.into()
}

fn questions(stage: &Stage) -> Vec<Case> {
    let method = (GATE, "Identify");
    let stored = |digest: &str| IdentifyRequest {
        spectrum_digest: digest.to_owned(),
        ..IdentifyRequest::default()
    };
    let with_model = |model: &str| IdentifyRequest {
        model: model.to_owned(),
        ..stored(&stage.spectrum)
    };
    let mut cases: Vec<_> = no_digests()
        .into_iter()
        .map(|digest| {
            let name = format!("digest {digest:?}");
            Case::field(name, method, &stored(&digest), "spectrum_digest")
        })
        .collect();
    let both = IdentifyRequest {
        content: stage.file.clone(),
        ..stored(&stage.spectrum)
    };
    cases.push(Case::field("file and digest", method, &both, "content"));
    cases.push(Case::missing(
        "no such spectrum",
        method,
        &stored(&absent()),
    ));
    for model in ["nothing", "default@nothing", "default:nothing", &absent()] {
        let name = format!("model {model}");
        cases.push(Case::missing(&name, method, &with_model(model)));
        let describe = DescribeGateRequest {
            model: model.to_owned(),
        };
        cases.push(Case::missing(&name, (GATE, "DescribeGate"), &describe));
    }
    for model in ["../x", "a b", "a@b@c", "\n", &"x".repeat(65)] {
        let name = format!("model {model:?}");
        cases.push(Case::field(&name, method, &with_model(model), "model"));
        let describe = DescribeGateRequest {
            model: model.to_owned(),
        };
        cases.push(Case::field(
            &name,
            (GATE, "DescribeGate"),
            &describe,
            "model",
        ));
    }
    // A blob that is there and is no spectrum.
    let name = "the digest of a data set";
    let dataset = stored(&stage.dataset);
    cases.push(Case::field(name, method, &dataset, "spectrum_digest"));
    cases
}

/// Spectra that are in order and do not suit the model.
fn unsuitable() -> Vec<Case> {
    let counts = "100\n".repeat(16_384);
    let file = |calibration: &str| {
        format!("$SPEC_ID:\nprobe\n$DATA:\n0 16383\n{counts}{calibration}").into_bytes()
    };
    let asked = |content: Vec<u8>| IdentifyRequest {
        content,
        ..IdentifyRequest::default()
    };
    vec![
        Case::refused(
            "a spectrum without a calibration",
            Call::of(&path(GATE, "Identify"), &asked(file(""))),
            Code::FailedPrecondition,
        ),
        Case::field(
            "a spectrum far below the model's energies",
            (GATE, "Identify"),
            &asked(file("$ENER_FIT:\n-90000 0.001\n")),
            "content",
        ),
    ]
}
