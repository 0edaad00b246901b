//! The requests that wait for one model: first come, first served, bounded in rows, a long
//! request in pieces so that short ones get their turn between them. What a row computes is not
//! known here.

use crate::measure;
use assay_answering::AnswerError;
use assay_explain::{CamSettings, ClassMap};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// What is computed of every row of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Features.
    Features,
    /// Features, and the importance of each bin for a class; `None`: the most probable one.
    Importances(Option<usize>, CamSettings),
}

/// What was computed for one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) features: Vec<f32>,
    /// Where it was asked for.
    pub(crate) explained: Option<Explained>,
}

/// Why a class stands where it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Explained {
    /// The class.
    pub(crate) class: usize,
    /// The importance of each bin.
    pub(crate) importance: Vec<f32>,
    /// The map that it comes from.
    pub(crate) map: ClassMap,
}

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) rows: Vec<Row>,
    /// From arrival to the first row.
    pub(crate) queue: Duration,
    /// Time of the rows themselves.
    pub(crate) compute: Duration,
}

/// Where an answer goes.
pub(super) type Reply = oneshot::Sender<Result<Done, AnswerError>>;

/// A request with what is done of it.
pub(super) struct Ticket {
    pub(super) task: Task,
    pub(super) vectors: Vec<Vec<f32>>,
    rows: Vec<Row>,
    arrived: Instant,
    deadline: Option<Instant>,
    queue: Option<Duration>,
    compute: Duration,
    reply: Reply,
}

/// Whether a request is still worth computing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Wanted,
    /// Its deadline passed.
    Expired,
    /// Nobody waits for the answer any more.
    Dropped,
}

impl Ticket {
    pub(super) fn new(
        task: Task,
        vectors: Vec<Vec<f32>>,
        now: Instant,
        deadline: Option<Instant>,
        reply: Reply,
    ) -> Self {
        Self {
            task,
            rows: Vec::with_capacity(vectors.len()),
            vectors,
            arrived: now,
            deadline,
            queue: None,
            compute: Duration::ZERO,
            reply,
        }
    }

    /// Rows that are still to be computed.
    pub(super) fn left(&self) -> usize {
        self.vectors.len() - self.rows.len()
    }

    pub(super) fn standing(&self, now: Instant) -> Standing {
        if self.reply.is_closed() {
            Standing::Dropped
        } else if self.deadline.is_some_and(|deadline| deadline <= now) {
            Standing::Expired
        } else {
            Standing::Wanted
        }
    }

    /// The next row, which is about to be computed.
    pub(super) fn next(&mut self, now: Instant) -> Option<&[f32]> {
        self.queue
            .get_or_insert(now.saturating_duration_since(self.arrived));
        self.vectors.get(self.rows.len()).map(Vec::as_slice)
    }

    pub(super) fn add(&mut self, row: Row, took: Duration) {
        self.rows.push(row);
        self.compute += took;
    }

    /// Sends what there is. Whether anybody still listens is not the model's concern.
    pub(super) fn answer(self) {
        drop(self.reply.send(Ok(Done {
            rows: self.rows,
            queue: self.queue.unwrap_or_default(),
            compute: self.compute,
        })));
    }

    pub(super) fn fail(self, error: AnswerError) {
        drop(self.reply.send(Err(error)));
    }

    /// Tells a client that still listens that its time is over.
    pub(super) fn expire(self) {
        let doing = match self.rows.len() {
            0 => "the request waited for the model",
            _ => "the model computed",
        };
        self.fail(AnswerError::Deadline { doing });
    }
}

/// Part of a request that is computed without a break.
pub(super) struct Share {
    pub(super) ticket: Ticket,
    /// Rows of this part.
    pub(super) rows: usize,
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// So many rows wait, and it is worth trying again after this.
    Full {
        waiting: usize,
        retry_after: Duration,
    },
    /// The model is gone.
    Closed,
}

/// The queue of one model, between the requests and the model's thread.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Most rows that wait.
    limit: usize,
    load: measure::Load,
}

#[derive(Default)]
struct State {
    tickets: VecDeque<Ticket>,
    /// Rows that were taken and are not finished, those of the running batch included.
    rows: usize,
    /// Those of the running batch among them.
    in_flight: usize,
    /// Moving average.
    seconds_per_row: f64,
    closed: bool,
}

impl Queue {
    pub(super) fn new(limit: usize, load: measure::Load) -> Self {
        load.set(0, 0);
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            limit,
            load,
        }
    }

    /// Tells how much there is to do.
    fn tell(&self, state: &State) {
        let waiting = state.rows.saturating_sub(state.in_flight);
        self.load.set(waiting, state.in_flight);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request, at the end. A request that is longer than the whole queue is taken when
    /// nothing else waits.
    pub(super) fn push(&self, ticket: Ticket, now: Instant) -> Result<(), NotTaken> {
        let mut state = self.state();
        if state.closed {
            return Err(NotTaken::Closed);
        }
        let rows = ticket.left();
        if state.rows > 0 && state.rows + rows > self.limit {
            state.sweep(now);
            self.tell(&state);
        }
        if state.rows > 0 && state.rows + rows > self.limit {
            return Err(NotTaken::Full {
                waiting: state.rows,
                retry_after: state.drained_after(rows, self.limit),
            });
        }
        state.rows += rows;
        measure::queue_rows(state.rows);
        state.tickets.push_back(ticket);
        self.tell(&state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for requests and takes the first ones, up to a number of rows; the last one perhaps
    /// in part. `None` when the model is to end.
    pub(super) fn take(&self, most_rows: usize) -> Option<Vec<Share>> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if !state.tickets.is_empty() {
                break;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let (mut batch, mut free) = (Vec::new(), most_rows.max(1));
        while free > 0
            && let Some(ticket) = state.tickets.pop_front()
        {
            let rows = ticket.left().min(free);
            free -= rows;
            batch.push(Share { ticket, rows });
        }
        state.in_flight += batch.iter().map(|share| share.rows).sum::<usize>();
        self.tell(&state);
        Some(batch)
    }

    /// Puts the rest of a request to the end, behind those that came meanwhile.
    pub(super) fn give_back(&self, ticket: Ticket) {
        self.state().tickets.push_back(ticket);
    }

    /// One row was computed.
    pub(super) fn finished(&self, took: Duration) {
        let mut state = self.state();
        state.rows = state.rows.saturating_sub(1);
        state.in_flight = state.in_flight.saturating_sub(1);
        state.measure(took);
        self.tell(&state);
    }

    /// Rows of a request that will not be computed, of which some are in the running batch.
    pub(super) fn forget(&self, rows: usize, in_batch: usize) {
        let mut state = self.state();
        state.rows = state.rows.saturating_sub(rows);
        state.in_flight = state.in_flight.saturating_sub(in_batch);
        self.tell(&state);
    }

    /// Takes a measured time into account for [`NotTaken::Full`].
    pub(super) fn measure(&self, took: Duration) {
        self.state().measure(took);
    }

    /// Rows that wait or are being computed.
    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.state().rows
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Takes nothing more, and lets go of everyone who waits.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.tickets.clear();
        (state.rows, state.in_flight) = (0, 0);
        self.tell(&state);
        self.changed.notify_all();
    }
}

impl State {
    /// Removes requests that nobody wants any more.
    fn sweep(&mut self, now: Instant) {
        for ticket in std::mem::take(&mut self.tickets) {
            let left = ticket.left();
            match ticket.standing(now) {
                Standing::Wanted => {
                    self.tickets.push_back(ticket);
                    continue;
                }
                Standing::Expired => ticket.expire(),
                Standing::Dropped => {}
            }
            self.rows = self.rows.saturating_sub(left);
        }
    }

    fn measure(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.seconds_per_row = match self.seconds_per_row {
            0.0 => took,
            known => 0.9 * known + 0.1 * took,
        };
    }

    /// When there will be room for so many rows, at the measured rate.
    fn drained_after(&self, rows: usize, limit: usize) -> Duration {
        let too_many = (self.rows + rows).saturating_sub(limit).min(self.rows);
        let wait = too_many as f64 * self.seconds_per_row;
        Duration::from_secs_f64(wait.clamp(0.01, 60.0))
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
