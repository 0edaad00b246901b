//! The same over TLS, where browsers speak HTTP/2 and the name is what the certificate says.

use assay_api::{ClientOptions, Credentials};
use assay_e2e::{
    certificates::Authority,
    raw::{self, Call},
    server::Server,
};
use std::net::{IpAddr, Ipv4Addr};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_tls_is_translated_and_its_origin_must_be_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let authority = Authority::new("authority").unwrap();
    let ca = authority.write(folder, "ca.pem").unwrap();
    let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let identity = authority.server(folder, "server", home).unwrap();
    let certificate = format!("tls.certificate={}", identity.certificate.display());
    let key = format!("tls.key={}", identity.key.display());
    let server = Server::start(folder, &["--set", &certificate, "--set", &key]).unwrap();
    let options = ClientOptions {
        credentials: Credentials {
            ca: Some(ca),
            ..Credentials::default()
        },
        ..ClientOptions::default()
    };
    let channel = assay_api::channel(&server.url, &options).unwrap();
    let call = Call::of(HEALTH, &HealthCheckRequest::default());
    let call = call.header("content-type", "application/grpc-web+proto");
    let own = call.clone().header("origin", &*server.url);
    let answer = raw::send(&channel, &own).await.unwrap();
    assert_eq!(answer.http, 200);
    let [message, trailers] = &answer.messages[..] else {
        unreachable!("{answer:?}");
    };
    let health: HealthCheckResponse = prost::Message::decode(message.clone()).unwrap();
    assert_eq!(health.status, 1);
    assert!(trailers.starts_with(b"grpc-status:0"), "{trailers:?}");
    let plain = server.url.replace("https://", "http://");
    for origin in [&*plain, "https://evil.example", "null"] {
        let foreign = call.clone().header("origin", origin);
        let answer = raw::send(&channel, &foreign).await.unwrap();
        assert_eq!(answer.http, 403, "{origin}");
    }
}
