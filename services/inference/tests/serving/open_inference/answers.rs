//! What comes out: the bits of our own interface, in the form that was asked for.

use super::{at_fault, bytes, infer, open, output, parameter, refused, request};
use crate::{
    kit::{IMAGES, Kit, VECTORS, config, vectors},
    wire::{client, serve, to_wire},
};
use assay_api::{
    inference::{ClassifyRequest, FeaturesRequest},
    open_inference::{
        InferTensorContents, ModelConfigRequest, ModelMetadataRequest,
        infer_parameter::ParameterChoice,
    },
};
use assay_pipeline::fixture;
use tonic::Code;

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
