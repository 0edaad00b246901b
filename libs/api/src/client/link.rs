//! A connection that shows who it is: each request carries the token, and certificates, keys and
//! tokens are taken anew when their files change.

use super::{ClientOptions, credentials::Material, endpoint};
use crate::WireError;
use assay_core::Digest;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tonic::{
    body::Body,
    codegen::{
        BoxFuture, Service,
        http::{HeaderValue, Request, Response, header::AUTHORIZATION},
    },
    transport::{self, Channel},
};

/// Time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A connection that is made at the first request and made again when it breaks.
#[derive(Clone)]
pub struct Link(Arc<Shared>);

struct Shared {
    url: String,
    options: ClientOptions,
    state: Mutex<State>,
}

struct State {
    channel: Channel,
    /// What the channel was made from.
    made_from: Digest,
    bearer: Option<HeaderValue>,
    looked: Instant,
    /// The last look found files that cannot be used.
    broken: bool,
}

/// A connection with the credentials of these options. Must be called within a tokio runtime.
///
/// # Errors
/// When the address is none, a file cannot be used, or the token would be sent to another machine
/// unencrypted.
pub fn link(url: &str, options: &ClientOptions) -> Result<Link, WireError> {
    let material = options.credentials.read()?;
    let channel = endpoint::with(url, options, &material)?.connect_lazy();
    Ok(Link(Arc::new(Shared {
        url: url.to_owned(),
        options: options.clone(),
        state: Mutex::new(State {
            channel,
            made_from: material.of_connection(),
            bearer: material.bearer,
            looked: Instant::now(),
            broken: false,
        }),
    })))
}

impl Shared {
    /// The connection of now, and what is sent with each request.
    async fn current(self: &Arc<Self>) -> (Channel, Option<HeaderValue>) {
        if self.look_is_due() {
            let me = Arc::clone(self);
            let read = tokio::task::spawn_blocking(move || me.options.credentials.read()).await;
            match read {
                Ok(Ok(material)) => self.take(&material),
                Ok(Err(error)) => self.keep(&error),
                Err(error) => self.keep(&error),
            }
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.channel.clone(), state.bearer.clone())
    }

    /// Whether it is time to look, for one caller only.
    fn look_is_due(&self) -> bool {
        if !self.options.credentials.in_files() {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = state.looked.elapsed() >= LOOK_EVERY;
        if due {
            state.looked = Instant::now();
        }
        due
    }

    fn take(&self, material: &Material) {
        let made_from = material.of_connection();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.made_from != made_from {
            // Requests under way keep the connection before until they have ended.
            match endpoint::with(&self.url, &self.options, material) {
                Ok(endpoint) => {
                    tracing::info!(
                        peer.url = self.url,
                        "certificates for this peer are taken anew"
                    );
                    state.channel = endpoint.connect_lazy();
                    state.made_from = made_from;
                }
                Err(error) => {
                    drop(state);
                    return self.keep(&error);
                }
            }
        }
        state.bearer.clone_from(&material.bearer);
        state.broken = false;
    }

    /// Goes on with what there is.
    fn keep(&self, error: &dyn fmt::Display) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.broken, true) {
            tracing::error!(
                peer.url = self.url,
                %error,
                "new credentials for this peer are not taken; those before stay in use"
            );
        }
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = transport::Error;
    type Future = BoxFuture<Response<Body>, transport::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), transport::Error>> {
        // Which connection is asked shows only when there is a request.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let (mut channel, bearer) = shared.current().await;
            if let Some(bearer) = bearer {
                request.headers_mut().insert(AUTHORIZATION, bearer);
            }
            std::future::poll_fn(|context| channel.poll_ready(context)).await?;
            channel.call(request).await
        })
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("url", &self.0.url)
            .finish_non_exhaustive()
    }
}
