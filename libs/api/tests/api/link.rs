//! Links show who they are, and take tokens and certificates anew when their files change.

use assay_api::{
    ClientOptions, Credentials, Limited, Link, MAX_MESSAGE_BYTES, TokenSource, channel,
    explain::{
        ExplainCamRequest, ExplainCamResponse, ExplainPeaksRequest, ExplainPeaksResponse,
        ExplainShapRequest, ExplainShapResponse, RenderReportRequest, RenderReportResponse,
        explain_service_client::ExplainServiceClient,
        explain_service_server::{ExplainService, ExplainServiceServer},
    },
    link, status,
};
use assay_core::Secret;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{fs, net::SocketAddr, path::Path, time::Duration};
use tokio::{net::TcpListener, time::timeout};
use tokio_stream::Empty;
use tonic::{
    Code, Request, Response, Status,
    transport::{Certificate, Identity, Server, ServerTlsConfig, server::TcpIncoming},
};

/// Longer than anything takes here; only what hangs is ended by it.
const HANGS: Duration = Duration::from_secs(300);

/// Answers with what it was shown.
struct Mirror;

#[tonic::async_trait]
impl ExplainService for Mirror {
    async fn explain_cam(
        &self,
        request: Request<ExplainCamRequest>,
    ) -> Result<Response<ExplainCamResponse>, Status> {
        let shown = request.metadata().get("authorization");
        let shown = shown.map_or("nothing", |shown| shown.to_str().unwrap());
        Err(Status::not_found(shown))
    }

    async fn explain_peaks(
        &self,
        _: Request<ExplainPeaksRequest>,
    ) -> Result<Response<ExplainPeaksResponse>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    type ExplainShapStream = Empty<Result<ExplainShapResponse, Status>>;

    async fn explain_shap(
        &self,
        _: Request<ExplainShapRequest>,
    ) -> Result<Response<Self::ExplainShapStream>, Status> {
        Err(Status::unimplemented("not asked"))
    }

    type RenderReportStream = Empty<Result<RenderReportResponse, Status>>;

    async fn render_report(
        &self,
        _: Request<RenderReportRequest>,
    ) -> Result<Response<Self::RenderReportStream>, Status> {
        Err(Status::unimplemented("not asked"))
    }
}

async fn serve(tls: Option<ServerTlsConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server = Server::builder();
    if let Some(tls) = tls {
        server = server.tls_config(tls).unwrap();
    }
    let routes = server.add_service(ExplainServiceServer::new(Mirror));
    tokio::spawn(routes.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

/// What the other side was shown, or why it could not be asked.
async fn shown(link: &Link) -> Status {
    let client = ExplainServiceClient::new(link.clone());
    let mut client = client.limited(MAX_MESSAGE_BYTES);
    client
        .explain_cam(ExplainCamRequest::default())
        .await
        .unwrap_err()
}

/// Asks until the answer is this.
async fn becomes(link: &Link, words: &str) {
    let asked = async {
        while shown(link).await.message() != words {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANGS, asked).await.unwrap();
}

fn with(credentials: Credentials) -> ClientOptions {
    ClientOptions {
        credentials,
        ..ClientOptions::default()
    }
}

#[tokio::test]
async fn a_token_is_shown_and_follows_its_file() {
    let url = format!("http://{}", serve(None).await);
    let bare = link(&url, &ClientOptions::default()).unwrap();
    assert_eq!(shown(&bare).await.message(), "nothing");
    let word = with(Credentials {
        token: TokenSource::Word(Secret::new("one")),
        ..Credentials::default()
    });
    assert_eq!(
        shown(&link(&url, &word).unwrap()).await.message(),
        "Bearer one"
    );
    // It would be sent without the token, and nobody would notice.
    channel(&url, &word).unwrap_err();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let file = with(Credentials {
        token: TokenSource::File(path.clone()),
        ..Credentials::default()
    });
    link(&url, &file).unwrap_err();
    fs::write(&path, "one\n").unwrap();
    let following = link(&url, &file).unwrap();
    assert_eq!(shown(&following).await.message(), "Bearer one");
    fs::write(&path, "two\n").unwrap();
    becomes(&following, "Bearer two").await;
    // A broken one changes nothing; by the time of a third, it was looked at.
    fs::write(&path, "").unwrap();
    assert_eq!(shown(&following).await.message(), "Bearer two");
    fs::write(&path, "three\n").unwrap();
    becomes(&following, "Bearer three").await;
}

/// Somebody who signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate and its key.
    fn sign(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn write(&self, folder: &Path) {
        let (certificate, key) = self.sign();
        fs::write(folder.join("tls.key"), key).unwrap();
        fs::write(folder.join("tls.crt"), certificate).unwrap();
    }
}

#[tokio::test]
async fn a_certificate_follows_its_file() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (certificate, key) = authority.sign();
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(&authority.pem));
    let url = format!("https://{}", serve(Some(tls)).await);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("ca.pem"), &authority.pem).unwrap();
    stranger.write(folder);
    let options = with(Credentials {
        ca: Some(folder.join("ca.pem")),
        certificate: Some(folder.join("tls.crt")),
        key: Some(folder.join("tls.key")),
        token: TokenSource::Word(Secret::new("one")),
        ..Credentials::default()
    });
    let link = link(&url, &options).unwrap();
    let refused = shown(&link).await;
    assert!(status::is_connection_lost(&refused), "{refused:?}");
    authority.write(folder);
    becomes(&link, "Bearer one").await;
    // Key and certificate of two makers are not taken.
    fs::write(folder.join("tls.key"), stranger.sign().1).unwrap();
    assert_eq!(shown(&link).await.code(), Code::NotFound);
}

#[tokio::test]
async fn files_that_hold_something_else_are_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    fs::write(&path, "nonsense").unwrap();
    let options = with(Credentials {
        ca: Some(path),
        ..Credentials::default()
    });
    let told = link("https://127.0.0.1:1", &options).unwrap_err();
    let told = told.to_string();
    assert!(
        told.contains("ca.pem") && told.contains("no certificate"),
        "{told}"
    );
}
