//! Lists of jobs.

use crate::{
    jobs::batch,
    serving::{Serving, fields, training},
};
use assay_api::jobs::{CancelRequest, JobState, Lane, ListRequest, SubmitRequest};
use assay_control::ControlConfig;

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let mut serving = Serving::start().await;
    serving.model("default", "1").await;
    let dataset = serving.dataset().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let answer = serving
            .jobs
            .submit(training(dataset.clone()))
            .await
            .unwrap();
        ids.insert(0, answer.into_inner().job.unwrap().id);
    }
    serving
        .jobs
        .submit(batch(dataset, "default"))
        .await
        .unwrap();
    let cancel = CancelRequest {
        id: ids[4].clone(),
        reason: "enough".to_owned(),
    };
    serving.jobs.cancel(cancel).await.unwrap();
    let mut request = ListRequest {
        lane: Lane::Train.into(),
        states: vec![JobState::Queued.into()],
        page_size: 3,
        page_token: String::new(),
    };
    let page = serving
        .jobs
        .list(request.clone())
        .await
        .unwrap()
        .into_inner();
    let found: Vec<_> = page.jobs.iter().map(|job| job.id.clone()).collect();
    assert_eq!(found, ids[..3], "newest first");
    request.page_token = page.next_page_token;
    let page = serving
        .jobs
        .list(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.jobs.len(), 1);
    assert_eq!(page.jobs[0].id, ids[3]);
    assert_eq!(page.next_page_token, "");
    let all = serving
        .jobs
        .list(ListRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(all.jobs.len(), 6);
    for (request, field) in [
        (
            ListRequest {
                page_size: 1001,
                ..request.clone()
            },
            "page_size",
        ),
        (
            ListRequest {
                page_token: "x".to_owned(),
                ..request.clone()
            },
            "page_token",
        ),
        (
            ListRequest {
                lane: 9,
                ..request.clone()
            },
            "lane",
        ),
        (
            ListRequest {
                states: vec![1, 0],
                ..request.clone()
            },
            "states[1]",
        ),
    ] {
        let status = serving.jobs.list(request).await.unwrap_err();
        assert_eq!(fields(&status), [field]);
    }
    serving.end().await;
}

#[tokio::test]
async fn long_specifications_make_more_pages_and_not_a_message_too_long() {
    let config = ControlConfig {
        max_message_bytes: Some(1 << 17),
        ..ControlConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let dataset = serving.dataset().await;
    let mut candidates = vec![usize::MAX; 999];
    candidates.push(1);
    let long = serde_json::json!({ "gate": { "candidates": candidates } }).to_string();
    for _ in 0..3 {
        let request = SubmitRequest {
            specification_json: long.clone(),
            ..training(dataset.clone())
        };
        serving.jobs.submit(request).await.unwrap();
    }
    let mut request = ListRequest::default();
    let mut found = Vec::new();
    for _ in 0..3 {
        let page = serving
            .jobs
            .list(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.jobs.len(), 1, "one fits into a quarter of a message");
        found.push(page.jobs[0].id.clone());
        request.page_token = page.next_page_token;
    }
    assert_eq!(request.page_token, "");
    found.dedup();
    assert_eq!(found.len(), 3);
    serving.end().await;
}
