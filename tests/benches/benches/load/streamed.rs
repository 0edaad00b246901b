//! Spectra one after the other on a stream, by several clients at a time: new ones, by the model
//! whose features are not cached. Each client has some questions on the way at any time.

use crate::{
    Effort,
    question::{Case, Questions, client},
    round::{Round, parts},
    server::Server,
    spectra::Spectra,
    statistics::Values,
    table,
};
use anyhow::{Result, ensure};
use assay_api::gate::{IdentifyStreamRequest, gate_service_client::GateServiceClient};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

const CLIENTS: [usize; 3] = [1, 8, 64];
/// Questions of one client on the way, as many as the server takes up at once by default.
const AHEAD: usize = 8;

pub(crate) async fn run(server: &Server, spectra: &Spectra, effort: Effort) -> Result<()> {
    let questions = Questions::new(server, spectra).await?;
    let mut rows = Vec::new();
    for count in CLIENTS {
        let clients = (0..count)
            .map(|_| client(server))
            .collect::<Result<Vec<_>>>()?;
        round(&clients, &questions, effort.time).await?;
        let mut values = [(); 3].map(|()| Values::default());
        for _ in 0..effort.rounds {
            let round = round(&clients, &questions, effort.time).await?;
            let [rate, p50, p99] = &mut values;
            rate.push(round.per_second);
            p50.push(round.p50_ms);
            p99.push(round.p99_ms);
        }
        let [rate, p50, p99] = &values;
        rows.push(vec![
            Case::New.name().to_owned(),
            count.to_string(),
            rate.shown(0),
            p50.shown(2),
            p99.shown(2),
        ]);
    }
    let title = format!("IdentifyStream, {AHEAD} questions of each client on the way");
    let head = ["IdentifyStream", "clients", "answers/s", "p50 ms", "p99 ms"];
    table::print(&title, &head, &rows);
    Ok(())
}

async fn round(
    clients: &[GateServiceClient<Channel>],
    questions: &Questions<'_>,
    time: Duration,
) -> Result<Round> {
    let began = Instant::now();
    let streams = clients
        .iter()
        .map(|client| stream(client.clone(), questions, began, time));
    let (mut times, mut spent) = (Vec::new(), Vec::new());
    for (their_times, their_parts) in futures::future::try_join_all(streams).await? {
        times.extend(their_times);
        spent.extend(their_parts);
    }
    Ok(Round::of(&times, &spent, began.elapsed()))
}

async fn stream(
    mut client: GateServiceClient<Channel>,
    questions: &Questions<'_>,
    began: Instant,
    time: Duration,
) -> Result<(Vec<Duration>, Vec<[f64; 4]>)> {
    let (send, receive) = mpsc::channel(AHEAD);
    let mut asked = VecDeque::new();
    let question = || IdentifyStreamRequest {
        request_id: String::new(),
        request: Some(questions.next(Case::New)),
    };
    for _ in 0..AHEAD {
        asked.push_back(Instant::now());
        send.send(question()).await?;
    }
    let answers = client.identify_stream(ReceiverStream::new(receive)).await?;
    let mut answers = answers.into_inner();
    let (mut times, mut spent) = (Vec::new(), Vec::new());
    let mut send = Some(send);
    while let Some(answer) = answers.message().await? {
        ensure!(answer.error_code == 0, "{}", answer.error_message);
        let waited = asked.pop_front().map(|asked| asked.elapsed());
        times.extend(waited);
        spent.extend(answer.response.as_ref().map(parts));
        // When the time is over, what is still on the way is answered and counts.
        if began.elapsed() >= time {
            send = None;
        }
        if let Some(send) = &send {
            asked.push_back(Instant::now());
            send.send(question()).await?;
        }
    }
    Ok((times, spent))
}
