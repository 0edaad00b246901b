//! Explanations: what a page, its tables and figures hold, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod explained;
mod page;
