//! The job store and the feature cache on Redis.
