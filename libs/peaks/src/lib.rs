//! Peaks.
