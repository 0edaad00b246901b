//! `--check-health`: asks the process that runs with the same configuration how it is, for a
//! container engine whose health check is a command.

use crate::settings::ServerConfig;
use anyhow::{Context as _, Result, bail};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// From connecting to the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks about one gRPC service, or about the whole process under the empty name.
///
/// # Errors
/// When it does not serve, or nobody answers.
pub(crate) fn check(config: &ServerConfig, service: &str) -> Result<()> {
    let address = place(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let asked = async { tokio::time::timeout(PATIENCE, ask(address, service)).await };
    let status = runtime
        .block_on(asked)
        .with_context(|| format!("{address} has not answered for {} s", PATIENCE.as_secs()))?
        .with_context(|| {
            format!(
                "{address} tells nothing about its health; where TLS is used, set \
                 server.health_listen"
            )
        })?;
    if status != ServingStatus::Serving {
        bail!("{address} says {}", status.as_str_name());
    }
    Ok(())
}

/// Where the process is asked.
fn place(config: &ServerConfig) -> Result<SocketAddr> {
    let (key, mut address) = match config.health_listen {
        Some(address) => ("health_listen", address),
        None => ("listen", config.listen),
    };
    if address.port() == 0 {
        bail!("server.{key} is {address}, which is another port each time; name one");
    }
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Ok(address)
}

async fn ask(address: SocketAddr, service: &str) -> Result<ServingStatus> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?
        .connect()
        .await?;
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(channel).check(request).await?;
    Ok(answer.into_inner().status())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(listen: &str, health_listen: Option<&str>) -> Result<String> {
        let config = ServerConfig {
            listen: listen.parse()?,
            health_listen: health_listen.map(str::parse).transpose()?,
            ..ServerConfig::default()
        };
        Ok(place(&config)?.to_string())
    }

    #[test]
    fn this_machine_is_asked_at_the_port_that_is_meant() {
        assert_eq!(asked("10.0.0.1:7", None).unwrap(), "10.0.0.1:7");
        assert_eq!(asked("0.0.0.0:7", None).unwrap(), "127.0.0.1:7");
        assert_eq!(asked("[::]:7", None).unwrap(), "[::1]:7");
        assert_eq!(asked("[::]:7", Some("0.0.0.0:8")).unwrap(), "127.0.0.1:8");
        let error = asked("0.0.0.0:0", None).unwrap_err().to_string();
        assert!(error.contains("server.listen"), "{error}");
    }
}
