//! Connections that are not there yet, are cut, or say nothing any more.

use crate::{
    fixture::{LOOK_EVERY, PATIENCE, Place, connected, hint, lost, published, taken},
    proxy::{Mood, Proxy},
};
use assay_amqp::{AmqpOptions, AmqpQueue, BrokerState};
use assay_jobs::{JobError, JobQueue, Lane};
use std::{net::TcpListener, time::Duration};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_queue_begins_without_its_broker_and_finds_it_later() {
    let Some(place) = Place::find("a queue without its broker").await else {
        return;
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = format!("amqp://anna:secret-word@127.0.0.1:{port}/%2f");
    let queue = AmqpQueue::start(place.options_at(&url)).unwrap();
    let reason = lost(&queue).await;
    let address = format!("127.0.0.1:{port} cannot be reached");
    assert!(reason.contains(&address), "{reason}");
    let told = timeout(PATIENCE, async {
        loop {
            let errors = [
                queue.publish(Lane::Train, &hint()).await.err().unwrap(),
                queue.consume(Lane::Train).await.err().unwrap(),
            ];
            for error in &errors {
                assert!(matches!(error, JobError::Unavailable { .. }));
                assert!(!error.to_string().contains("secret-word"), "{error}");
            }
            // Each of the two connections is tried for the first time when its turn comes.
            if errors.iter().all(|e| e.to_string().contains(&address)) {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    });
    told.await.unwrap();
    drop(queue);

    let (before, _, after) = crate::proxy::parts(place.url());
    let url = format!("{before}127.0.0.1:{port}{after}");
    let queue = AmqpQueue::start(place.options_at(&url)).unwrap();
    lost(&queue).await;
    let proxy = Proxy::at(port, place.url()).await;
    timeout(PATIENCE, queue.connected()).await.unwrap();
    let job = published(&queue, Lane::Train).await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    assert_eq!(taken(&mut *consumer).await, job);
    assert_eq!(proxy.port(), port);
}

#[tokio::test]
async fn who_waits_hears_of_a_cut_and_goes_on_after_it() {
    let Some(place) = Place::find("a cut").await else {
        return;
    };
    let proxy = Proxy::before(place.url()).await;
    let queue = connected(place.options_at(&proxy.url(place.url()))).await;
    for _ in 0..3 {
        let mut consumer = queue.consume(Lane::Train).await.unwrap();
        let waits = tokio::spawn(async move { consumer.next().await.err() });
        place.until_counts(&place.name(Lane::Train), (0, 1)).await;
        proxy.cut();
        let error = timeout(PATIENCE, waits).await.unwrap().unwrap().unwrap();
        assert!(matches!(error, JobError::Unavailable { .. }), "{error}");
        lost(&queue).await;
        timeout(PATIENCE, queue.connected()).await.unwrap();
        let job = published(&queue, Lane::Train).await;
        let mut consumer = queue.consume(Lane::Train).await.unwrap();
        assert_eq!(taken(&mut *consumer).await, job);
        // The broker has heard that it was taken, which a cut could prevent.
        place.until_counts(&place.name(Lane::Train), (0, 0)).await;
    }
}

/// No end is told, as when a machine loses its power or a firewall forgets a connection.
#[tokio::test]
async fn a_broker_that_says_nothing_any_more_is_left() {
    let Some(place) = Place::find("a broker that says nothing").await else {
        return;
    };
    let proxy = Proxy::before(place.url()).await;
    let queue = connected(AmqpOptions {
        heartbeat: Duration::from_secs(1),
        connect_within: Duration::from_secs(2),
        ..place.options_at(&proxy.url(place.url()))
    })
    .await;
    let mut consumer = queue.consume(Lane::Train).await.unwrap();
    let waits = tokio::spawn(async move { consumer.next().await.err() });
    place.until_counts(&place.name(Lane::Train), (0, 1)).await;
    proxy.set(Mood::Stands);
    let reason = lost(&queue).await;
    assert!(!reason.is_empty());
    let error = timeout(PATIENCE, waits).await.unwrap().unwrap();
    assert!(matches!(error, Some(JobError::Unavailable { .. })));
    proxy.set(Mood::Carries);
    timeout(PATIENCE, queue.connected()).await.unwrap();
    published(&queue, Lane::Train).await;
}

#[tokio::test]
async fn a_queue_that_is_closed_or_dropped_leaves_its_broker() {
    let Some(place) = Place::find("a queue that is dropped").await else {
        return;
    };
    let queue = place.queue().await;
    queue.close().await;
    queue.close().await;
    let state = queue.state().borrow().clone();
    assert!(matches!(&state, BrokerState::Lost { reason } if reason.contains("closed")));
    let queue = place.queue().await;
    let mut state = queue.state();
    drop(queue);
    let closed = state.wait_for(|state| matches!(state, BrokerState::Lost { .. }));
    assert!(timeout(PATIENCE, closed).await.unwrap().is_ok());
}
