//! A question ends with its time, wherever it is, and the words say where that was.

use crate::kit::Kit;
use assay_answering::{AnswerError, Question, Wanted};
use assay_explain::CamSettings;
use assay_pipeline::fixture;
use std::{sync::atomic::Ordering::SeqCst, time::Duration};

const SOON: Option<Duration> = Some(Duration::from_secs(5));

async fn question(kit: &Kit) -> Question {
    Question::Stored(
        kit.put(assay_formats::write_spe(&fixture::spectrum(1, 300)))
            .await,
    )
}

fn doing<T: std::fmt::Debug>(answer: Result<T, AnswerError>) -> &'static str {
    match answer.unwrap_err() {
        AnswerError::Deadline { doing } => doing,
        error => unreachable!("{error}"),
    }
}

/// Time stands still but while everybody waits, and then it runs to the deadline at once.
#[tokio::test(start_paused = true)]
async fn every_wait_ends_with_the_time_of_the_question() {
    let kit = Kit::new().await;
    let answerer = kit.answerer(2);
    let question = question(&kit).await;
    let identify = |model| answerer.identify(model, question.clone(), SOON);
    assert_eq!(doing(identify("lost").await), "looking up the model");
    kit.registry.close();
    assert_eq!(doing(identify("steels").await), "reading the model");
    assert_eq!(
        doing(answerer.describe("steels", SOON).await),
        "reading the model"
    );
    kit.registry.open();
    kit.blobs.silent.store(true, SeqCst);
    assert_eq!(doing(identify("steels").await), "fetching the spectrum");
    kit.blobs.silent.store(false, SeqCst);
    kit.features.stall_after(0);
    assert_eq!(doing(identify("steels").await), "waiting for features");
    let wanted = Wanted {
        label: None,
        regions: 1,
        cam: CamSettings::default(),
    };
    let explain = answerer.explain("steels", question.clone(), wanted, SOON);
    assert_eq!(doing(explain.await), "waiting for features");
    kit.features.go_on();
    let answer = identify("steels").await.unwrap();
    assert_eq!(answer.closed_set_label.as_str(), "Coal, hard");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_for_when_the_time_is_over_before() {
    let kit = Kit::new().await;
    let answerer = kit.answerer(2);
    let question = question(&kit).await;
    kit.features.go_on();
    let over = Some(Duration::ZERO);
    let answer = answerer.identify("steels", question, over).await;
    assert_eq!(doing(answer), "looking up the model");
    assert_eq!((kit.features.asked(), kit.registry.reads()), (0, 0));
}
