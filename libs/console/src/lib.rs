//! The console: pages for people with a browser, which ask the same gRPC interface as every other
//! client, over gRPC-Web. The pages are files in `assets`; here is what serves them.

mod assets;
mod config;
mod error;
mod pages;
mod schema;

pub use config::ConsoleConfig;
pub use error::ConsoleError;

use assay_runtime::{Component, Pages};

/// The console as part of a server; `None` where it is switched off.
///
/// # Errors
/// The description of the interface in this build cannot be read.
pub fn component(config: &ConsoleConfig) -> Result<Option<Component>, ConsoleError> {
    if !config.enabled {
        return Ok(None);
    }
    let pages = Pages {
        router: pages::router(schema::interface()?),
        hosts: config.hosts.clone(),
    };
    let component = Component::new("console", Vec::new(), |_| {}).with_pages(pages);
    Ok(Some(component))
}
