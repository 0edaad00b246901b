//! The Open Inference Protocol over gRPC: the bits of our own interface, models that are loaded and
//! let go of, what is counted.

use crate::{
    kit::{IMAGES, Kit, VECTORS, config, many, vectors},
    wire::{client, serve, to_wire},
};
use assay_answering::FeatureSource;
use assay_api::{
    ClientOptions, Limited, MAX_MESSAGE_BYTES, channel,
    inference::{ClassifyRequest, FeaturesRequest, ListModelsRequest, ModelState},
    open_inference::{
        InferParameter, InferTensorContents, ModelConfigRequest, ModelInferRequest,
        ModelInferResponse, ModelMetadataRequest, ModelReadyRequest, ModelStatistics,
        ModelStatisticsRequest, RepositoryIndexRequest, RepositoryModelLoadRequest,
        RepositoryModelUnloadRequest, ServerReadyRequest,
        grpc_inference_service_client::GrpcInferenceServiceClient,
        infer_parameter::ParameterChoice,
        model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
    },
};
use assay_pipeline::fixture;
use assay_store::{BundleRegistry, PRODUCTION};
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt;

type Client = GrpcInferenceServiceClient<Channel>;

pub(crate) fn open(url: &str) -> Client {
    let channel = channel(url, &ClientOptions::default()).unwrap();
    GrpcInferenceServiceClient::new(channel).limited(MAX_MESSAGE_BYTES)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A request for everything of rows, raw.
fn request(model: &str, version: &str, rows: &[Vec<f32>]) -> ModelInferRequest {
    ModelInferRequest {
        model_name: model.to_owned(),
        model_version: version.to_owned(),
        inputs: vec![InferInputTensor {
            name: "spectrum".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![rows.len() as i64, rows[0].len() as i64],
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![bytes(&rows.concat())],
        ..ModelInferRequest::default()
    }
}

fn parameter(value: ParameterChoice) -> InferParameter {
    InferParameter {
        parameter_choice: Some(value),
    }
}

fn output(name: &str) -> InferRequestedOutputTensor {
    InferRequestedOutputTensor {
        name: name.to_owned(),
        ..InferRequestedOutputTensor::default()
    }
}

async fn infer(client: &mut Client, request: ModelInferRequest) -> ModelInferResponse {
    client.model_infer(request).await.unwrap().into_inner()
}

async fn refused(client: &mut Client, request: ModelInferRequest) -> Status {
    client.model_infer(request).await.unwrap_err()
}

#[track_caller]
fn at_fault(status: &Status, field: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, field, "{status}");
}

async fn load(client: &mut Client, model: &str) -> Result<(), Status> {
    let request = RepositoryModelLoadRequest {
        model_name: model.to_owned(),
        ..RepositoryModelLoadRequest::default()
    };
    client.repository_model_load(request).await.map(drop)
}

async fn unload(client: &mut Client, model: &str) -> Result<(), Status> {
    let request = RepositoryModelUnloadRequest {
        model_name: model.to_owned(),
        ..RepositoryModelUnloadRequest::default()
    };
    client.repository_model_unload(request).await.map(drop)
}

async fn ready(client: &mut Client, name: &str, version: &str) -> bool {
    let request = ModelReadyRequest {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let answer = client.model_ready(request).await;
    answer.unwrap().into_inner().ready
}

async fn server_ready(client: &mut Client) -> bool {
    let answer = client.server_ready(ServerReadyRequest {}).await;
    answer.unwrap().into_inner().ready
}

/// Name, version and state of everything in the registry.
async fn index(client: &mut Client) -> Vec<[String; 3]> {
    let answer = client.repository_index(RepositoryIndexRequest::default());
    let rows = answer.await.unwrap().into_inner().models.into_iter();
    rows.map(|row| [row.name, row.version, row.state]).collect()
}

async fn statistics(client: &mut Client, name: &str) -> Vec<ModelStatistics> {
    let request = ModelStatisticsRequest {
        name: name.to_owned(),
        version: String::new(),
    };
    let answer = client.model_statistics(request).await;
    answer.unwrap().into_inner().model_stats
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_have_the_bits_of_our_own_interface_with_and_without_a_cache() {
    let kit = Kit::new();
    kit.serve("vectors", &VECTORS).await;
    kit.serve("images", &IMAGES).await;
    let inference = kit.start(config()).await;
    let url = serve(&kit, &inference).await;
    let (mut own, mut open) = (client(&url), open(&url));
    for (model, bundle) in [("vectors", &*VECTORS), ("images", &*IMAGES)] {
        let rows = vectors(bundle, 1);
        // The second time features are in the cache, where the model has one.
        for id in ["first", "second"] {
            let mut question = request(model, "", &rows);
            question.id = id.to_owned();
            let found = infer(&mut open, question).await;
            let features = own.features(FeaturesRequest {
                model: model.to_owned(),
                vectors: to_wire(rows.clone()),
            });
            let features = features.await.unwrap().into_inner();
            let classes = own.classify(ClassifyRequest {
                model: model.to_owned(),
                vectors: to_wire(rows.clone()),
            });
            let classes = classes.await.unwrap().into_inner();
            let expected = [features.features, classes.logits, classes.probabilities];
            let names = ["features", "logits", "probabilities"];
            for (at, (name, expected)) in names.into_iter().zip(expected).enumerate() {
                let tensor = &found.outputs[at];
                let width = expected[0].values.len();
                assert_eq!(
                    (tensor.name.as_str(), tensor.datatype.as_str()),
                    (name, "FP32")
                );
                assert_eq!(tensor.shape, [rows.len() as i64, width as i64]);
                assert!(tensor.contents.is_none());
                let expected: Vec<f32> = expected.into_iter().flat_map(|v| v.values).collect();
                assert_eq!(found.raw_output_contents[at], bytes(&expected), "{name}");
            }
            assert_eq!(
                (found.outputs.len(), found.raw_output_contents.len()),
                (3, 3)
            );
            assert_eq!(found.id, id);
            assert_eq!(
                (found.model_name, found.model_version),
                (model.to_owned(), "1".to_owned())
            );
            let told = parameter(ParameterChoice::StringParam(bundle.id().to_string()));
            assert_eq!(found.parameters["bundle"], told);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_as_the_request_did_unless_it_is_asked_for_otherwise() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let rows = vectors(&VECTORS, 1);
    let raw = request("", "", &rows);
    let mut typed = raw.clone();
    typed.raw_input_contents.clear();
    typed.inputs[0].contents = Some(InferTensorContents {
        fp32_contents: rows.concat(),
        ..InferTensorContents::default()
    });
    let mut answers = Vec::new();
    for question in [&raw, &typed] {
        for binary in [None, Some(true), Some(false)] {
            let mut question = question.clone();
            question.outputs = vec![output("logits"), output("features")];
            if let Some(binary) = binary {
                let binary = parameter(ParameterChoice::BoolParam(binary));
                question
                    .parameters
                    .insert("binary_data_output".to_owned(), binary);
            }
            let expected = binary.unwrap_or(!question.raw_input_contents.is_empty());
            let answer = infer(&mut open, question).await;
            let names: Vec<_> = answer.outputs.iter().map(|o| o.name.as_str()).collect();
            assert_eq!(
                names,
                ["logits", "features"],
                "only what was asked for, in its order"
            );
            assert_eq!(
                answer.raw_output_contents.len(),
                if expected { 2 } else { 0 }
            );
            answers.push(match expected {
                true => answer.raw_output_contents,
                false => {
                    let tensors = answer.outputs.into_iter();
                    tensors
                        .map(|o| bytes(&o.contents.unwrap().fp32_contents))
                        .collect()
                }
            });
        }
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classification_names_the_largest_classes_of_each_row() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let url = serve(&kit, &inference).await;
    let (mut own, mut open) = (client(&url), open(&url));
    let rows = vectors(&VECTORS, 1);
    let own = own.classify(ClassifyRequest {
        model: String::new(),
        vectors: to_wire(rows.clone()),
    });
    let classes = own.await.unwrap().into_inner();
    let top = |count| {
        let mut output = output("probabilities");
        let count = parameter(ParameterChoice::Int64Param(count));
        output.parameters.insert("classification".to_owned(), count);
        output
    };
    let mut question = request("", "", &rows);
    question.outputs = vec![top(1)];
    question.raw_input_contents.clear();
    question.inputs[0].contents = Some(InferTensorContents {
        fp32_contents: rows.concat(),
        ..InferTensorContents::default()
    });
    let answer = infer(&mut open, question.clone()).await;
    let tensor = &answer.outputs[0];
    assert_eq!(
        (tensor.datatype.as_str(), &tensor.shape[..]),
        ("BYTES", &[4, 1][..])
    );
    let texts = &tensor.contents.as_ref().unwrap().bytes_contents;
    for (row, text) in texts.iter().enumerate() {
        let class = classes.classes[row] as usize;
        let value = classes.probabilities[row].values[class];
        let expected = format!("{value}:{class}:{}", classes.labels[class]);
        assert_eq!(String::from_utf8_lossy(text), expected);
    }
    // More than there are classes are all of them.
    question.outputs = vec![top(1000)];
    let all = infer(&mut open, question.clone()).await;
    assert_eq!(all.outputs[0].shape, [4, 3]);
    for (mut wrong, field) in [(output("features"), "features"), (output("logits"), "0")] {
        let none = ParameterChoice::Int64Param(i64::from(field == "features"));
        wrong
            .parameters
            .insert("classification".to_owned(), parameter(none));
        question.outputs = vec![output("probabilities"), wrong];
        let status = refused(&mut open, question.clone()).await;
        at_fault(&status, "outputs[1].parameters.classification");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_described_as_its_bundle_says() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    kit.put("default", "2", &fixture::renamed(&VECTORS, 1))
        .await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let metadata = open.model_metadata(ModelMetadataRequest::default());
    let metadata = metadata.await.unwrap().into_inner();
    assert_eq!(metadata.name, "default");
    assert_eq!(metadata.versions, ["1", "2"]);
    assert_eq!(metadata.platform, "onnxruntime_onnx");
    let (features, classes) = (VECTORS.head().features() as i64, 3);
    assert_eq!(metadata.inputs[0].name, "spectrum");
    assert_eq!(metadata.inputs[0].shape, [-1, 2631]);
    let shapes: Vec<_> = metadata.outputs.iter().map(|o| o.shape[1]).collect();
    assert_eq!(shapes, [features, classes, classes]);
    assert_eq!(
        metadata.properties["labels"],
        r#"["Ash","Coal, hard","Öl"]"#
    );
    assert_eq!(metadata.properties["version"], "1");
    let config = open.model_config(ModelConfigRequest {
        name: "default".to_owned(),
        version: "2".to_owned(),
    });
    let config = config.await.unwrap().into_inner().config.unwrap();
    assert_eq!(config.max_batch_size, 1024);
    assert_eq!(config.input[0].dims, [2631]);
    assert_eq!(config.output[2].dims, [classes]);
    let renamed = fixture::renamed(&VECTORS, 1).id().to_string();
    assert_eq!(config.parameters["bundle"].string_value, renamed);
    let absent = open.model_config(ModelConfigRequest {
        name: "default".to_owned(),
        version: "9".to_owned(),
    });
    assert_eq!(absent.await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_let_go_of_is_served_by_nobody_until_it_is_loaded_again() {
    let kit = Kit::new();
    let next = fixture::renamed(&VECTORS, 1);
    kit.serve("default", &VECTORS).await;
    kit.serve("other", &IMAGES).await;
    let inference = kit.start(config()).await;
    let url = serve(&kit, &inference).await;
    let (mut own, mut open) = (client(&url), open(&url));
    let rows = many(&VECTORS, 1);
    infer(&mut open, request("default", "1", &rows)).await;
    assert!(ready(&mut open, "default", "").await && ready(&mut open, "default", "1").await);
    unload(&mut open, "default").await.unwrap();
    for (name, version) in [
        ("default", ""),
        ("default", "1"),
        ("", ""),
        ("default@x", ""),
    ] {
        assert!(!ready(&mut open, name, version).await, "{name}:{version}");
        let status = refused(&mut open, request(name, version, &rows)).await;
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("RepositoryModelLoad"), "{status}");
    }
    let listed = own
        .list_models(ListModelsRequest {})
        .await
        .unwrap()
        .into_inner();
    let [gone, other] = &listed.models[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(
        (gone.name.as_str(), gone.state()),
        ("default@production", ModelState::Refused)
    );
    assert!(gone.reason.contains("RepositoryModelUnload"), "{gone:?}");
    assert_eq!(
        (other.name.as_str(), other.state()),
        ("other@production", ModelState::Serving)
    );
    let status = inference.resolve("default").await.unwrap_err();
    assert!(status.to_string().contains("let go"), "{status}");
    // It is unloaded once more without harm, others answer, and the server is ready for those.
    unload(&mut open, "default").await.unwrap();
    infer(&mut open, request("other", "", &vectors(&IMAGES, 1))).await;
    assert!(server_ready(&mut open).await);

    // A promotion does not bring it back; loading does, at what the alias points to by then.
    kit.put("default", "2", &next).await;
    kit.promote("default", "2").await;
    inference.refresh().await.unwrap();
    refused(&mut open, request("default", "", &rows)).await;
    let row = |name: &str, version: &str, state: &str| [name, version, state].map(str::to_owned);
    let away = [
        row("default", "1", "UNAVAILABLE"),
        row("default", "2", "UNAVAILABLE"),
        row("other", "1", "READY"),
    ];
    assert_eq!(index(&mut open).await, away);
    load(&mut open, "default").await.unwrap();
    assert!(ready(&mut open, "default", "2").await);
    let answer = infer(&mut open, request("default", "", &rows)).await;
    assert_eq!(answer.model_version, "2");
    assert_eq!(
        inference.resolve("default").await.unwrap().bundle,
        next.id()
    );
    let back = kit.registry.roll_back("default", PRODUCTION, "").await;
    back.unwrap();
    inference.refresh().await.unwrap();
    let answer = infer(&mut open, request("default", "", &rows)).await;
    assert_eq!(answer.model_version, "1", "aliases are followed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_work_are_finished_when_their_model_is_let_go_of() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    let long = crate::limits::begun(&inference, 512, None).await;
    unload(&mut open, "default").await.unwrap();
    assert_eq!(long.await.unwrap().rows.len(), 512);
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_brings_a_version_into_memory_now_and_a_bad_one_stops_nobody() {
    let kit = Kit::new();
    let (next, bad) = (fixture::renamed(&VECTORS, 1), fixture::overflowing_bundle());
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    kit.put("default", "2", &next).await;
    kit.put("default", "3", &bad).await;
    assert!(!ready(&mut open, "default", "2").await);
    load(&mut open, "default:2").await.unwrap();
    assert!(ready(&mut open, "default", "2").await);
    // The alias has moved, and nobody waits for the next look at the registry.
    kit.promote("default", "2").await;
    load(&mut open, "default").await.unwrap();
    let rows = many(&VECTORS, 1);
    assert_eq!(
        infer(&mut open, request("", "", &rows)).await.model_version,
        "2"
    );
    kit.promote("default", "3").await;
    for _ in 0..2 {
        let status = load(&mut open, "default").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        assert!(status.message().contains("failed its test"), "{status}");
    }
    assert_eq!(
        infer(&mut open, request("", "", &rows)).await.model_version,
        "2"
    );
    inference.refresh().await.unwrap();
    assert!(
        server_ready(&mut open).await,
        "what was refused is not served"
    );
    let index = index(&mut open).await;
    let states: Vec<_> = index.iter().map(|[_, _, state]| state.as_str()).collect();
    assert_eq!(states, ["READY", "READY", "UNAVAILABLE"]);
    load(&mut open, &VECTORS.id().to_string()).await.unwrap();

    for (name, code) in [
        ("nothing", Code::NotFound),
        ("default@nothing", Code::NotFound),
        ("a b", Code::InvalidArgument),
        ("default:2", Code::InvalidArgument),
    ] {
        if name != "default:2" {
            assert_eq!(
                load(&mut open, name).await.unwrap_err().code(),
                code,
                "{name}"
            );
        }
        if name != "default@nothing" {
            assert_eq!(
                unload(&mut open, name).await.unwrap_err().code(),
                code,
                "{name}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bundle_under_a_newer_version_answers_as_that_version() {
    let kit = Kit::new();
    kit.serve("default", &VECTORS).await;
    let inference = kit.start(config()).await;
    let mut open = open(&serve(&kit, &inference).await);
    kit.put("default", "same", &VECTORS).await;
    kit.promote("default", "same").await;
    inference.refresh().await.unwrap();
    let answer = infer(&mut open, request("", "", &many(&VECTORS, 1))).await;
    assert_eq!(answer.model_version, "same");
    let digest = VECTORS.id().to_string();
    let answer = infer(&mut open, request(&digest, "", &many(&VECTORS, 1))).await;
    assert_eq!(
        (answer.model_name, answer.model_version),
        (digest, String::new())
    );
}

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
