//! Tests with small models written here: what is accepted, what is refused, how it is inlined.

use super::*;
use crate::{
    ExportOptions, HeadSpec, ImageLayer, Tensor, Weights, catalogue, export_onnx,
    onnx::{
        build::{Builder, Setting, float_value},
        proto::{GraphProto, TensorProto, tensor_proto::DataLocation},
    },
};
use proptest::prelude::*;
use prost::Message;
use std::sync::Arc;

fn settings() -> ForeignSettings {
    ForeignSettings {
        name: "theirs".to_owned(),
        output: None,
        range: (0.0, 1.0),
        mean: vec![0.5, 0.25, 0.0],
        deviation: vec![0.5, 0.5, 2.0],
        layout: Layout::Nchw,
        licence: "MIT".to_owned(),
        source: "a test".to_owned(),
    }
}

/// Convolution, pooling and a classifier that is to be cut off.
fn model(opset: i64) -> ModelProto {
    let mut builder = Builder::new(opset);
    builder.floats("kernel", &[5, 3, 1, 1], &[0.5; 15]);
    builder.floats("classes", &[5, 2], &[1.0; 10]);
    let kernel = vec![("kernel_shape", Setting::Ints(vec![1, 1]))];
    builder.node("Conv", &["pixels", "kernel"], "map", kernel);
    builder.node("GlobalAveragePool", &["map"], "pooled", Vec::new());
    let axis = vec![("axis", Setting::Int(1))];
    builder.node("Flatten", &["pooled"], "flat", axis);
    builder.node("MatMul", &["flat", "classes"], "scores", Vec::new());
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: opset,
        }],
        graph: Some(GraphProto {
            node: builder.nodes,
            initializer: builder.constants,
            input: vec![float_value("pixels", &[Some(3), None, None])],
            output: vec![
                float_value("map", &[Some(5), None, None]),
                float_value("scores", &[Some(2)]),
            ],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

fn read(model: &ModelProto, settings: ForeignSettings) -> Result<ForeignBase, NetworkError> {
    ForeignBase::from_bytes(&model.encode_to_vec(), settings)
}

fn refused(model: &ModelProto, settings: ForeignSettings, word: &str) {
    let message = read(model, settings).unwrap_err().to_string();
    assert!(message.contains(word), "{message}");
}

#[test]
fn becomes_part_of_an_exported_model() {
    for opset in [13, 17, 18, 21] {
        let base = read(&model(opset), settings()).unwrap();
        assert_eq!(base.channels(), 5);
        assert_eq!(base.opset(), opset);
        let layer = ImageLayer {
            imaging: assay_gramian::Imaging {
                size: 8,
                ..assay_gramian::Imaging::default()
            },
            bins: 20,
        };
        let head = HeadSpec {
            classes: 2,
            dropout: 0.2,
        };
        let graph = catalogue::image_classifier(layer, &base.graph(None), head).unwrap();
        let mut weights = Weights::new();
        weights.insert(
            "head.weight",
            Tensor::new(vec![5, 2], vec![1.0; 10]).unwrap(),
        );
        weights.insert("head.bias", Tensor::new(vec![2], vec![0.0; 2]).unwrap());
        let mut options = ExportOptions {
            outputs: vec![Landmark::FeatureMap, Landmark::Logits],
            ..ExportOptions::default()
        };
        assert!(
            export_onnx(&graph, &weights, &options).is_err(),
            "no file given"
        );
        options.foreign = Some(Arc::new(base));
        let bytes = export_onnx(&graph, &weights, &options).unwrap();
        let merged = ModelProto::decode(bytes.as_slice()).unwrap();
        assert_eq!(merged.opset_import[0].version, opset);
        let merged = merged.graph.unwrap();
        let conv = merged.node.iter().find(|n| n.op_type == "Conv").unwrap();
        assert_eq!(conv.input, ["foreign.pixels", "foreign/kernel"]);
        assert_eq!(conv.output, ["feature_map"]);
        assert!(
            !merged.node.iter().any(|n| n.op_type == "MatMul"),
            "cut off"
        );
        assert!(
            !merged
                .initializer
                .iter()
                .any(|t| t.name.contains("classes"))
        );
        let max = merged
            .node
            .iter()
            .find(|n| n.op_type == "ReduceMax")
            .unwrap();
        assert_eq!(max.input.len(), if opset < 18 { 1 } else { 2 });
    }
}

#[test]
fn pixels_follow_range_mean_and_deviation() {
    let base = read(&model(17), settings()).unwrap();
    // Black is (0 − mean)/deviation and white (1 − mean)/deviation.
    let (scale, shift) = base.pixel_affine();
    assert_eq!(scale, [1.0, 1.0, 0.25]);
    assert_eq!(shift, [0.0, 0.5, 0.25]);
    let descriptor = base.descriptor();
    assert_eq!((descriptor.pixel_scale, descriptor.pixel_shift), (0.5, 0.5));
    let mut other = settings();
    other.range = (0.0, 255.0);
    assert_ne!(read(&model(17), other).unwrap().digest(), base.digest());
}

#[test]
fn a_fixed_size_must_be_met() {
    let mut fixed = model(17);
    fixed.graph.as_mut().unwrap().input = vec![float_value("pixels", &[Some(3), Some(9), Some(9)])];
    let base = Arc::new(read(&fixed, settings()).unwrap());
    for (size, fits) in [(9, true), (8, false)] {
        let options = ExportOptions {
            outputs: vec![Landmark::FeatureMap],
            foreign: Some(Arc::clone(&base)),
            ..ExportOptions::default()
        };
        let result = export_onnx(&base.graph(Some(size)), &Weights::new(), &options);
        assert_eq!(result.is_ok(), fits, "{size}");
    }
}

#[test]
fn names_inside_control_flow_change_too() {
    let mut inner = Builder::new(17);
    inner.node("Relu", &["map"], "inner", Vec::new());
    let branch = GraphProto {
        node: inner.nodes,
        output: vec![float_value("inner", &[Some(5), None, None])],
        ..GraphProto::default()
    };
    let mut flow = model(17);
    let graph = flow.graph.as_mut().unwrap();
    let mut choose = graph.node[0].clone();
    choose.op_type = "If".to_owned();
    choose.input = vec!["condition".to_owned()];
    choose.output = vec!["chosen".to_owned()];
    choose.attribute = vec![crate::onnx::proto::AttributeProto {
        g: Some(branch),
        ..Default::default()
    }];
    graph.node.push(choose);
    graph.initializer.push(TensorProto {
        name: "condition".to_owned(),
        ..TensorProto::default()
    });
    graph.output = vec![float_value("chosen", &[Some(5), None, None])];
    let base = read(&flow, settings()).unwrap();
    let mut builder = Builder::new(17);
    base.inline(&mut builder, "b", ("image", None), "feature_map")
        .unwrap();
    let choose = builder.nodes.iter().find(|n| n.op_type == "If").unwrap();
    assert_eq!(choose.output, ["feature_map"]);
    let branch = choose.attribute[0].g.as_ref().unwrap();
    assert_eq!(branch.node[0].input, ["b/map"]);
    assert_eq!(branch.output[0].name, "b/inner");
    assert!(
        builder.nodes.iter().any(|n| n.output == ["b/map"]),
        "kept for the branch"
    );
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let change = |f: &dyn Fn(&mut GraphProto)| {
        let mut changed = model(17);
        f(changed.graph.as_mut().unwrap());
        changed
    };
    refused(&model(12), settings(), "operator set 12");
    refused(&model(22), settings(), "13 to 21");
    refused(&ModelProto::default(), settings(), "operator set none");
    let two = change(&|g| g.input.push(float_value("more", &[Some(3)])));
    refused(&two, settings(), "exactly one picture");
    let flat = change(&|g| g.input = vec![float_value("pixels", &[Some(3)])]);
    refused(&flat, settings(), "four are needed");
    let open = change(&|g| g.input = vec![float_value("pixels", &[None, None, None])]);
    refused(&open, settings(), "unknown number of channels");
    let maps = change(&|g| g.output.push(g.output[0].clone()));
    refused(&maps, settings(), "name the feature map");
    let outside = change(&|g| g.initializer[0].set_data_location(DataLocation::External));
    refused(&outside, settings(), "another file");
    let with = |f: &dyn Fn(&mut ForeignSettings)| {
        let mut changed = settings();
        f(&mut changed);
        changed
    };
    let missing = with(&|s| s.output = Some("nothing".to_owned()));
    refused(&model(17), missing, "\"nothing\"");
    refused(&model(17), with(&|s| s.mean = vec![0.0]), "mean");
    refused(&model(17), with(&|s| s.deviation[1] = 0.0), "deviation");
    refused(&model(17), with(&|s| s.range = (1.0, 1.0)), "range");
    refused(
        &model(17),
        with(&|s| s.layout = Layout::Nhwc),
        "unknown number of channels",
    );
    assert!(ForeignBase::from_bytes(b"no model", settings()).is_err());
}

proptest! {
    #[test]
    fn mutated_files_never_panic(
        changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..5),
        cut in any::<u16>(),
    ) {
        let mut file = model(17).encode_to_vec();
        let length = file.len();
        for (at, byte) in changes {
            file[usize::from(at) % length] = byte;
        }
        for bytes in [&file[..], &file[..usize::from(cut) % length]] {
            if let Ok(base) = ForeignBase::from_bytes(bytes, settings()) {
                let options = ExportOptions {
                    outputs: vec![Landmark::FeatureMap],
                    ..ExportOptions::default()
                };
                let graph = base.graph(Some(8));
                let options = ExportOptions { foreign: Some(Arc::new(base)), ..options };
                let _ = export_onnx(&graph, &Weights::new(), &options);
            }
        }
    }
}
