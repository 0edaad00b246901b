//! Bundles in and out, aliases to and fro.

use crate::serving::{BUNDLE, Serving, bundle_files, fields};
use assay_api::registry::{
    DescribeVersionRequest, GetBundleRequest, ListModelsRequest, ModelVersion, PromoteRequest,
    PutBundleRequest, RollBackRequest,
};
use assay_control::ControlConfig;
use assay_pipeline::Bundle;
use std::{collections::BTreeMap, path::Path};
use tonic::{Code, Status};

/// A bundle in pieces, files in turn, so that their pieces are mixed.
fn messages(name: &str, version: &str) -> Vec<PutBundleRequest> {
    let mut messages = Vec::new();
    for (file, bytes) in bundle_files() {
        let pieces = bytes.chunks(50_000).enumerate();
        messages.extend(pieces.map(|(at, piece)| {
            let message = PutBundleRequest {
                file_name: file.clone(),
                chunk: piece.to_vec(),
                ..PutBundleRequest::default()
            };
            (at, message)
        }));
    }
    messages.sort_by_key(|(at, _)| *at);
    let mut messages: Vec<_> = messages.into_iter().map(|(_, message)| message).collect();
    messages[0].name = name.to_owned();
    messages[0].version = version.to_owned();
    messages
}

async fn put(
    serving: &mut Serving,
    messages: Vec<PutBundleRequest>,
) -> Result<ModelVersion, Status> {
    let answer = serving
        .registry
        .put_bundle(tokio_stream::iter(messages))
        .await?;
    Ok(answer.into_inner().version.unwrap())
}

#[tokio::test]
async fn a_bundle_goes_in_and_comes_out_the_same() {
    let mut serving = Serving::start().await;
    let version = put(&mut serving, messages("steels", "")).await.unwrap();
    assert_eq!(
        (version.name.as_str(), version.version),
        ("steels", BUNDLE.id().short())
    );
    assert_eq!(version.bundle, BUNDLE.id().to_string());
    let again = put(&mut serving, messages("steels", "")).await.unwrap();
    assert_eq!(
        again.created_at_ms, version.created_at_ms,
        "a repeat is harmless"
    );
    for model in [
        format!("steels:{}", BUNDLE.id().short()),
        BUNDLE.id().to_string(),
    ] {
        let request = GetBundleRequest {
            model: model.clone(),
        };
        let mut parts = serving
            .registry
            .get_bundle(request)
            .await
            .unwrap()
            .into_inner();
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        while let Some(part) = parts.message().await.unwrap() {
            files.entry(part.file_name).or_default().extend(part.chunk);
        }
        let bundle = Bundle::from_files(files, Path::new("download")).unwrap();
        assert_eq!(bundle.id(), BUNDLE.id());
        assert_eq!(bundle.files(), BUNDLE.files());
        let described = serving
            .registry
            .describe_version(DescribeVersionRequest { model });
        let described = described.await.unwrap().into_inner();
        assert_eq!(described.version.unwrap(), again);
        assert_eq!(described.card, BUNDLE.card());
        assert!(described.bundle_json.contains(&again.bundle));
    }
    serving.end().await;
}

#[tokio::test]
async fn what_is_no_bundle_is_not_taken() {
    let config = ControlConfig {
        max_bundle_bytes: 1 << 20,
        ..ControlConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let good = messages("steels", "1");
    let changed = |change: &dyn Fn(&mut Vec<PutBundleRequest>)| {
        let mut messages = good.clone();
        change(&mut messages);
        messages
    };
    let flipped = changed(&|messages| messages[1].chunk[7] ^= 1);
    let status = put(&mut serving, flipped).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let short = changed(&|messages| drop(messages.pop()));
    assert_eq!(
        put(&mut serving, short).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let large = changed(&|messages| {
        let more = PutBundleRequest {
            file_name: "model.onnx".to_owned(),
            chunk: vec![0; 600_000],
            ..PutBundleRequest::default()
        };
        messages.extend([more.clone(), more]);
    });
    for (messages, field) in [
        (Vec::new(), "name"),
        (changed(&|m| m[0].name.clear()), "name"),
        (
            changed(&|m| m[0].version = "production@".to_owned()),
            "version",
        ),
        (changed(&|m| m[1].name = "other".to_owned()), "name"),
        (
            changed(&|m| m[1].file_name = "../model.onnx".to_owned()),
            "file_name",
        ),
        (changed(&|m| m[1].chunk = vec![0; (1 << 20) + 1]), "chunk"),
        (large, "chunk"),
    ] {
        let status = put(&mut serving, messages).await.unwrap_err();
        assert_eq!(fields(&status), [field], "{status}");
    }
    let models = serving
        .registry
        .list_models(ListModelsRequest {})
        .await
        .unwrap();
    assert_eq!(models.into_inner().models, [], "nothing was left behind");
    serving.end().await;
}

#[tokio::test]
async fn only_so_many_bundles_are_taken_at_once() {
    let config = ControlConfig {
        max_uploads: 1,
        ..ControlConfig::default()
    };
    let mut serving = Serving::start_with(config).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut first = messages("steels", "1").into_iter();
    let upload = {
        let mut registry = serving.registry.clone();
        let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
        tokio::spawn(async move { registry.put_bundle(stream).await })
    };
    // The channel holds one message, so when two more have gone in, the service has the first.
    for _ in 0..3 {
        sender.send(first.next().unwrap()).await.unwrap();
    }
    let mut refusals = 0;
    while refusals == 0 {
        let mut second = messages("steels", "2");
        second.truncate(1);
        let status = put(&mut serving, second).await.unwrap_err();
        refusals += usize::from(status.code() == Code::ResourceExhausted);
    }
    for message in first {
        sender.send(message).await.unwrap();
    }
    drop(sender);
    upload.await.unwrap().unwrap();
    put(&mut serving, messages("steels", "2")).await.unwrap();
    serving.end().await;
}

#[tokio::test]
async fn aliases_move_and_move_back() {
    let mut serving = Serving::start().await;
    for version in ["1", "2"] {
        put(&mut serving, messages("steels", version))
            .await
            .unwrap();
    }
    let promote = |version: &str, expected: &str| PromoteRequest {
        name: "steels".to_owned(),
        alias: String::new(),
        version: version.to_owned(),
        expected_version: expected.to_owned(),
    };
    let first = serving
        .registry
        .promote(promote("1", ""))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((first.step, first.version.as_str()), (1, "1"));
    let status = serving
        .registry
        .promote(promote("2", "2"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let status = serving
        .registry
        .promote(promote("3", ""))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    serving.registry.promote(promote("2", "1")).await.unwrap();
    let models = serving
        .registry
        .list_models(ListModelsRequest {})
        .await
        .unwrap();
    let model = &models.get_ref().models[0];
    assert_eq!((model.name.as_str(), model.versions.len()), ("steels", 2));
    assert_eq!(
        (
            model.aliases[0].alias.as_str(),
            model.aliases[0].version.as_str()
        ),
        ("production", "2")
    );
    let back = RollBackRequest {
        name: "steels".to_owned(),
        alias: String::new(),
    };
    let back = serving.registry.roll_back(back).await.unwrap().into_inner();
    assert_eq!((back.step, back.version.as_str()), (3, "1"));
    let model = "steels".to_owned();
    let described = serving
        .registry
        .describe_version(DescribeVersionRequest { model })
        .await;
    assert_eq!(
        described.unwrap().into_inner().version.unwrap().version,
        "1"
    );
    serving.end().await;
}
