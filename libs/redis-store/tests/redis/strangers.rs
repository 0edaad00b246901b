//! What is not there, not for us, no Redis at all, or does not answer; and what is behind TLS.

use crate::private::{PATIENCE, ask, job, log_holds, options, own};
use assay_core::Secret;
use assay_jobs::{JobError, JobStore as _};
use assay_redis_store::{RedisJobStore, RedisOptions};
use assay_servers::redis::Settings;
use std::{fs, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PASSWORD: &str = "hunter2";

/// The words of the refusal, which never hold the password; nor does the log.
async fn refusal(options: RedisOptions) -> String {
    let connected = timeout(PATIENCE, RedisJobStore::connect(options)).await;
    let error = connected.unwrap().unwrap_err();
    assert!(matches!(error, JobError::Unavailable { .. }), "{error}");
    let words = format!("{error} {error:?}");
    assert!(!words.contains(PASSWORD), "{words}");
    assert!(!log_holds(&[PASSWORD]), "a password in the log");
    error.to_string()
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    let settings = Settings::durable().password("wombat");
    let Some(server) = own("a wrong password", &settings) else {
        return;
    };
    let at = |login: &str| format!("redis://{login}127.0.0.1:{}", server.port());
    let words = refusal(options(&at(&format!(":{PASSWORD}@")))).await;
    assert!(words.contains("127.0.0.1"), "{words}");
    let words = refusal(options(&at(&format!("nobody:{PASSWORD}@")))).await;
    assert!(words.to_lowercase().contains("password"), "{words}");
    let words = refusal(options(&at(""))).await;
    assert!(words.contains("NOAUTH"), "{words}");
    let right = options(&at(":%77ombat@"));
    let store = RedisJobStore::connect(right).await.unwrap();
    store.submit(job(), 1).await.unwrap();
}

/// A server that answers everything with the same words, or with what it was asked.
async fn stranger(words: Option<&'static str>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(talk(client, words));
        }
    });
    format!("redis://:{PASSWORD}@127.0.0.1:{port}")
}

async fn talk(mut client: TcpStream, words: Option<&'static str>) {
    let mut asked = vec![0; 4096];
    while let Ok(length @ 1..) = client.read(&mut asked).await {
        let question = String::from_utf8_lossy(&asked[..length]).replace("\r\n", " ");
        let answer = match words {
            Some(words) => words.to_owned(),
            None => format!("-ERR what is {question}?\r\n"),
        };
        if client.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn what_is_no_redis_is_told_apart_without_the_password() {
    let web = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    for words in [Some(web), Some("\0\u{1}\u{2}"), None] {
        let quick = RedisOptions {
            timeout: Duration::from_millis(500),
            ..options(&stranger(words).await)
        };
        let told = refusal(quick).await;
        assert!(told.contains("redis at 127.0.0.1:"), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_forever() {
    let quick = RedisOptions {
        timeout: Duration::from_millis(50),
        ..options(&stranger(Some("")).await)
    };
    let words = refusal(quick).await;
    assert!(words.contains("in time"), "{words}");
}

#[tokio::test]
async fn a_place_where_nothing_listens_is_named() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let words = refusal(options(&format!("redis://:{PASSWORD}@127.0.0.1:{port}"))).await;
    let place = format!("redis at 127.0.0.1:{port}");
    assert!(
        words.contains(&place) && words.contains("refused"),
        "{words}"
    );
}

#[tokio::test]
async fn a_server_at_a_socket_is_reached() {
    let settings = Settings::durable().with("unixsocket", "redis.sock");
    let Some(server) = own("a server at a socket", &settings) else {
        return;
    };
    let socket = server.folder().join("redis.sock");
    let url = format!("unix://{}?db=3", socket.display());
    let store = RedisJobStore::connect(options(&url)).await.unwrap();
    store.submit(job(), 1).await.unwrap();
    assert_eq!(
        ask::<u64>(&server.url(), &["DBSIZE"]).await,
        0,
        "another database"
    );
}

#[tokio::test]
async fn options_with_faults_are_refused() {
    let words = refusal(options(&format!("http://{PASSWORD}@host"))).await;
    assert!(words.contains("url: "), "{words}");
}

#[tokio::test]
async fn a_server_behind_tls_is_reached_where_its_certificate_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(path("certificate.pem"), made.cert.pem()).unwrap();
    fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let settings = Settings::durable()
        .with("tls-port", &port)
        .with("tls-cert-file", &path("certificate.pem"))
        .with("tls-key-file", &path("key.pem"))
        .with("tls-auth-clients", "no");
    let Some(_server) = own("a server behind TLS", &settings) else {
        return;
    };
    let unknown = options(&format!("rediss://localhost:{port}"));
    let words = refusal(unknown.clone()).await;
    assert!(words.contains("certificate"), "{words}");
    let known = RedisOptions {
        ca_file: Some(path("certificate.pem").into()),
        ..unknown
    };
    let store = RedisJobStore::connect(known.clone()).await.unwrap();
    let id = store.submit(job(), 1).await.unwrap().record.id;
    store.get(id).await.unwrap();
    let another_name = RedisOptions {
        url: Secret::new(format!("rediss://127.0.0.1:{port}")),
        ..known
    };
    refusal(another_name).await;
}
