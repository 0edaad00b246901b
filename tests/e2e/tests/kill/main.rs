//! `kill -9` at random moments while jobs of all three lanes are in flight, of the one server and
//! of separate programs, their broker and their store: none is lost, none is done twice, every
//! result is that of a run that nobody disturbed, to the last byte. `cargo xtask kill-test` runs
//! many rounds.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod judge;
mod life;
mod plan;
mod separate;

use assay_core::keyed_rng;
use assay_e2e::{
    client::{self, Put},
    collection::{self, BUNDLE, Collection},
    server::Server,
};
use judge::Expected;
use life::{Answers, Known};
use plan::{Moment, Plan};
use rand::RngExt as _;
use separate::Servers;
use std::{env, path::Path, time::Duration};
use tokio::time::timeout;

/// A server whose leases run out soon, so that a job of a killed process goes on soon, and that
/// keeps its progress often, so that it has something to go on from.
const SETTINGS: [&str; 12] = [
    "--set",
    "storage.lease_s=2",
    "--set",
    "control.sweep_every_ms=100",
    "--set",
    "gate.chunk_rows=4",
    "--set",
    "explainer.chunk_rows=4",
    "--set",
    "trainer.checkpoint_every_steps=3",
    "--set",
    "telemetry.filter=warn",
];

/// Longest time of one life of a server. No round comes near it.
const GUARD: Duration = Duration::from_secs(300);

/// A number that the environment may set.
fn number(name: &str, usual: u64) -> u64 {
    match env::var(name) {
        Err(_) => usual,
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}; a whole number is needed")),
    }
}

#[test]
fn no_job_is_lost_or_done_twice_when_the_server_is_killed() {
    let (rounds, seed) = asked(3);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    collection::train(folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let expected = runtime.block_on(undisturbed(folder, &collection));
    for round in 0..rounds {
        runtime.block_on(disturbed(folder, &collection, &expected, (seed, round)));
    }
}

#[test]
fn no_job_is_lost_or_done_twice_when_programs_broker_and_store_are_killed() {
    let Some(mut servers) = Servers::start("kill of separate programs") else {
        return;
    };
    let (rounds, seed) = asked(2);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let collection = collection::simulate(folder, 4, 2).unwrap();
    collection::train(folder).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // One process that needs nothing else says what everybody has to answer.
    let expected = runtime.block_on(undisturbed(folder, &collection));
    for round in 0..rounds {
        let disturbed =
            separate::disturbed(folder, &collection, &mut servers, &expected, (seed, round));
        runtime.block_on(disturbed);
    }
}

/// Rounds and seed of a run.
fn asked(usual_rounds: u64) -> (u64, u64) {
    let rounds = number("OPENASSAY_KILL_ROUNDS", usual_rounds);
    let seed = number("OPENASSAY_KILL_SEED", 1);
    eprintln!("kill test: OPENASSAY_KILL_ROUNDS={rounds} OPENASSAY_KILL_SEED={seed}");
    (rounds, seed)
}

/// A server with the collection and the model on it; its data is new.
async fn furnished(folder: &Path, collection: &Collection) -> (Server, Put) {
    let server = Server::start(folder, &SETTINGS).unwrap();
    let push = ["models", "push", "--bundle", BUNDLE, "--promote", "--name"];
    server
        .run(folder, &[&push[..], &[plan::PROBE]].concat())
        .unwrap();
    let channel = client::connect(&server.url).unwrap();
    let put = client::put(&channel, collection).await.unwrap();
    (server, put)
}

/// One process: while it lives, every answer is a good one.
fn here(server: &Server) -> (&str, Answers) {
    (&server.url, Answers::Good)
}

/// What one job of each kind leaves when nobody disturbs it.
async fn undisturbed(folder: &Path, collection: &Collection) -> Expected {
    let folder = sub_folder(folder, "undisturbed");
    let (server, put) = furnished(&folder, collection).await;
    let plan = Plan::one_of_each(&put.dataset);
    let mut known = Known::default();
    timeout(GUARD, life::live(here(&server), &plan, &mut known, None))
        .await
        .unwrap();
    let expected = Expected::of(&server.url, &plan, &known).await;
    assert!(server.terminate().unwrap().success());
    expected
}

/// One round: twenty jobs, one to three kills while they are submitted and done, one more when
/// they are over.
async fn disturbed(
    folder: &Path,
    collection: &Collection,
    expected: &Expected,
    (seed, round): (u64, u64),
) {
    let folder = sub_folder(folder, &format!("round {round}"));
    let mut random = keyed_rng(seed, "kill test", &[round]);
    let (mut server, put) = furnished(&folder, collection).await;
    let plan = Plan::twenty(&put.dataset, &mut random);
    let mut known = Known::default();
    let kills = random.random_range(1..=3);
    let mut told = String::new();
    for _ in 0..kills {
        let moment = Moment::draw(&mut random);
        let living = life::live(here(&server), &plan, &mut known, Some(moment));
        let under_way = timeout(GUARD, living).await.unwrap();
        told += &format!(
            "; killed with {} submitted, {} over",
            known.submitted(),
            known.over()
        );
        server.kill().unwrap();
        drop(under_way);
        server = Server::start(&folder, &SETTINGS).unwrap();
    }
    eprintln!("round {round}{told}");
    timeout(GUARD, life::live(here(&server), &plan, &mut known, None))
        .await
        .unwrap();
    let before = judge::records(&server.url).await;
    judge::check(&server.url, &plan, &known, expected, kills).await;
    judge::nothing_left_over(&folder);
    // What is over stays as it is.
    server.kill().unwrap();
    let server = Server::start(&folder, &SETTINGS).unwrap();
    assert_eq!(judge::records(&server.url).await, before);
    judge::check(&server.url, &plan, &known, expected, kills).await;
    assert!(server.terminate().unwrap().success());
    std::fs::remove_dir_all(folder).unwrap();
}

fn sub_folder(folder: &Path, name: &str) -> std::path::PathBuf {
    let sub_folder = folder.join(name);
    std::fs::create_dir(&sub_folder).unwrap();
    // The tool takes the model from where it runs.
    std::os::unix::fs::symlink(folder.join(BUNDLE), sub_folder.join(BUNDLE)).unwrap();
    sub_folder
}
