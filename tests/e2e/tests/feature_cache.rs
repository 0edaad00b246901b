//! Features kept in a Redis that several processes share: it may be empty, slow or gone, and the
//! answers stay the same to the last bit.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use assay_api::inference::{
    FeaturesRequest, FeaturesResponse, Vector, inference_service_client::InferenceServiceClient,
};
use assay_e2e::{
    client::{client, connect},
    cluster::{CONTROL, Cluster, INFERENCE},
    collection::{self, BUNDLE, MANIFEST},
    tool,
};
use assay_servers::redis::{self, Redis, Settings};
use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

const ROWS: usize = 3;
/// Bins of the usual recipe.
const BINS: u32 = 2631;

/// A way to a server on which bytes can be held back.
struct Way {
    address: SocketAddr,
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let held = Arc::clone(&gate);
        thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                // A server that is gone refuses; so does this way.
                let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
                    continue;
                };
                let back = (there.try_clone().unwrap(), here.try_clone().unwrap());
                for (from, to) in [(here, there), back] {
                    let held = Arc::clone(&held);
                    thread::spawn(move || carry(from, to, &held));
                }
            }
        });
        Self { address, gate }
    }

    fn hold(&self, held: bool) {
        *self.gate.0.lock().unwrap() = held;
        self.gate.1.notify_all();
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, held: &(Mutex<bool>, Condvar)) {
    let mut buffer = [0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let open = held.0.lock().unwrap();
        drop(held.1.wait_while(open, |held| *held).unwrap());
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    // The other side may have gone first.
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Empties a server that belongs to this test alone.
fn empty(redis: &Redis) {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).unwrap();
    connection.write_all(b"FLUSHALL\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("+OK"), "{answer}");
}

fn question() -> FeaturesRequest {
    let row = |row: u32| {
        let value = |bin: u32| -16.0 + ((bin * (7 + row)) % 997) as f32 / 100.0;
        Vector {
            values: (0..BINS).map(value).collect(),
        }
    };
    FeaturesRequest {
        model: "default".to_owned(),
        vectors: (0..ROWS as u32).map(row).collect(),
    }
}

async fn ask(url: &str) -> FeaturesResponse {
    let channel = connect(url).unwrap();
    let mut inference = client(&channel, InferenceServiceClient::new);
    inference.features(question()).await.unwrap().into_inner()
}

fn bits(answer: &FeaturesResponse) -> Vec<Vec<u32>> {
    let rows = answer.features.iter();
    rows.map(|row| row.values.iter().map(|v| v.to_bits()).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_a_slow_and_a_lost_cache_change_no_answer() {
    let name = "an emptied, a slow and a lost cache";
    let Some(redis) = redis::private(name, &Settings::volatile()).unwrap() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    collection::simulate(folder, 2, 1).unwrap();
    let model = ["train", "--model", "cnn2d", "--image-size", "64"];
    let rates = ["--epochs", "2", "--lr-bounds", "0.001,0.01", "--k", "2"];
    let files = ["--manifest", MANIFEST, "--bundle", BUNDLE];
    let quick = ["--validation", "none"];
    tool::run(folder, &[&model[..], &rates, &files, &quick].concat()).unwrap();
    let way = Way::to(redis.port());
    let environment = vec![(
        "OPENASSAY_STORAGE__CACHE_URL",
        format!("redis://{}", way.address),
    )];
    let mut cluster = Cluster::start_in(folder, &[], environment).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote"];
    cluster.run(&push).unwrap();
    assert!(!cluster.url(CONTROL).is_empty());
    let url = cluster.url(INFERENCE);

    let first = ask(&url).await;
    assert_eq!((first.features.len(), first.cached), (ROWS, 0));
    let same = |answer: &FeaturesResponse, cached: usize| {
        assert_eq!(bits(answer), bits(&first));
        assert_eq!(answer.cached as usize, cached);
    };
    same(&ask(&url).await, ROWS);
    // Another process finds what this one computed.
    cluster.kill(INFERENCE).unwrap();
    cluster.begin(INFERENCE).unwrap();
    same(&ask(&url).await, ROWS);

    empty(&redis);
    same(&ask(&url).await, 0);
    same(&ask(&url).await, ROWS);

    way.hold(true);
    same(&ask(&url).await, 0);
    same(&ask(&url).await, 0);
    way.hold(false);
    back(&url, same).await;

    redis.kill();
    same(&ask(&url).await, 0);
    same(&ask(&url).await, 0);
    redis.start_again().unwrap();
    back(&url, same).await;
}

/// Asks until the cache is used again, which it is some time after it came back.
async fn back(url: &str, same: impl Fn(&FeaturesResponse, usize)) {
    loop {
        let answer = ask(url).await;
        same(&answer, answer.cached as usize);
        if answer.cached as usize == ROWS {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
