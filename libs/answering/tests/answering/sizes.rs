//! A stored file that is larger than any spectrum is refused before it is read.

use crate::kit::{BUNDLE, Kit};
use assay_answering::{AnswerError, Question};
use std::fs::File;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_larger_than_any_spectrum_is_not_fetched() {
    let kit = Kit::new().await;
    let digest = kit.put("an array").await;
    let file = File::options().write(true).open(kit.file(digest)).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    kit.blobs.longest();
    let answerer = kit.answerer(2);
    let answer = answerer.identify_with(BUNDLE.id(), Question::Stored(digest), None);
    match answer.await.unwrap_err() {
        AnswerError::Field { field, reason } => {
            assert_eq!(field, "spectrum_digest");
            let named = ["67108865", "67108864"].map(|size| reason.contains(size));
            assert_eq!(named, [true; 2], "{reason}");
        }
        error => panic!("{error}"),
    }
    assert_eq!(kit.blobs.longest(), 0);
}
