//! Health follows the components and the end.

use crate::{
    harness::{Client, ask, config, connect, serve, serve_with},
    service::NAME,
};
use assay_runtime::{Component, Readiness, ServerConfig, health::LIVENESS};
use std::net::SocketAddr;
use tokio::sync::watch;
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

const SLOW: &str = "openassay.slow.v1.SlowService";

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

pub(crate) async fn check(channel: &Channel, service: &str) -> Result<ServingStatus, Code> {
    let answer = HealthClient::new(channel.clone())
        .check(about(service))
        .await
        .map_err(|status| status.code())?;
    Ok(answer.into_inner().status())
}

/// Waits until a watcher is told this.
async fn told(watcher: &mut Streaming<HealthCheckResponse>, wanted: ServingStatus) {
    while watcher.message().await.unwrap().unwrap().status() != wanted {}
}

#[tokio::test]
async fn readiness_is_followed_for_each_service_and_all_together() {
    let (state, ready) = watch::channel(Readiness::NotReady("loading a model".to_owned()));
    let slow = Component::new("slow", vec![SLOW], |_| {}).ready_when(ready);
    let running = serve_with(config(), |_| vec![slow]).await;
    let channel = running.channel().await;
    let mut client = HealthClient::new(channel.clone());
    let mut quick = client.watch(about(NAME)).await.unwrap().into_inner();
    told(&mut quick, ServingStatus::Serving).await;
    assert_eq!(check(&channel, SLOW).await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&channel, "").await, Ok(ServingStatus::NotServing));
    assert_eq!(check(&channel, LIVENESS).await, Ok(ServingStatus::Serving));
    assert_eq!(check(&channel, "other").await, Err(Code::NotFound));

    let mut all = client.watch(about("")).await.unwrap().into_inner();
    state.send(Readiness::Ready).unwrap();
    told(&mut all, ServingStatus::Serving).await;
    assert_eq!(check(&channel, SLOW).await, Ok(ServingStatus::Serving));

    state
        .send(Readiness::NotReady("the model is damaged".to_owned()))
        .unwrap();
    told(&mut all, ServingStatus::NotServing).await;
    assert_eq!(check(&channel, NAME).await, Ok(ServingStatus::Serving));
    running.end().await.unwrap();
}

#[tokio::test]
async fn the_first_moment_when_all_are_ready_is_told_once() {
    let (first, first_ready) = watch::channel(Readiness::NotReady("loading".to_owned()));
    let (second, second_ready) = watch::channel(Readiness::NotReady("loading".to_owned()));
    let shutdown = assay_runtime::Shutdown::new(config().grace());
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let server = assay_runtime::Server::bind(&config())
        .await
        .unwrap()
        .when_ready(move || tell.send(()).unwrap());
    let components = vec![
        Component::new("first", vec![SLOW], |_| {}).ready_when(first_ready),
        Component::new("second", vec![], |_| {}).ready_when(second_ready),
    ];
    let ended = tokio::spawn(server.run(components, shutdown.clone()));
    first.send(Readiness::Ready).unwrap();
    assert!(told.try_recv().is_err());
    second.send(Readiness::Ready).unwrap();
    told.recv().await.unwrap();
    second.send(Readiness::NotReady("gone".to_owned())).unwrap();
    second.send(Readiness::Ready).unwrap();
    shutdown.begin();
    ended.await.unwrap().unwrap();
    // The one who tells is gone after the first time.
    assert_eq!(told.recv().await, None);
}

#[tokio::test]
async fn watchers_are_told_of_the_end_and_do_not_delay_it() {
    let running = serve(config()).await;
    let mut client = HealthClient::new(running.channel().await);
    let mut watcher = client.watch(about(NAME)).await.unwrap().into_inner();
    told(&mut watcher, ServingStatus::Serving).await;
    let (ended, ()) = tokio::join!(running.end(), async {
        told(&mut watcher, ServingStatus::NotServing).await;
        let status = watcher.message().await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
    });
    ended.unwrap();
}

#[tokio::test]
async fn a_port_of_its_own_tells_the_same_health_and_nothing_else() {
    let (state, ready) = watch::channel(Readiness::NotReady("loading a model".to_owned()));
    let slow = Component::new("slow", vec![SLOW], |_| {}).ready_when(ready);
    let config = ServerConfig {
        health_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..config()
    };
    let running = serve_with(config, |_| vec![slow]).await;
    let address = running.health.unwrap();
    assert_ne!(address, running.address);
    let channel = connect(address).await;
    let mut client = HealthClient::new(channel.clone());
    let mut all = client.watch(about("")).await.unwrap().into_inner();
    told(&mut all, ServingStatus::NotServing).await;
    assert_eq!(check(&channel, LIVENESS).await, Ok(ServingStatus::Serving));
    assert_eq!(check(&channel, SLOW).await, Ok(ServingStatus::NotServing));
    state.send(Readiness::Ready).unwrap();
    told(&mut all, ServingStatus::Serving).await;
    assert_eq!(check(&channel, SLOW).await, Ok(ServingStatus::Serving));

    let refused = Client::new(channel).get_file(ask("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented, "{refused:?}");

    let (ended, ()) = tokio::join!(running.end(), async {
        told(&mut all, ServingStatus::NotServing).await;
    });
    ended.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
