//! Bundles are read once for all who ask, kept in bounds, and read again after a failure.

use crate::kit::{BUNDLE, Kit};
use assay_answering::Question;
use assay_core::{Classified, Digest, ErrorKind};
use assay_pipeline::fixture;
use futures::{future::join_all, poll};
use std::{fs, sync::Arc};

#[tokio::test(flavor = "multi_thread")]
async fn all_who_ask_first_wait_for_one_reading() {
    let kit = Kit::new().await;
    let answerer = kit.answerer(2);
    kit.registry.close();
    let mut all = Box::pin(join_all((0..32).map(|_| answerer.judge(BUNDLE.id()))));
    assert!(poll!(&mut all).is_pending());
    kit.registry.open();
    let judges: Vec<_> = all.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(kit.registry.reads(), 1);
    assert!(judges.iter().all(|judge| Arc::ptr_eq(judge, &judges[0])));
    assert_eq!(judges[0].bundle().id(), BUNDLE.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_who_reads_may_leave_without_harm_to_the_others() {
    let kit = Kit::new().await;
    let answerer = kit.answerer(2);
    kit.registry.close();
    let mut first = Box::pin(answerer.judge(BUNDLE.id()));
    assert!(poll!(&mut first).is_pending());
    let mut second = Box::pin(answerer.judge(BUNDLE.id()));
    assert!(poll!(&mut second).is_pending());
    drop(first);
    kit.registry.open();
    assert_eq!(second.await.unwrap().bundle().id(), BUNDLE.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_bundle_is_told_every_time_and_a_mended_one_answers() {
    let kit = Kit::new().await;
    let other = fixture::renamed(&BUNDLE, 1);
    kit.register("other", &other).await;
    let answerer = kit.answerer(4);
    let document = Digest::of(BUNDLE.files()["bundle.json"]).to_string();
    let file = kit.folder.path().join("registry/files").join(document);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[40] ^= 1;
    for (bytes, kind) in [
        (damaged, ErrorKind::DataLoss),
        (whole[..100].to_vec(), ErrorKind::DataLoss),
    ] {
        fs::write(&file, bytes).unwrap();
        for _ in 0..2 {
            let error = answerer.judge(BUNDLE.id()).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(
                error.to_string().contains("the model cannot be used"),
                "{error}"
            );
        }
        assert_eq!(kit.registry.reads(), 2, "a failure is not kept");
        answerer.judge(other.id()).await.unwrap();
        kit.registry.reads();
    }
    fs::write(&file, whole).unwrap();
    assert_eq!(
        answerer.judge(BUNDLE.id()).await.unwrap().bundle().id(),
        BUNDLE.id()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_not_registered_is_not_found() {
    let kit = Kit::new().await;
    let answerer = kit.answerer(1);
    let nobody = Digest::of(b"nobody");
    let bytes = assay_formats::write_spe(&fixture::spectrum(0, 0)).into();
    let name = "a.spe".to_owned();
    let question = Question::Content { bytes, name };
    let error = answerer.identify_with(nobody, question, None).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_asked_for_last_are_kept_and_the_others_let_go() {
    let kit = Kit::new().await;
    let others = [1, 2].map(|seed| fixture::renamed(&BUNDLE, seed));
    kit.register("one", &others[0]).await;
    kit.register("two", &others[1]).await;
    let answerer = kit.answerer(2);
    let favourite = Arc::downgrade(&answerer.judge(BUNDLE.id()).await.unwrap());
    for _ in 0..100 {
        answerer.judge(BUNDLE.id()).await.unwrap();
    }
    assert_eq!(kit.registry.reads(), 1);
    for _ in 0..3 {
        for other in &others {
            answerer.judge(other.id()).await.unwrap();
        }
    }
    assert_eq!(
        kit.registry.reads(),
        2,
        "each once, however old the favourite was"
    );
    // The cache frees what it let go while it is used further.
    for _ in 0..100_000 {
        if favourite.upgrade().is_none() {
            return;
        }
        answerer.judge(others[0].id()).await.unwrap();
    }
    panic!("it is still in memory");
}
