//! What every service needs to run: configuration from file, environment and flags, logs and
//! metrics, health, shutdown, the gRPC server. It knows no service.

pub mod access;
mod browser;
mod check_health;
mod component;
pub mod config;
mod connection;
mod drain;
mod error;
pub mod health;
mod health_port;
mod layers;
mod metrics_page;
pub mod openmp;
mod peers;
mod reflection;
pub mod request;
mod server;
pub mod service;
mod settings;
mod shutdown;
pub mod signals;
pub mod stream;
pub mod telemetry;
mod tls;
pub mod traces;
mod watched;

pub use access::AccessConfig;
pub use browser::Pages;
pub use component::{Component, Readiness};
pub use config::Check;
pub use error::RuntimeError;
pub use peers::PeersConfig;
pub use server::Server;
pub use service::{ServiceSettings, run_service};
pub use settings::{LogFormat, ServerConfig, TelemetryConfig};
pub use shutdown::Shutdown;
pub use tls::{ClientCertificates, TlsConfig, TlsError};
pub use watched::UnreadableFile;
