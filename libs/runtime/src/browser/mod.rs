//! Requests of browsers on the port of gRPC: pages, and gRPC-Web, which is translated before anything
//! else looks at it, so that access, limits, traces and metrics hold as for every other caller. Only
//! pages of this server itself may ask (`origin`).

mod origin;

use crate::Component;
use axum::Router;
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header::CONTENT_TYPE};
use origin::{Origins, Refusal};
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tonic::{Status, body::Body};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::{Layer, Service, ServiceExt};

/// What every request of gRPC says that it is.
const NATIVE: &str = "application/grpc";
/// What one of gRPC-Web says that it is.
const WEB: &str = "application/grpc-web";
const WEB_ANSWER: HeaderValue = HeaderValue::from_static("application/grpc-web+proto");
const WORDS: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

type Answered = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// What browsers get from a server that has something for them.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// The pages, by their paths; it answers every path.
    pub router: Router,
    /// Names by which browsers reach the server unencrypted, besides addresses and `localhost`.
    pub hosts: Vec<String>,
}

impl Pages {
    /// The pages that one of the components brings.
    pub(crate) fn of(components: &mut [Component]) -> Option<Self> {
        let mut brought = components.iter_mut().filter_map(|one| one.pages.take());
        brought.next()
    }
}

/// Puts a [`Browsers`] before a service.
#[derive(Debug, Clone)]
pub(crate) struct BrowserLayer(Arc<Open>);

#[derive(Debug)]
struct Open {
    router: Router,
    origins: Origins,
}

impl BrowserLayer {
    pub(crate) fn new(Pages { router, hosts }: Pages, encrypted: bool) -> Self {
        let origins = Origins { encrypted, hosts };
        Self(Arc::new(Open { router, origins }))
    }
}

impl<S> Layer<S> for BrowserLayer {
    type Service = Browsers<S>;

    fn layer(&self, inner: S) -> Browsers<S> {
        Browsers {
            web: GrpcWebLayer::new().layer(inner),
            open: Arc::clone(&self.0),
        }
    }
}

/// A service that browsers can ask, too.
#[derive(Debug, Clone)]
pub(crate) struct Browsers<S> {
    web: GrpcWebService<S>,
    open: Arc<Open>,
}

/// What a request is for this layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Page,
    Web,
    /// gRPC, or something that the service behind refuses in its own words.
    Other,
}

impl<S> Service<Request<Body>> for Browsers<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future = Answered>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.web, context)
    }

    fn call(&mut self, request: Request<Body>) -> Answered {
        let open = &self.open;
        let kind = Kind::of(&request);
        let checked = match kind {
            Kind::Page => open.origins.check_host(&request),
            Kind::Web => open.origins.check_call(&request),
            Kind::Other => open.origins.check_native(&request),
        };
        if let Err(refusal) = checked {
            return std::future::ready(Ok(refuse(kind, refusal))).boxed();
        }
        match kind {
            Kind::Page => page(open.router.clone(), request).boxed(),
            Kind::Other if request.version() < Version::HTTP_2 => {
                std::future::ready(Ok(too_old())).boxed()
            }
            Kind::Web | Kind::Other => self.web.call(request).boxed(),
        }
    }
}

impl Kind {
    fn of(request: &Request<Body>) -> Self {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        if kind.starts_with(WEB) {
            Self::Web
        } else if !kind.starts_with(NATIVE)
            && [Method::GET, Method::HEAD].contains(request.method())
        {
            Self::Page
        } else {
            Self::Other
        }
    }
}

async fn page(router: Router, request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let response = router.oneshot(request).await?;
    Ok(response.map(Body::new))
}

/// A refusal in the words that the caller reads: those of gRPC and of HTTP, or for people.
fn refuse(kind: Kind, refusal: Refusal) -> Response<Body> {
    let reason = refusal.reason();
    metrics::counter!("openassay_browser_refused_total", "reason" => reason).increment(1);
    tracing::info!(reason, "a browser's request was refused");
    let mut response = match kind {
        Kind::Page => words(refusal.to_string()),
        Kind::Web | Kind::Other => Status::permission_denied(refusal.to_string()).into_http(),
    };
    if kind == Kind::Web {
        response.headers_mut().insert(CONTENT_TYPE, WEB_ANSWER);
    }
    *response.status_mut() = refusal.http();
    response
}

/// Plain gRPC needs HTTP/2; what is no gRPC at all is told so as well.
fn too_old() -> Response<Body> {
    let mut response = words(
        "gRPC needs HTTP/2; over HTTP/1.1 this server takes gRPC-Web \
         (content-type: application/grpc-web+proto)\n"
            .to_owned(),
    );
    *response.status_mut() = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
    response
}

fn words(text: String) -> Response<Body> {
    let mut response = Response::new(Body::new(axum::body::Body::from(text)));
    response.headers_mut().insert(CONTENT_TYPE, WORDS);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: Method, content_type: &'static str) -> Kind {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        let kind = HeaderValue::from_static(content_type);
        request.headers_mut().insert(CONTENT_TYPE, kind);
        Kind::of(&request)
    }

    #[test]
    fn a_request_is_told_by_what_it_says_that_it_is() {
        assert_eq!(kind(Method::GET, ""), Kind::Page);
        assert_eq!(kind(Method::HEAD, "text/html"), Kind::Page);
        assert_eq!(kind(Method::POST, "text/html"), Kind::Other);
        assert_eq!(kind(Method::OPTIONS, ""), Kind::Other);
        assert_eq!(kind(Method::POST, "application/grpc"), Kind::Other);
        assert_eq!(kind(Method::GET, "application/grpc+proto"), Kind::Other);
        assert_eq!(kind(Method::POST, "application/grpc-web"), Kind::Web);
        assert_eq!(kind(Method::POST, "Application/gRPC-Web-Text"), Kind::Web);
    }
}
