//! Generated code, in modules as the packages lie: it refers to its neighbours by relative paths.

/// Every descriptor of the interface, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openassay.descriptors"));

/// Package `openassay`.
pub mod openassay {
    /// `openassay.spectrum`
    pub mod spectrum {
        /// `openassay.spectrum.v1`
        pub mod v1 {
            tonic::include_proto!("openassay.spectrum.v1");
        }
    }
    /// `openassay.ingest`
    pub mod ingest {
        /// `openassay.ingest.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.ingest.v1");
        }
    }
    /// `openassay.inference`
    pub mod inference {
        /// `openassay.inference.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.inference.v1");
        }
    }
    /// `openassay.gate`
    pub mod gate {
        /// `openassay.gate.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.gate.v1");
        }
    }
    /// `openassay.explain`
    pub mod explain {
        /// `openassay.explain.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.explain.v1");
        }
    }
    /// `openassay.datasets`
    pub mod datasets {
        /// `openassay.datasets.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.datasets.v1");
        }
    }
    /// `openassay.registry`
    pub mod registry {
        /// `openassay.registry.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.registry.v1");
        }
    }
    /// `openassay.jobs`
    pub mod jobs {
        /// `openassay.jobs.v1`
        #[expect(clippy::allow_attributes, reason = "generated code")]
        pub mod v1 {
            tonic::include_proto!("openassay.jobs.v1");
        }
    }
}

/// Package `inference`: the Open Inference Protocol.
#[expect(clippy::allow_attributes, reason = "generated code")]
pub mod open_inference {
    tonic::include_proto!("inference");
}
