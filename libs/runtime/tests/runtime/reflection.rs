//! Both versions of server reflection.

use crate::{
    harness::{config, serve},
    service::NAME,
};
use tonic_reflection::pb::{v1, v1alpha};

/// Asks one version what there is, and for the file of a symbol.
macro_rules! ask {
    ($channel:expr, $version:ident) => {{
        use $version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let questions = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol(NAME.to_owned()),
        ]
        .map(|message_request| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message_request),
        });
        let mut answers = ServerReflectionClient::new($channel)
            .server_reflection_info(tokio_stream::iter(questions))
            .await
            .unwrap()
            .into_inner();
        let mut next = async || {
            let answer = answers.message().await.unwrap().unwrap();
            answer.message_response.unwrap()
        };
        let MessageResponse::ListServicesResponse(list) = next().await else {
            panic!("no list");
        };
        let MessageResponse::FileDescriptorResponse(files) = next().await else {
            panic!("no file");
        };
        let names = list.service.into_iter().map(|service| service.name);
        let mut names: Vec<String> = names.collect();
        names.sort();
        (names, files.file_descriptor_proto)
    }};
}

#[tokio::test]
async fn both_versions_list_and_describe_what_is_there_and_nothing_else() {
    let running = serve(config()).await;
    let channel = running.channel().await;
    let (today, files) = ask!(channel.clone(), v1);
    let (before, same_files) = ask!(channel, v1alpha);
    assert_eq!(today, ["grpc.health.v1.Health", NAME]);
    assert_eq!(before, today);
    let described = files.iter().any(|file| {
        let text = String::from_utf8_lossy(file);
        text.contains("IngestService") && text.contains("RenderImageStream")
    });
    assert!(described);
    assert_eq!(same_files, files);
    running.end().await.unwrap();
}
