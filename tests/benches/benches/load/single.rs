//! One spectrum per request, by several clients at a time, beside the same work called directly
//! in this process. Both are measured in turn, so that a busy machine hits both.

use crate::{
    Effort,
    models::Models,
    question::{Case, Questions, client},
    round::{self, Round},
    server::Server,
    spectra::Spectra,
    statistics::Values,
    table,
};
use anyhow::{Context as _, Result};
use assay_pipeline::{Identifier, IdentifierOptions, Prepared};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

const CLIENTS: [usize; 3] = [1, 8, 64];

/// What the rounds of one case showed.
#[derive(Default)]
struct Seen {
    /// Requests per second, p50 and p99 for each number of clients.
    load: [[Values; 3]; CLIENTS.len()],
    direct_ms: Values,
    ratio: Values,
    parts_ms: [Values; 4],
    rest_ms: Values,
}

pub(crate) fn run(
    runtime: &Runtime,
    server: &Server,
    models: &Models,
    spectra: &Spectra,
    effort: Effort,
) -> Result<()> {
    let questions = runtime.block_on(Questions::new(server, spectra))?;
    let (mut loads, mut overheads) = (Vec::new(), Vec::new());
    for case in Case::ALL {
        let Some(bundle) = (if case.is_cached() {
            models.image.as_ref()
        } else {
            Some(&models.vector)
        }) else {
            continue;
        };
        let options = IdentifierOptions {
            clock: Some(since_start),
            ..IdentifierOptions::default()
        };
        let direct = Direct::new(Identifier::open(bundle, &options)?, spectra, case)?;
        let seen = measure(runtime, server, &questions, &direct, case, effort)?;
        for (clients, [rate, p50, p99]) in CLIENTS.iter().zip(&seen.load) {
            loads.push(vec![
                case.name().to_owned(),
                clients.to_string(),
                rate.shown(0),
                p50.shown(2),
                p99.shown(2),
            ]);
        }
        let mut row = vec![
            case.name().to_owned(),
            seen.direct_ms.shown(3),
            seen.load[0][1].shown(3),
            seen.ratio.shown(2),
        ];
        row.extend(seen.parts_ms.iter().map(|part| part.shown(3)));
        row.push(seen.rest_ms.shown(3));
        overheads.push(row);
    }
    let head = ["Identify", "clients", "requests/s", "p50 ms", "p99 ms"];
    table::print("One spectrum per request", &head, &loads);
    let head = [
        "Identify",
        "in process, p50 ms",
        "1 client, p50 ms",
        "ratio",
        "read ms",
        "preprocess ms",
        "features ms",
        "decide ms",
        "rest ms",
    ];
    let title = "Against the direct call, and where the server's time goes (1 client)";
    table::print(title, &head, &overheads);
    Ok(())
}

fn measure(
    runtime: &Runtime,
    server: &Server,
    questions: &Questions<'_>,
    direct: &Direct<'_>,
    case: Case,
    effort: Effort,
) -> Result<Seen> {
    let most = CLIENTS.into_iter().max().unwrap_or(1);
    let clients = {
        let _entered = runtime.enter();
        (0..most)
            .map(|_| client(server))
            .collect::<Result<Vec<_>>>()?
    };
    // Fills the caches, makes the connections, loads the model.
    let warm = async {
        for _ in 0..questions.files() {
            clients[0].clone().identify(questions.next(case)).await?;
        }
        anyhow::Ok(())
    };
    runtime.block_on(warm)?;
    let asked = |count: usize| {
        runtime.block_on(round::run(&clients[..count], questions, case, effort.time))
    };
    asked(most)?;
    direct.round(effort.time)?;
    let mut seen = Seen::default();
    for _ in 0..effort.rounds {
        let direct = direct.round(effort.time)?;
        for (at, &count) in CLIENTS.iter().enumerate() {
            let round = asked(count)?;
            let [rate, p50, p99] = &mut seen.load[at];
            rate.push(round.per_second);
            p50.push(round.p50_ms);
            p99.push(round.p99_ms);
            if count == 1 {
                seen.ratio.push(round.p50_ms / direct.p50_ms);
                for (values, part) in seen.parts_ms.iter_mut().zip(round.parts_ms) {
                    values.push(part);
                }
                let parts: f64 = round.parts_ms.iter().sum();
                seen.rest_ms.push(round.p50_ms - parts);
            }
        }
        seen.direct_ms.push(direct.p50_ms);
    }
    Ok(seen)
}

/// The same answers without a server, one at a time.
struct Direct<'a> {
    identifier: Identifier,
    spectra: &'a Spectra,
    /// Features by file where the case has them cached.
    features: Option<Vec<Vec<f32>>>,
}

impl<'a> Direct<'a> {
    fn new(identifier: Identifier, spectra: &'a Spectra, case: Case) -> Result<Self> {
        let features = |bytes: &[u8]| {
            let prepared: Prepared = identifier.judge().prepare(bytes, "")?;
            anyhow::Ok(identifier.extract(&prepared)?.0)
        };
        let cached = spectra.files.iter().map(|file| features(&file.bytes));
        let features = case
            .is_cached()
            .then(|| cached.collect::<Result<Vec<_>>>())
            .transpose()?;
        Ok(Self {
            identifier,
            spectra,
            features,
        })
    }

    fn round(&self, time: Duration) -> Result<Round> {
        let began = Instant::now();
        let (mut times, mut spent) = (Vec::new(), Vec::new());
        // Beyond every number that was asked of the server.
        let mut number = u64::from(u32::MAX);
        while began.elapsed() < time {
            number += 1;
            let at = usize::try_from(number)? % self.spectra.files.len();
            let answer = if let Some(features) = &self.features {
                let judge = self.identifier.judge();
                let asked = Instant::now();
                let prepared = judge.prepare(&self.spectra.files[at].bytes, "")?;
                let answer = judge.conclude(&prepared, &features[at], 0.0)?;
                times.push(asked.elapsed());
                answer
            } else {
                let bytes = self.spectra.variant(number);
                let asked = Instant::now();
                let answer = self.identifier.identify(&bytes, "")?;
                times.push(asked.elapsed());
                answer
            };
            let timings = answer.timings;
            spent.push([
                timings.read_s,
                timings.preprocess_s,
                timings.features_s,
                timings.decide_s,
            ]);
        }
        times.first().context("a round answered nothing")?;
        Ok(Round::of(&times, &spent, began.elapsed()))
    }
}

/// Time since the first call, which never goes back.
fn since_start() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
