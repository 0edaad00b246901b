//! `results.csv` with unusual names: read back as they are, and never as a formula.

use crate::{
    batches::{lines, listed},
    kit::{Kit, artefacts},
};
use assay_jobs::Lane;
use assay_pipeline::{SpectrumList, fixture};
use assay_store::BlobStore;

/// A label and a group of one row.
const NAMES: [(&str, &str); 9] = [
    ("=HYPERLINK(\"http://x\",\"y\")", "=1+1"),
    ("+1", "+lot"),
    ("-1", "-lot"),
    ("@SUM(A1)", "@lot"),
    ("a, \"b\"; c", "two\nlines"),
    ("Öl 漢字 \u{202e}x", "\r\nbefore"),
    ("'quoted", "\tafter a tab"),
    ("1.5", " = with a blank before"),
    ("plain", ""),
];

#[tokio::test(flavor = "multi_thread")]
async fn names_come_back_whole_and_are_no_formulas() {
    let kit = Kit::new().await;
    let mut rows = Vec::new();
    for (replicate, (label, group)) in NAMES.into_iter().enumerate() {
        let spectrum = fixture::spectrum(0, 900 + replicate as u64);
        let digest = kit.put(assay_formats::write_spe(&spectrum)).await;
        rows.push(listed(digest, label, group));
    }
    let list = SpectrumList::new(rows);
    let (dataset, _) = kit.list(&list).await;
    let record = kit.finish(kit.submit(Lane::Identify, dataset).await).await;
    let exact = lines(&kit, &record).await;
    for (line, row) in exact.iter().zip(list.rows()) {
        assert_eq!((&line.label, &line.group), (&row.label, &row.group));
    }
    let bytes = kit
        .blobs
        .get(artefacts(&record)["results.csv"])
        .await
        .unwrap();
    let mut reader = csv::Reader::from_reader(bytes.as_ref());
    let columns = reader.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let mut count = 0;
    for (record, row) in reader.records().zip(list.rows()) {
        let record = record.unwrap();
        assert_eq!(record.len(), columns.len());
        let label = row.label.as_ref().unwrap().as_str();
        for (name, exact) in [("label", label), ("group", &row.group)] {
            let found = &record[column(name)];
            let harmless = found.strip_prefix('\'').filter(|_| found != exact);
            assert_eq!(harmless.unwrap_or(found), exact);
            assert!(
                !found.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                "{found:?}"
            );
        }
        let score: f64 = record[column("gate_score")].parse().unwrap();
        assert!(score <= 0.0, "a number stays a number");
        count += 1;
    }
    assert_eq!(count, NAMES.len());
    assert!(bytes.ends_with(b"\r\n"));
}
