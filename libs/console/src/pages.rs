//! How the files of the console go to a browser: paths, caching, and what a page may do.

use crate::assets::{Asset, FILES, INDEX, NOT_FOUND};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::{
        HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION,
            REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    routing::get,
};
use std::{collections::BTreeMap, sync::Arc};

/// Where the description of the interface lies.
const SCHEMA: &str = "schema.json";

/// A page runs scripts of this server only, none that stand in it, asks this server only, and
/// stands in no other page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What goes with every answer.
const GUARDS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    // Asked for each time, and sent only if it has changed.
    (CACHE_CONTROL, "no-cache"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// One thing that can be asked for.
#[derive(Debug, Clone)]
struct Served {
    media_type: &'static str,
    bytes: Bytes,
    /// Changes with the bytes.
    tag: String,
}

impl Served {
    fn new(media_type: &'static str, bytes: Bytes) -> Self {
        Self {
            media_type,
            tag: format!("\"{}\"", &blake3::hash(&bytes).to_hex()[..32]),
            bytes,
        }
    }

    fn asset(asset: &Asset) -> Self {
        Self::new(asset.media_type, Bytes::from_static(asset.bytes))
    }

    /// The whole, or that it has not changed.
    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let tags = asked.get_all(IF_NONE_MATCH).iter();
        let mut tags = tags.filter_map(|tags| tags.to_str().ok());
        let unchanged = tags.any(|tags| tags.contains(&self.tag) || tags.trim() == "*");
        let mut response = if unchanged {
            answer(StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            answer(StatusCode::OK, Body::from(self.bytes.clone()))
        };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(ETAG, tag);
        }
        response
    }
}

/// All pages. `schema` is the description of the interface.
pub(crate) fn router(schema: Vec<u8>) -> Router {
    let index = Served::asset(&INDEX);
    let mut files: BTreeMap<&str, Served> = FILES
        .iter()
        .map(|asset| (asset.name, Served::asset(asset)))
        .collect();
    files.insert(SCHEMA, Served::new("application/json", schema.into()));
    let files = Arc::new(files);
    let file =
        async move |Path(name): Path<String>, headers: HeaderMap| match files.get(name.as_str()) {
            Some(file) => file.answer(&headers),
            None => not_found(),
        };
    Router::new()
        .route(
            "/",
            get(async move |headers: HeaderMap| index.answer(&headers)),
        )
        .route("/console", get(async || moved()))
        .route("/console/", get(async || moved()))
        .route("/console/{file}", get(file))
        .fallback(async || not_found())
}

fn answer(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in GUARDS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn moved() -> Response<Body> {
    let mut response = answer(StatusCode::PERMANENT_REDIRECT, Body::empty());
    let home = HeaderValue::from_static("/");
    response.headers_mut().insert(LOCATION, home);
    response
}

fn not_found() -> Response<Body> {
    let mut response = answer(StatusCode::NOT_FOUND, Body::from(NOT_FOUND.bytes));
    let kind = HeaderValue::from_static(NOT_FOUND.media_type);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;
    use tower::ServiceExt;

    async fn ask(path: &str, tag: &str) -> Response<Body> {
        let request = Request::get(path).header(IF_NONE_MATCH, tag);
        let request = request.body(Body::empty()).unwrap();
        router(b"{}".to_vec()).oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_sent_again() {
        for path in ["/", "/console/app.js", "/console/schema.json"] {
            let whole = ask(path, "").await;
            assert_eq!(whole.status(), StatusCode::OK, "{path}");
            let tag = whole.headers()[ETAG].to_str().unwrap();
            let again = ask(path, &format!("\"other\", W/{tag}")).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
            assert_eq!(again.headers()[ETAG], tag);
        }
    }

    #[tokio::test]
    async fn every_answer_says_what_a_page_may_do() {
        for (path, status) in [
            ("/", StatusCode::OK),
            ("/console/base.css", StatusCode::OK),
            ("/console/", StatusCode::PERMANENT_REDIRECT),
            ("/console/none.js", StatusCode::NOT_FOUND),
            (
                "/openassay.gate.v1.GateService/Identify",
                StatusCode::NOT_FOUND,
            ),
            ("/console/../Cargo.toml", StatusCode::NOT_FOUND),
        ] {
            let response = ask(path, "").await;
            assert_eq!(response.status(), status, "{path}");
            for (name, value) in GUARDS {
                assert_eq!(response.headers()[&name], value, "{path} {name}");
            }
        }
    }
}
