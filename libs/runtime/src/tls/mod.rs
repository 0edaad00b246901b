//! Encryption in front of the gRPC server: TLS 1.2 and 1.3 with certificates that are read again
//! when their files change. Who may do what is said elsewhere.

mod config;
mod handshake;
mod material;
mod peer;
mod wire;

pub use config::{ClientCertificates, TlsConfig};
pub use material::TlsError;

pub(crate) use handshake::connections;
pub(crate) use peer::Peer;
pub(crate) use wire::Wire;

use crate::watched::{Contents, LOOK_EVERY, WatchedFiles};
use rustls::ServerConfig;
use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_rustls::TlsAcceptor;

/// The server's side of TLS as it is now.
#[derive(Debug)]
pub(crate) struct Tls {
    config: TlsConfig,
    /// What new connections get.
    current: RwLock<Arc<ServerConfig>>,
    /// When the certificate in use ends, in seconds since 1970; 0 where it does not say.
    ends: AtomicI64,
    files: Mutex<WatchedFiles>,
}

impl Tls {
    /// Reads certificate and key; `None` where none are configured.
    pub(crate) fn open(config: &TlsConfig) -> Result<Option<Arc<Self>>, TlsError> {
        if !config.is_on() {
            return Ok(None);
        }
        let mut files = WatchedFiles::new(material::paths(config));
        let contents = files.look().transpose()?.unwrap_or_default();
        let (server, ends) = take(config, &contents)?;
        Ok(Some(Arc::new(Self {
            config: config.clone(),
            current: RwLock::new(Arc::new(server)),
            ends: AtomicI64::new(ends),
            files: Mutex::new(files),
        })))
    }

    /// What takes a new connection.
    fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Takes files that have changed, for as long as this is polled. Files that cannot be used
    /// change nothing.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut turns = tokio::time::interval(LOOK_EVERY);
        loop {
            turns.tick().await;
            let ends = self.ends.load(Ordering::Relaxed);
            metrics::gauge!("openassay_tls_certificate_end_timestamp_seconds").set(ends as f64);
            let me = Arc::clone(&self);
            // Files can lie on a slow disk.
            if let Err(error) = tokio::task::spawn_blocking(move || me.renew()).await {
                tracing::error!(%error, "certificates could not be looked at");
            }
        }
    }

    fn renew(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = files.look() else {
            return;
        };
        let taken = found
            .map_err(TlsError::from)
            .and_then(|contents| take(&self.config, &contents));
        let result = if taken.is_ok() { "taken" } else { "refused" };
        metrics::counter!(
            "openassay_security_reloads_total", "what" => "certificate", "result" => result
        )
        .increment(1);
        match taken {
            Ok((server, ends)) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(server);
                self.ends.store(ends, Ordering::Relaxed);
            }
            Err(error) => tracing::error!(
                %error,
                "the new certificate is not taken; the one before stays in use"
            ),
        }
    }
}

/// Makes the server's side, and tells when its certificate ends.
fn take(config: &TlsConfig, contents: &Contents) -> Result<(ServerConfig, i64), TlsError> {
    let (server, ends) = material::server_config(config, contents)?;
    let left_s = ends.map(|ends| ends.saturating_sub(now_s()));
    match left_s {
        Some(left_s) if left_s <= 0 => tracing::warn!(
            tls.left_s = left_s,
            "the certificate of this server has expired; clients refuse it"
        ),
        left_s => tracing::info!(tls.left_s = left_s, "the certificate of this server"),
    }
    Ok((server, ends.unwrap_or_default()))
}

fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
