//! The settings of the console.

use assay_runtime::Check;
use serde::{Deserialize, Serialize};

/// Longest name of a host (RFC 1035).
const LONGEST_HOST: usize = 253;

/// The console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Whether browsers are answered at all: the pages, and gRPC-Web.
    pub enabled: bool,
    /// Names under which browsers reach the server unencrypted, or through a proxy, without port;
    /// addresses and `localhost` are always taken, and with TLS every name.
    pub hosts: Vec<String>,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            hosts: Vec::new(),
        }
    }
}

impl Check for ConsoleConfig {
    fn faults(&self) -> Vec<String> {
        let wrong = self.hosts.iter().filter(|host| !is_host(host));
        wrong
            .map(|host| {
                format!("hosts: `{host}` is no name of a host; write for example lab.example")
            })
            .collect()
    }
}

fn is_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=LONGEST_HOST).contains(&text.len()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_without_port_and_scheme() {
        let faults = |hosts: &[&str]| {
            let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
            let enabled = true;
            ConsoleConfig { enabled, hosts }.faults()
        };
        assert!(faults(&["lab.example", "lab-7"]).is_empty());
        let wrong = faults(&["lab.example:1", "http://lab", "", "*.x"]);
        assert_eq!(wrong.len(), 4, "{wrong:?}");
    }
}
