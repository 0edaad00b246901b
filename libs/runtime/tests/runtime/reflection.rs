//! Both versions of server reflection.

use crate::{
    harness::{config, serve, unless_it_hangs},
    service::NAME,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Code;
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

#[tokio::test]
async fn an_open_question_does_not_delay_the_end() {
    use v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest,
    };
    let running = serve(config()).await;
    let (questions, asked) = mpsc::unbounded_channel();
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    questions.send(question).unwrap();
    let mut answers = ServerReflectionClient::new(running.channel().await)
        .server_reflection_info(UnboundedReceiverStream::new(asked))
        .await
        .unwrap()
        .into_inner();
    answers.message().await.unwrap().unwrap();
    let (ended, last) = tokio::join!(running.end(), unless_it_hangs(answers.message()));
    ended.unwrap();
    assert_eq!(last.unwrap_err().code(), Code::Unavailable);
    // Whoever asks would have gone on.
    drop(questions);
}
