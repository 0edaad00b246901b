//! Separate programs on RabbitMQ and Redis, of which one after the other is killed.

use crate::{
    GUARD,
    judge::{self, Expected},
    life::{self, Answers, Known},
    plan::{self, Moment, Plan},
    sub_folder,
};
use assay_core::{KeyedRng, keyed_rng};
use assay_e2e::{
    client::{self, Put},
    cluster::{CONTROL, Cluster, EXPLAINER, GATE, INFERENCE, INGEST, TRAINER},
    collection::{BUNDLE, Collection},
};
use assay_servers::{
    rabbitmq::Broker,
    redis::{self, Redis},
};
use rand::{RngExt as _, seq::IndexedRandom as _};
use std::path::Path;
use tokio::time::timeout;

/// As [`crate::SETTINGS`], for the program that each concerns.
const SETTINGS: [(&str, &str); 14] = [
    (CONTROL, "storage.lease_s=2"),
    (GATE, "storage.lease_s=2"),
    (EXPLAINER, "storage.lease_s=2"),
    (TRAINER, "storage.lease_s=2"),
    (CONTROL, "control.sweep_every_ms=100"),
    (CONTROL, "control.redispatch_after_s=2"),
    (GATE, "gate.chunk_rows=4"),
    (EXPLAINER, "explainer.chunk_rows=4"),
    (TRAINER, "trainer.checkpoint_every_steps=3"),
    (CONTROL, "telemetry.filter=warn"),
    (GATE, "telemetry.filter=warn"),
    (EXPLAINER, "telemetry.filter=warn"),
    (TRAINER, "telemetry.filter=warn"),
    (INFERENCE, "telemetry.filter=warn"),
];

/// Who may be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Program(&'static str),
    /// RabbitMQ.
    Broker,
    /// The Redis that keeps the records of jobs.
    Store,
    /// The Redis that keeps features.
    Cache,
}

/// Workers more often than those that take long to come back.
const VICTIMS: [Victim; 10] = [
    Victim::Program(GATE),
    Victim::Program(EXPLAINER),
    Victim::Program(TRAINER),
    Victim::Program(TRAINER),
    Victim::Program(CONTROL),
    Victim::Program(INFERENCE),
    Victim::Broker,
    Victim::Store,
    Victim::Store,
    Victim::Cache,
];

/// The servers that all rounds share.
pub(crate) struct Servers {
    broker: Broker,
    store: Redis,
    cache: Redis,
}

impl Servers {
    /// Starts them; `None` after saying what is not installed.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let broker = Broker::start(test).unwrap()?;
        let store = redis::private(test, &redis::Settings::durable()).unwrap()?;
        let cache = redis::private(test, &redis::Settings::volatile()).unwrap()?;
        Some(Self {
            broker,
            store,
            cache,
        })
    }

    /// What tells the programs of a round about them.
    fn environment(&self, prefix: &str) -> Vec<(&'static str, String)> {
        vec![
            ("OPENASSAY_STORAGE__JOBS_URL", self.store.url()),
            ("OPENASSAY_STORAGE__QUEUE_URL", self.broker.url()),
            ("OPENASSAY_STORAGE__CACHE_URL", self.cache.url()),
            ("OPENASSAY_STORAGE__PREFIX", prefix.to_owned()),
        ]
    }

    /// Kills one and lets it come back, with what it had on its disk.
    fn kill(&mut self, victim: Victim, cluster: &mut Cluster) {
        match victim {
            Victim::Program(program) => {
                cluster.kill(program).unwrap();
                cluster.begin(program).unwrap();
            }
            Victim::Broker => {
                self.broker.kill().unwrap();
                self.broker.start_again().unwrap();
            }
            Victim::Store => restart(&self.store),
            Victim::Cache => restart(&self.cache),
        }
    }
}

fn restart(redis: &Redis) {
    redis.kill();
    redis.start_again().unwrap();
}

/// One round: twenty jobs, two to four kills while they are submitted and done, and the store once
/// more when they are over.
pub(crate) async fn disturbed(
    folder: &Path,
    collection: &Collection,
    servers: &mut Servers,
    expected: &Expected,
    (seed, round): (u64, u64),
) {
    let folder = sub_folder(folder, &format!("separate round {round}"));
    let mut random = keyed_rng(seed, "kill test of separate programs", &[round]);
    let environment = servers.environment(&format!("round-{seed}-{round}"));
    let mut cluster = Cluster::start_in(&folder, &SETTINGS, environment).unwrap();
    let put = furnished(&cluster, collection).await;
    let plan = Plan::twenty(&put.dataset, &mut random);
    let mut known = Known::default();
    let kills = random.random_range(2..=4);
    let mut told = String::new();
    for _ in 0..kills {
        let victim = draw(&mut random);
        let moment = Moment::draw(&mut random);
        let control = cluster.url(CONTROL);
        let place = (control.as_str(), Answers::GoodInTheEnd);
        let living = life::live(place, &plan, &mut known, Some(moment));
        let under_way = timeout(GUARD, living).await.unwrap();
        told += &format!(
            "; {victim:?} killed with {} submitted, {} over",
            known.submitted(),
            known.over()
        );
        servers.kill(victim, &mut cluster);
        drop(under_way);
    }
    eprintln!("separate programs, round {round}{told}");
    let control = cluster.url(CONTROL);
    let place = (control.as_str(), Answers::GoodInTheEnd);
    timeout(GUARD, life::live(place, &plan, &mut known, None))
        .await
        .unwrap();
    let before = judge::records(&control).await;
    judge::check(&control, &plan, &known, expected, kills).await;
    judge::nothing_left_over(&folder);
    // What is over stays as it is.
    cluster.kill(CONTROL).unwrap();
    restart(&servers.store);
    cluster.begin(CONTROL).unwrap();
    assert_eq!(judge::records(&control).await, before);
    judge::check(&control, &plan, &known, expected, kills).await;
    for program in [TRAINER, EXPLAINER, GATE, INGEST, INFERENCE, CONTROL] {
        let status = cluster.terminate(program).unwrap();
        assert_eq!(status.code(), Some(0), "{program}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn draw(random: &mut KeyedRng) -> Victim {
    *VICTIMS.choose(random).unwrap()
}

/// Puts the collection and the model into place.
async fn furnished(cluster: &Cluster, collection: &Collection) -> Put {
    let push = ["models", "push", "--bundle", BUNDLE, "--promote", "--name"];
    cluster.run(&[&push[..], &[plan::PROBE]].concat()).unwrap();
    let ingest = client::connect(&cluster.url(INGEST)).unwrap();
    let control = client::connect(&cluster.url(CONTROL)).unwrap();
    client::put_by(&ingest, &control, collection).await.unwrap()
}
