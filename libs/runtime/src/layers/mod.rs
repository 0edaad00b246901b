//! What stands in front of every request: identity, trace, metrics, limits, and a handler's panic
//! caught. One service instead of a stack, because all of it follows an answer to its last byte.

mod answer;
mod call;
mod identity;
mod incoming;
mod measure;
mod refusal;

pub(crate) use measure::name as code_name;

use crate::{
    access::{Access, Entered},
    request,
    settings::ServerConfig,
};
use answer::{AnswerBody, End, Held};
use assay_api::ROOM_BYTES;
use call::Call;
pub(crate) use call::WATCHING;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use identity::Identity;
use incoming::LimitedBody;
use measure::Measure;
use std::{
    collections::BTreeSet,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::Instrument;

/// The clock of tonic runs out at the same moment as ours and answers CANCELLED, where a deadline
/// is to answer DEADLINE_EXCEEDED; so ours is a little ahead.
const AHEAD: Duration = Duration::from_millis(2);

/// When what is still open ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ends {
    /// No more requests are taken: watchers of health and users of reflection are told to go.
    pub(crate) drain: CancellationToken,
    /// The grace is nearly over: everyone is told to go.
    pub(crate) cut: CancellationToken,
    /// The server has ended: connections that are left are closed.
    pub(crate) over: CancellationToken,
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared {
    services: BTreeSet<&'static str>,
    in_flight: Arc<Semaphore>,
    max_in_flight: usize,
    max_message_bytes: usize,
    default_timeout: Option<Duration>,
    ends: Ends,
    access: Arc<Access>,
}

impl Shared {
    /// `services`: full names of those whose requests are told apart in metrics.
    pub(crate) fn new(
        config: &ServerConfig,
        services: impl IntoIterator<Item = &'static str>,
        ends: Ends,
        access: Arc<Access>,
    ) -> Self {
        Self {
            services: services.into_iter().collect(),
            in_flight: Arc::new(Semaphore::new(config.max_in_flight)),
            max_in_flight: config.max_in_flight,
            max_message_bytes: config.max_message_bytes.saturating_add(ROOM_BYTES),
            default_timeout: (config.default_timeout_s > 0)
                .then(|| Duration::from_secs(config.default_timeout_s)),
            ends,
            access,
        }
    }

    /// When what is still open ends.
    pub(crate) const fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Requests that are not answered yet.
    pub(crate) fn in_flight(&self) -> usize {
        self.max_in_flight - self.in_flight.available_permits()
    }

    /// Room for one more request, unless none are taken any more; those that watch over the process
    /// need none.
    fn admit(&self, call: &Call) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if call.watches() {
            return Ok(None);
        }
        if self.ends.drain.is_cancelled() {
            return Err(refusal::ending());
        }
        Arc::clone(&self.in_flight)
            .try_acquire_owned()
            .map(Some)
            .map_err(|_| refusal::overloaded(self.max_in_flight))
    }
}

/// Puts a [`Front`] before a service.
#[derive(Debug, Clone)]
pub(crate) struct FrontLayer(pub(crate) Arc<Shared>);

impl<S> Layer<S> for FrontLayer {
    type Service = Front<S>;

    fn layer(&self, inner: S) -> Front<S> {
        Front {
            inner,
            shared: Arc::clone(&self.0),
        }
    }
}

/// A service behind all of it.
#[derive(Debug, Clone)]
pub(crate) struct Front<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Service<Request<Body>> for Front<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The one that was polled ready answers; its clone stays for the next request.
        let fresh = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, fresh);
        let shared = Arc::clone(&self.shared);
        let call = Call::of(request.uri().path(), &shared.services);
        let identity = Identity::of(&mut request, &call);
        let span = identity.span();
        async move {
            let mut response = answer(shared, inner, call, request).await;
            identity.mark(response.headers_mut());
            Ok(response)
        }
        .instrument(span)
        .boxed()
    }
}

/// Answers one request; what the answer still needs goes with its body.
async fn answer<S>(
    shared: Arc<Shared>,
    mut inner: S,
    call: Call,
    mut request: Request<Body>,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let mut measure = Measure::begin(call.clone());
    if let Some(refused) = refusal::foreign(request.headers()) {
        measure.ended(Code::Unimplemented);
        return refused;
    }
    let Entered {
        pass,
        listed,
        record,
    } = shared.access.enter(&mut request);
    measure.record(record);
    let pass = match pass {
        Ok(pass) => pass,
        Err(status) if listed => return measure.refuse(status),
        Err(status) => return measure.refuse_unrouted(status),
    };
    let place = match shared.admit(&call) {
        Ok(place) => place,
        Err(status) => return measure.refuse_unrouted(status),
    };
    let arrival = Instant::now();
    let named = callers_limit(&request).and_then(|limit| arrival.checked_add(limit));
    let deadline = named.or_else(|| arrival.checked_add(shared.default_timeout?));
    measure.deadline(deadline);
    let answered = CancellationToken::new();
    let request = request.map(|body| {
        Body::new(LimitedBody::new(
            body,
            shared.max_message_bytes,
            measure.received(),
            answered.clone().cancelled_owned(),
        ))
    });
    let held = Held {
        _place: place,
        _request: answered.drop_guard(),
        pass,
    };
    let handled = AssertUnwindSafe(async { inner.call(request).await }).catch_unwind();
    let response = tokio::select! {
        biased;
        handled = handled => match handled {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => return measure.refuse(refusal::panicked()),
        },
        () = shared.ends.cut.cancelled() => return measure.refuse(refusal::ending()),
        () = expired(deadline) => return measure.refuse(refusal::expired()),
    };
    if let Some(status) = Status::from_header_map(response.headers()) {
        return match refusal::larger_name(&status) {
            Some(status) => measure.refuse(status),
            None => {
                measure.ended(status.code());
                response
            }
        };
    }
    let Ends { drain, cut, .. } = shared.ends.clone();
    let end = End {
        idle: if call.watches() { drain } else { cut.clone() },
        now: cut,
        deadline: named,
    };
    response.map(|body| {
        let body = held.pass.lend(body);
        Body::new(AnswerBody::new(body, measure, held, end))
    })
}

/// The time that the caller gives, a little less than that.
fn callers_limit(request: &Request<Body>) -> Option<Duration> {
    let text = request.headers().get(request::TIMEOUT)?.to_str().ok()?;
    request::parse_timeout(text).map(|limit| limit.saturating_sub(AHEAD))
}

async fn expired(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
