//! A collector that keeps what it is sent, and one that takes connections and never answers.

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// Longest time that is waited for a span.
const GUARD: Duration = Duration::from_secs(120);

/// A span as it came, with what its process said of itself.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) name: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    /// Empty for a root.
    pub(crate) parent: String,
    pub(crate) kind: i32,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) process: BTreeMap<String, String>,
}

impl Received {
    /// The program that sent it.
    pub(crate) fn program(&self) -> &str {
        &self.process["service.name"]
    }
}

#[derive(Clone, Default)]
struct Keeping(Arc<(Mutex<Vec<Received>>, Condvar)>);

#[tonic::async_trait]
impl TraceService for Keeping {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.0.lock().unwrap();
        for of_process in request.into_inner().resource_spans {
            let process = of_process.resource.unwrap_or_default().attributes;
            let process = texts(process);
            let spans = of_process.scope_spans.into_iter().flat_map(|s| s.spans);
            kept.extend(spans.map(|span| received(span, &process)));
        }
        self.0.1.notify_all();
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn received(span: Span, process: &BTreeMap<String, String>) -> Received {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    Received {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        kind: span.kind,
        attributes: texts(span.attributes),
        process: process.clone(),
        name: span.name,
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |attribute: KeyValue| {
        let text = match attribute.value?.value? {
            Value::StringValue(text) => text,
            Value::IntValue(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        Some((attribute.key, text))
    };
    attributes.into_iter().filter_map(text).collect()
}

/// A collector that keeps everything. It ends with this.
pub(crate) struct Collector {
    pub(crate) url: String,
    kept: Keeping,
    _runtime: Runtime,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Keeping::default();
        let service = TraceServiceServer::new(kept.clone());
        runtime.spawn(
            Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self {
            url,
            kept,
            _runtime: runtime,
        }
    }

    /// What came so far.
    pub(crate) fn spans(&self) -> Vec<Received> {
        self.kept.0.0.lock().unwrap().clone()
    }

    /// Waits until a span is there, and gives all that came.
    pub(crate) fn wait_for(&self, what: impl Fn(&Received) -> bool) -> Vec<Received> {
        let (kept, changed) = &*self.kept.0;
        let missing = |kept: &mut Vec<Received>| !kept.iter().any(&what);
        let waited = changed.wait_timeout_while(kept.lock().unwrap(), GUARD, missing);
        let (kept, waited) = waited.unwrap();
        assert!(!waited.timed_out(), "the span did not come: {kept:#?}");
        kept.clone()
    }
}

/// Takes connections and never says anything; gives its address.
pub(crate) fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let kept: Vec<_> = listener.incoming().collect();
        drop(kept);
    });
    url
}
