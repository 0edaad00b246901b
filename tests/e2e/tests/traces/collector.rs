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
    sync::{Arc, Mutex},
    thread,
};
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Identity, Server, ServerTlsConfig},
};

/// Metadata that a collector may want of those who send, kept with what the process says.
pub(crate) const TOKEN: &str = "x-collector-token";

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
struct Keeping(Arc<Mutex<Vec<Received>>>);

#[tonic::async_trait]
impl TraceService for Keeping {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let token = request.metadata().get(TOKEN);
        let token = token.map(|token| token.to_str().unwrap().to_owned());
        let mut kept = self.0.lock().unwrap();
        for of_process in request.into_inner().resource_spans {
            let process = of_process.resource.unwrap_or_default().attributes;
            let mut process = texts(process);
            process.extend(token.clone().map(|token| (TOKEN.to_owned(), token)));
            let spans = of_process.scope_spans.into_iter().flat_map(|s| s.spans);
            kept.extend(spans.map(|span| received(span, &process)));
        }
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
        Self::serving(Server::builder(), "http")
    }

    /// The same with encryption; gives the certificate too.
    pub(crate) fn encrypted() -> (Self, String) {
        let names = vec!["localhost".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = own.cert.pem();
        let identity = Identity::from_pem(&certificate, own.signing_key.serialize_pem());
        let tls = ServerTlsConfig::new().identity(identity);
        let server = Server::builder().tls_config(tls).unwrap();
        (Self::serving(server, "https"), certificate)
    }

    fn serving(mut server: Server, scheme: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("{scheme}://localhost:{port}");
        let kept = Keeping::default();
        let service = TraceServiceServer::new(kept.clone());
        runtime.spawn(
            server
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
        self.kept.0.lock().unwrap().clone()
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
