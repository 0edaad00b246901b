//! Brokers that refuse us, things that are no broker, and queues that others made.

use crate::{
    fixture::{PATIENCE, Place, log, lost, published},
    proxy::parts,
};
use assay_amqp::{AmqpOptions, AmqpQueue};
use assay_core::Secret;
use assay_jobs::Lane;
use lapin::{
    options::{QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

/// A password that must be nowhere.
const WORD: &str = "never-to-be-shown";

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let Some(place) = Place::find("a wrong password").await else {
        return;
    };
    let (_, host, after) = parts(place.url());
    let queue = AmqpQueue::start(place.options_at(&format!("amqp://guest:{WORD}@{host}{after}")));
    let queue = queue.unwrap();
    let reason = lost(&queue).await;
    assert!(reason.contains("does not let us in"), "{reason}");
    assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
    for shown in [reason, format!("{queue:?}"), log()] {
        assert!(!shown.contains(WORD), "{shown}");
    }
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_told() {
    let Some(place) = Place::find("a wrong virtual host").await else {
        return;
    };
    let (before, host, _) = parts(place.url());
    let url = format!("{before}{host}/nowhere-at-all");
    let queue = AmqpQueue::start(place.options_at(&url)).unwrap();
    let reason = lost(&queue).await;
    assert!(reason.contains("nowhere-at-all"), "{reason}");
    assert!(reason.contains("virtual host"), "{reason}");
}

/// What answers in another tongue, hangs up at once, hangs up after a word, or says nothing.
#[tokio::test]
async fn what_is_no_broker_is_told() {
    for (answer, hangs_up, word) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
            true,
            "speak as a broker",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            false,
            "speak as a broker",
        ),
        (b"", true, "hung up"),
        (b"AMQP\x00\x01\x00\x00", false, "speak as a broker"),
        (b"\x01\x00\x00", true, "speak as a broker"),
        (b"", false, "no answer within 0.3 s"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut greeting = [0; 8];
                // The other side may be gone already.
                let _ = stream.read_exact(&mut greeting).await;
                let _ = stream.write_all(answer).await;
                if !hangs_up {
                    kept.push(stream);
                }
            }
        });
        let queue = AmqpQueue::start(AmqpOptions {
            connect_within: Duration::from_millis(300),
            ..AmqpOptions::new(Secret::new(format!("amqp://anna:{WORD}@127.0.0.1:{port}")))
        });
        let reason = lost(&queue.unwrap()).await;
        assert!(reason.contains(word), "{answer:?}: {reason}");
        assert!(reason.contains("5672"), "{reason}");
    }
    assert!(!log().contains(WORD));
}

#[tokio::test]
async fn a_queue_that_somebody_else_made_is_named_and_left_alone() {
    let Some(place) = Place::find("a foreign queue").await else {
        return;
    };
    let name = place.name(Lane::Identify);
    let options = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let declared =
        place
            .by_hand
            .queue_declare(name.as_str().into(), options, FieldTable::default());
    declared.await.unwrap();
    place.inject(Lane::Identify, b"a letter to a friend").await;
    let queue = AmqpQueue::start(place.options()).unwrap();
    let reason = lost(&queue).await;
    assert!(reason.contains(&format!("queue {name}")), "{reason}");
    assert!(reason.contains("delete it"), "{reason}");
    // Nothing else was done to it, however often it is tried.
    place.until_counts(&name, (1, 0)).await;
    let options = QueueDeleteOptions::default();
    let deleted = place.by_hand.queue_delete(name.as_str().into(), options);
    deleted.await.unwrap();
    timeout(PATIENCE, queue.connected()).await.unwrap();
    published(&queue, Lane::Identify).await;
}

/// The log names each trouble once, however often it is met.
#[tokio::test]
async fn a_trouble_that_stays_is_told_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    // From here on everything is logged.
    log();
    let queue = AmqpQueue::start(AmqpOptions::new(Secret::new(format!("amqp://{address}"))));
    let queue = queue.unwrap();
    let told = || log().matches(&format!("{address} does not speak")).count();
    let mut tries = 0;
    // Each of the two connections tells it, and then both try on.
    while told() < 2 || tries < 8 {
        drop(timeout(PATIENCE, listener.accept()).await.unwrap().unwrap());
        tries += 1;
    }
    assert!(lost(&queue).await.contains("it hung up"));
    assert_eq!(told(), 2, "after {tries} tries");
}
