//! Data sets: the digest is that of the pipeline, and what is wrong is named by row and field.

use crate::serving::{Serving, fields, row};
use assay_api::datasets::{CreateDatasetRequest, DatasetRow, GetDatasetRequest, Role};
use assay_backends::DATASET_START;
use assay_core::Digest;
use assay_pipeline::{SpectrumList, fixture};
use bytes::Bytes;
use tonic::{Code, Status};

async fn refused(serving: &mut Serving, rows: Vec<DatasetRow>) -> Status {
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows });
    created.await.unwrap_err()
}

#[tokio::test]
async fn the_digest_is_that_of_the_same_rows_on_disk() {
    let mut serving = Serving::start().await;
    let dataset = fixture::dataset(2, 0);
    let mut rows = Vec::new();
    for read in dataset.rows() {
        let file = assay_formats::write_spe(&read.spectrum);
        let digest = serving.deps.blobs.put(Bytes::from(file)).await.unwrap();
        assert_eq!(digest, read.digest);
        rows.push(DatasetRow {
            group: read.group.clone(),
            file_name: read.file.clone(),
            ..row(
                digest,
                read.label.as_str(),
                match read.role {
                    assay_pipeline::Role::Known => Role::Known,
                    assay_pipeline::Role::Unknown => Role::Unknown,
                },
            )
        });
    }
    rows.reverse();
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows: rows.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(created.digest, dataset.digest().to_string());
    assert_eq!(created.rows as usize, rows.len());
    let labels: Vec<_> = dataset
        .classes()
        .iter()
        .map(|label| label.as_str())
        .collect();
    assert_eq!(created.labels, labels);
    let stored = serving.deps.blobs.get(dataset.digest()).await.unwrap();
    assert_eq!(stored, dataset.canonical_csv());
    let request = GetDatasetRequest {
        digest: created.digest.clone(),
    };
    let found = serving
        .datasets
        .get_dataset(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.digest, created.digest);
    let digests: Vec<_> = dataset
        .rows()
        .iter()
        .map(|row| row.digest.to_string())
        .collect();
    let answered: Vec<_> = found
        .rows
        .iter()
        .map(|row| row.spectrum_digest.clone())
        .collect();
    assert_eq!(answered, digests, "in canonical order");
    serving.end().await;
}

#[test]
fn data_sets_are_told_from_other_blobs_by_their_first_line() {
    assert_eq!(
        SpectrumList::new(Vec::new()).to_csv().as_bytes(),
        DATASET_START
    );
}

#[tokio::test]
async fn spectra_must_have_been_put() {
    let mut serving = Serving::start().await;
    let there = serving.spectrum("there").await;
    let missing = Digest::of(b"missing");
    let rows = vec![row(there, "A", Role::Known), row(missing, "A", Role::Known)];
    let status = refused(&mut serving, rows).await;
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains(&missing.to_string()), "{status}");
    assert!(status.message().contains("1 of the 2"), "{status}");
    serving.end().await;
}

#[tokio::test]
async fn every_fault_is_named_by_its_row_and_field() {
    let mut serving = Serving::start().await;
    let digest = serving.spectrum("x").await;
    let broken = DatasetRow {
        spectrum_digest: "xyz".to_owned(),
        ..DatasetRow::default()
    };
    let rows = vec![
        row(digest, "Steel", Role::Known),
        broken,
        row(digest, "UNKNOWN", Role::Unknown),
        row(digest, "Steel", Role::Unknown),
        DatasetRow {
            role: 9,
            ..row(digest, "Coal", Role::Known)
        },
        DatasetRow {
            group: "a\nb".to_owned(),
            ..row(digest, "Coal", Role::Known)
        },
    ];
    let status = refused(&mut serving, rows).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    let expected = [
        "rows[1].spectrum_digest",
        "rows[2].label",
        "rows[3].role",
        "rows[4].role",
        "rows[5].group",
    ];
    assert_eq!(fields(&status), expected);
    let status = refused(&mut serving, Vec::new()).await;
    assert_eq!(fields(&status), ["rows"]);
    serving.end().await;
}

#[tokio::test]
async fn only_data_sets_are_read_as_such() {
    let mut serving = Serving::start().await;
    let mut get = async |digest: String| {
        let found = serving
            .datasets
            .get_dataset(GetDatasetRequest { digest })
            .await;
        found.unwrap_err()
    };
    let status = get(String::new()).await;
    assert_eq!(
        (status.code(), fields(&status)),
        (Code::InvalidArgument, vec!["digest".into()])
    );
    let status = get(Digest::of(b"none").to_string()).await;
    assert_eq!(status.code(), Code::NotFound);
    assert!(status.message().contains("data set"), "{status}");
    let spectrum = serving.spectrum("no data set").await.to_string();
    let found = serving
        .datasets
        .get_dataset(GetDatasetRequest { digest: spectrum })
        .await;
    assert_eq!(found.unwrap_err().code(), Code::InvalidArgument);
    let rows = "spectrum,label,role,group\nxyz,A,known,\n";
    let damaged = serving.spectrum(rows).await.to_string();
    let found = serving
        .datasets
        .get_dataset(GetDatasetRequest { digest: damaged })
        .await;
    assert_eq!(found.unwrap_err().code(), Code::InvalidArgument);
    serving.end().await;
}

#[tokio::test]
async fn a_data_set_that_is_only_identified_needs_no_labels() {
    let mut serving = Serving::start().await;
    let rows = vec![
        row(serving.spectrum("1").await, "", Role::Known),
        row(serving.spectrum("2").await, "", Role::Unknown),
    ];
    let created = serving
        .datasets
        .create_dataset(CreateDatasetRequest { rows })
        .await
        .unwrap();
    assert_eq!(created.into_inner().labels, Vec::<String>::new());
    serving.end().await;
}
