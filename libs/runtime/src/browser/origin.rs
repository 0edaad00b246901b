//! Which requests of browsers are taken: those of pages that came from this very server. A page of
//! another site must not be able to submit a job to a server on the reader's own machine.
//!
//! Two ways are closed. A page elsewhere that asks this server directly is betrayed by `Origin` and
//! `Sec-Fetch-Site`, which no page can change (Fetch, section 3.2; W3C Fetch Metadata). A page
//! elsewhere whose name is pointed to this server's address ("DNS rebinding") is betrayed by that
//! name: unencrypted, only addresses, `localhost` and names from the configuration are taken, and
//! encrypted the browser itself compares the name with the certificate.

use http::{
    Request, StatusCode, Uri,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

/// Where a request comes from, as the browser sees it.
const FETCH_SITE: &str = "sec-fetch-site";
const SAME_ORIGIN: &[u8] = b"same-origin";

/// What this server takes for itself.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    /// Connections are encrypted.
    pub(super) encrypted: bool,
    /// Its names, besides addresses and `localhost`.
    pub(super) hosts: Vec<String>,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is meant for a server of another name.
    Host,
    /// It comes from a page of another site.
    Origin,
}

impl Refusal {
    /// For metrics and logs.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
        }
    }

    /// For readers of HTTP.
    pub(super) const fn http(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => {
                "this server is not known by the name in the address; use its IP address or \
                 localhost, encrypt its connections (tls.certificate), or list the name in \
                 console.hosts"
            }
            Self::Origin => {
                "this request comes from a page of another site; browsers may ask this server \
                 only from its own pages"
            }
        })
    }
}

impl Origins {
    /// A request for a page: a link from anywhere may lead here.
    pub(super) fn check_host<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        self.authority(request).map(drop)
    }

    /// A request of gRPC-Web. Programs, which are no browsers, name no origin.
    pub(super) fn check_call<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let authority = self.authority(request)?;
        let headers = request.headers();
        let sites = headers.get_all(FETCH_SITE);
        if sites.iter().any(|site| site.as_bytes() != SAME_ORIGIN) {
            return Err(Refusal::Origin);
        }
        let own = |origin: &http::HeaderValue| {
            let origin = origin.to_str().ok();
            origin.is_some_and(|origin| self.is_same(origin, &authority))
        };
        if headers.get_all(ORIGIN).iter().all(own) {
            Ok(())
        } else {
            Err(Refusal::Origin)
        }
    }

    /// A request of plain gRPC, whose clients are no browsers and say nothing of all this.
    pub(super) fn check_native<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let headers = request.headers();
        if headers.contains_key(ORIGIN) || headers.contains_key(FETCH_SITE) {
            return self.check_call(request);
        }
        Ok(())
    }

    /// Whom the request is meant for, if that is this server.
    fn authority<B>(&self, request: &Request<B>) -> Result<Authority, Refusal> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok());
        if hosts.next().is_some() {
            return Err(Refusal::Host);
        }
        let authority = match request.uri().authority() {
            Some(authority) => Some(authority.clone()),
            None => host.and_then(|host| host.parse().ok()),
        };
        authority
            .filter(|authority| self.knows(authority.host()))
            .ok_or(Refusal::Host)
    }

    fn knows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let in_brackets = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        self.encrypted
            || host.parse::<Ipv4Addr>().is_ok()
            || in_brackets.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
            || host == "localhost"
            || host.ends_with(".localhost")
            || self
                .hosts
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&host))
    }

    /// Whether an origin is the server that is asked. A server that is not encrypted itself may
    /// stand behind one that is.
    fn is_same(&self, origin: &str, asked: &Authority) -> bool {
        let Ok(origin) = origin.parse::<Uri>() else {
            return false;
        };
        let default_port = match origin.scheme_str() {
            Some("https") => 443,
            Some("http") if !self.encrypted => 80,
            _ => return false,
        };
        let port = |port: Option<u16>| port.unwrap_or(default_port);
        origin.authority().is_some_and(|own| {
            own.host().eq_ignore_ascii_case(asked.host())
                && port(own.port_u16()) == port(asked.port_u16())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(encrypted: bool) -> Origins {
        Origins {
            encrypted,
            hosts: vec!["lab.example".to_owned()],
        }
    }

    fn asked(headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    }

    #[test]
    fn names_that_are_not_ours_are_refused_where_nothing_is_encrypted() {
        let check = |host, encrypted| origins(encrypted).check_host(&asked(&[("host", host)]));
        for host in [
            "127.0.0.1:50051",
            "10.1.2.3",
            "[::1]:50051",
            "localhost:1",
            "a.localhost",
            "LAB.example:50051",
        ] {
            assert_eq!(check(host, false), Ok(()), "{host}");
        }
        for host in [
            "evil.example:50051",
            "127.0.0.1.evil.example",
            "lab.example.evil.example",
            "notlocalhost",
            "",
        ] {
            assert_eq!(check(host, false), Err(Refusal::Host), "{host}");
        }
        assert_eq!(check("any.example", true), Ok(()));
        let twice = asked(&[("host", "127.0.0.1"), ("host", "127.0.0.1")]);
        assert_eq!(origins(false).check_host(&twice), Err(Refusal::Host));
        assert_eq!(origins(false).check_host(&asked(&[])), Err(Refusal::Host));
    }

    #[test]
    fn pages_of_other_sites_may_not_ask() {
        let check = |origin, host| {
            let request = asked(&[("host", host), ("origin", origin)]);
            origins(false).check_call(&request)
        };
        for (origin, host) in [
            ("http://127.0.0.1:50051", "127.0.0.1:50051"),
            ("http://localhost", "localhost"),
            ("http://localhost:80", "localhost"),
            ("https://lab.example", "lab.example"),
            ("http://[::1]:7", "[::1]:7"),
        ] {
            assert_eq!(check(origin, host), Ok(()), "{origin} to {host}");
        }
        for origin in [
            "http://evil.example",
            "http://127.0.0.1:8080",
            "http://localhost:50051",
            "null",
            "file://",
            "",
        ] {
            let refused = check(origin, "127.0.0.1:50051");
            assert_eq!(refused, Err(Refusal::Origin), "{origin}");
        }
        let plain = asked(&[("host", "a.example"), ("origin", "http://a.example")]);
        assert_eq!(origins(true).check_call(&plain), Err(Refusal::Origin));
    }

    #[test]
    fn what_the_browser_says_about_the_site_counts() {
        let check = |site| {
            let request = asked(&[("host", "localhost"), ("sec-fetch-site", site)]);
            (
                origins(false).check_call(&request),
                origins(false).check_native(&request),
            )
        };
        assert_eq!(check("same-origin"), (Ok(()), Ok(())));
        for site in ["cross-site", "same-site", "none", ""] {
            let refused = Err(Refusal::Origin);
            assert_eq!(check(site), (refused, refused), "{site}");
        }
        let program = asked(&[("host", "localhost")]);
        assert_eq!(origins(false).check_call(&program), Ok(()));
        assert_eq!(origins(false).check_native(&asked(&[])), Ok(()));
    }
}
