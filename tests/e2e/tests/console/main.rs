//! The console and gRPC-Web of a real `openassay serve`: calls over HTTP/1.1 by hand, pages and what
//! they may do, requests of other sites, and the whole of it in a browser.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod calls;
mod encrypted;
mod origins;
mod pages;
mod scripts;
