//! What is counted; streams, deadlines, sizes.

use super::{at_fault, bytes, infer, open, output, parameter, refused, request, statistics};
use crate::{
    kit::{IMAGES, Kit, VECTORS, config, many},
    wire::serve,
};
use assay_api::open_inference::{
    ModelConfigRequest, ModelStatisticsRequest, infer_parameter::ParameterChoice,
};
use futures::StreamExt;
use tonic::{Code, Request};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_counted_by_version_in_requests_rows_and_runs() {
    let kit = Kit::new();
    kit.serve("default", &IMAGES).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let untouched = statistics(&mut open, "").await;
    assert_eq!(untouched.len(), 1);
    assert_eq!(
        (untouched[0].inference_count, untouched[0].last_inference),
        (0, 0)
    );

    let rows = many(&IMAGES, 3);
    infer(&mut open, request("", "", &rows)).await;
    infer(&mut open, request("default", "1", &rows)).await;
    infer(&mut open, request("", "", &rows[..1])).await;
    let mut bad = request("", "", &rows);
    bad.raw_input_contents[0].pop();
    at_fault(&refused(&mut open, bad).await, "raw_input_contents[0]");
    let mut not_finite = rows.clone();
    not_finite[1][7] = f32::NAN;
    let status = refused(&mut open, request("", "", &not_finite)).await;
    at_fault(&status, "raw_input_contents[0]");
    assert!(
        status.message().contains("row [1] has NaN at bin 7"),
        "{status}"
    );
    refused(&mut open, request("nothing", "", &rows)).await;

    let counted = statistics(&mut open, "default").await.swap_remove(0);
    assert_eq!(
        (counted.name.as_str(), counted.version.as_str()),
        ("default", "1")
    );
    assert_eq!(counted.inference_count, 7);
    // The second and third request found their features in the cache.
    assert_eq!(counted.execution_count, 1);
    assert!(counted.last_inference > 0);
    let times = counted.inference_stats.unwrap();
    let [success, fail] = [times.success, times.fail].map(Option::unwrap);
    assert_eq!((success.count, fail.count), (3, 2));
    let infer = times.compute_infer.unwrap();
    assert!(infer.count == 3 && infer.ns > 0 && infer.ns < success.ns);
    let batches: Vec<_> = counted.batch_stats.iter().map(|b| b.batch_size).collect();
    assert_eq!(batches, [3]);
    let absent = open.model_statistics(ModelStatisticsRequest {
        name: "nothing".to_owned(),
        version: String::new(),
    });
    assert_eq!(absent.await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_in_order_and_goes_on_after_a_refusal() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let rows = many(&VECTORS, 20);
    let questions: Vec<_> = (0..20usize)
        .map(|at| {
            let mut question = request("", "", &rows[at..=at]);
            question.id = at.to_string();
            if at % 5 == 3 {
                question.inputs[0].name = "image".to_owned();
            }
            question
        })
        .collect();
    let alone = infer(&mut open, questions[7].clone()).await;
    let answers = open.model_stream_infer(futures::stream::iter(questions));
    let mut answers = answers.await.unwrap().into_inner();
    let mut at = 0;
    while let Some(item) = answers.message().await.unwrap() {
        let answer = item.infer_response.unwrap();
        assert_eq!(answer.id, at.to_string());
        if at % 5 == 3 {
            assert!(
                item.error_message.contains("inputs[0].name"),
                "{}",
                item.error_message
            );
            assert!(answer.outputs.is_empty());
        } else {
            assert_eq!(item.error_message, "");
            assert_eq!(answer.outputs.len(), 3);
            let last = parameter(ParameterChoice::BoolParam(true));
            assert_eq!(answer.parameters["triton_final_response"], last);
        }
        if at == 7 {
            assert_eq!(answer.raw_output_contents, alone.raw_output_contents);
        }
        at += 1;
    }
    assert_eq!(at, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_and_the_parameter_timeout_end_a_request() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let rows = many(&VECTORS, 1024);
    let mut timed = request("", "", &rows);
    let one_us = parameter(ParameterChoice::Int64Param(1));
    timed.parameters.insert("timeout".to_owned(), one_us);
    let status = refused(&mut open, timed).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let mut soon = Request::new(request("", "", &rows));
    soon.set_timeout(std::time::Duration::from_millis(1));
    let code = open.model_infer(soon).await.unwrap_err().code();
    // The client's own clock and the server's may run out in either order.
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_answer_holds_are_refused_before_they_are_computed() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let small = assay_inference::InferenceConfig {
        max_message_bytes: Some(1024),
        ..config()
    };
    let inference = kit.start(small).await;
    let mut open = open(&serve(&kit, &inference).await);
    let mut question = request("", "", &many(&VECTORS, 1));
    let config = open.model_config(ModelConfigRequest::default());
    let most = config
        .await
        .unwrap()
        .into_inner()
        .config
        .unwrap()
        .max_batch_size;
    assert_eq!(most, 1);
    let rows = many(&VECTORS, 6);
    question.inputs[0].shape = vec![6, 2631];
    question.raw_input_contents = vec![bytes(&rows.concat())];
    // As many as the messages of this server hold, all the same: there is room above the limit.
    let status = refused(&mut open, question.clone()).await;
    at_fault(&status, "inputs[0].shape");
    assert!(status.message().contains("one answer holds"), "{status}");
    question.outputs = vec![output("probabilities")];
    assert_eq!(infer(&mut open, question).await.outputs[0].shape, [6, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_is_told_when_the_server_ends() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let first = request("", "", &many(&VECTORS, 1));
    let requests = futures::stream::iter([first]).chain(futures::stream::pending());
    let answers = open.model_stream_infer(requests).await;
    let mut answers = answers.unwrap().into_inner();
    let answered = answers.message().await.unwrap().unwrap();
    assert_eq!(answered.error_message, "");
    kit.shutdown.begin();
    let status = answers.message().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert!(status.message().contains("send what was not"), "{status}");
}
