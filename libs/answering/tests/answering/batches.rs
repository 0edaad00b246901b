//! Rows that cannot be answered, data sets that cannot be used, and files larger than a chunk.

use crate::kit::{BUNDLE, Kit, OPTIONS, artefacts};
use assay_answering::batch::ResultLine;
use assay_core::{ClassLabel, Digest, ErrorKind};
use assay_jobs::{JobRecord, JobState, Lane};
use assay_pipeline::{ListedSpectrum, Role, SpectrumList, fixture};
use assay_store::BlobStore;
use ndarray::Array2;
use ndarray_npy::ReadNpyExt;
use std::fs;

pub(crate) async fn text(kit: &Kit, record: &JobRecord, name: &str) -> String {
    let bytes = kit.blobs.get(artefacts(record)[name]).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub(crate) async fn lines(kit: &Kit, record: &JobRecord) -> Vec<ResultLine> {
    let text = text(kit, record, "results.jsonl").await;
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

pub(crate) fn listed(spectrum: Digest, label: &str, group: &str) -> ListedSpectrum {
    ListedSpectrum {
        spectrum,
        label: ClassLabel::new(label).ok(),
        role: Role::Unknown,
        group: group.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_answered_are_told_and_end_nothing() {
    let kit = Kit::new().await;
    let mut rows = fixture::dataset(2, 700).rows().to_vec();
    let bad = [
        (
            kit.put("no spectrum at all").await,
            ErrorKind::InvalidArgument,
        ),
        (
            kit.put("$SPEC_ID:\nx\n$DATA:\n0 3\n1\n2\n").await,
            ErrorKind::InvalidArgument,
        ),
        (Digest::of(b"never put"), ErrorKind::NotFound),
        (kit.put("soon damaged").await, ErrorKind::DataLoss),
    ];
    fs::write(kit.file(bad[3].0), "damaged").unwrap();
    let good = rows.drain(..).map(|row| {
        (
            assay_formats::write_spe(&row.spectrum),
            row.label.as_str().to_owned(),
        )
    });
    let mut list = Vec::new();
    for (bytes, label) in good {
        list.push(listed(kit.put(bytes).await, &label, ""));
    }
    list.extend(bad.map(|(digest, _)| listed(digest, "", "bad")));
    let (dataset, rows) = kit.list(&SpectrumList::new(list)).await;
    for lane in [Lane::Identify, Lane::Explain] {
        let id = kit.submit(lane, dataset).await;
        let record = kit.finish(id).await;
        let lines = lines(&kit, &record).await;
        assert_eq!(lines.len(), rows);
        for (digest, kind) in bad {
            let line = lines.iter().find(|line| line.spectrum == digest).unwrap();
            let error = line.error.as_ref().unwrap();
            assert_eq!(error.kind, kind, "{error:?}");
            assert!(line.answer.is_none() && line.explanation.is_none());
        }
        let answered: Vec<_> = lines.iter().filter(|line| line.error.is_none()).collect();
        assert_eq!(answered.len(), 8);
        for line in answered {
            let answer = line.answer.as_ref().unwrap();
            assert_eq!(answer.bundle, BUNDLE.id());
            assert_eq!(line.explanation.is_some(), lane == Lane::Explain);
        }
        let summary = record.result.clone().unwrap().summary;
        assert_eq!(
            (&summary["rows"], &summary["errors"]),
            (&12.into(), &4.into())
        );
        let known = summary["known"].as_u64().unwrap();
        assert_eq!(known + summary["unknown"].as_u64().unwrap(), 8);
        assert_eq!(summary["bundle"], BUNDLE.id().to_string());
        if lane == Lane::Explain {
            not_a_number_where_there_is_an_error(&kit, &record, &lines).await;
        }
    }
}

async fn not_a_number_where_there_is_an_error(kit: &Kit, record: &JobRecord, lines: &[ResultLine]) {
    let file = kit
        .blobs
        .get(artefacts(record)["importances.npy"])
        .await
        .unwrap();
    let matrix = Array2::<f32>::read_npy(file.as_ref()).unwrap();
    assert_eq!(matrix.dim(), (12, 2631));
    for (row, line) in matrix.outer_iter().zip(lines) {
        match line.error {
            Some(_) => assert!(row.iter().all(|value| value.is_nan())),
            None => assert!(row.iter().all(|value| value.is_finite())),
        }
    }
    let energies = text(kit, record, "energies.csv").await;
    assert_eq!(energies.lines().count(), 2632);
    assert!(
        energies.starts_with("bin,energy_kev\r\n0,"),
        "{}",
        &energies[..40]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_longer_than_a_chunk_is_ever_in_memory() {
    let kit = Kit::new().await;
    let (dataset, rows) = kit.dataset(&fixture::dataset(12, 800)).await;
    let spectrum = assay_formats::write_spe(&fixture::spectrum(0, 0)).len();
    kit.blobs.longest();
    let whole = kit.undisturbed(Lane::Explain, dataset).await;
    let longest = kit.blobs.longest();
    // A chunk of two rows is shorter than one spectrum's file; the files of all rows are not.
    assert!(
        longest < spectrum + spectrum / 5,
        "{longest} bytes, a spectrum has {spectrum}"
    );
    let matrix = kit
        .blobs
        .size(whole["importances.npy"])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(matrix, 128 + 4 * 2631 * rows as u64);
    assert!(
        matrix > 2 * longest as u64,
        "{matrix} bytes in pieces of {longest}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_that_cannot_be_used_fails_the_job_in_words() {
    let kit = Kit::new().await;
    let spectrum = Digest::of(b"spectrum");
    let many = (0..=OPTIONS.max_rows).map(|row| listed(spectrum, "", &row.to_string()));
    let (too_long, _) = kit.list(&SpectrumList::new(many.collect())).await;
    let (empty, _) = kit.list(&SpectrumList::new(Vec::new())).await;
    let header = kit.put("spectrum,label\n").await;
    let absent = Digest::of(b"no data set");
    for (dataset, kind, words) in [
        (
            too_long,
            ErrorKind::InvalidArgument,
            "101 rows; allowed: 1 to 100",
        ),
        (empty, ErrorKind::InvalidArgument, "0 rows"),
        (header, ErrorKind::InvalidArgument, "the header"),
        (absent, ErrorKind::NotFound, "cannot be read"),
    ] {
        let record = kit.finish(kit.submit(Lane::Identify, dataset).await).await;
        let failure = record.failure.unwrap();
        assert_eq!(
            (record.state, failure.kind),
            (JobState::Failed, kind),
            "{failure:?}"
        );
        assert!(failure.message.contains(words), "{failure:?}");
    }
}
