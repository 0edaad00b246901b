//! A bundle that arrives in pieces: collected within a limit, then read and checked as a whole.

use super::pieces::PIECE_BYTES;
use crate::error::{ControlError, blocking};
use assay_api::registry::PutBundleRequest;
use assay_core::Digest;
use assay_pipeline::{Bundle, bundle};
use assay_store::{BundleFiles, check_name};
use bytes::Bytes;
use std::{collections::BTreeMap, path::Path, time::Duration};
use tonic::{Status, Streaming};

/// After this silence a sender is given up.
const PATIENCE: Duration = Duration::from_secs(60);

const FILES: [&str; 4] = [
    bundle::MODEL_FILE,
    bundle::GATE_FILE,
    bundle::DOCUMENT_FILE,
    bundle::CARD_FILE,
];

/// A bundle that was read and is right.
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) bundle: Digest,
    pub(super) files: BundleFiles,
}

/// What arrived so far.
pub(super) struct Upload {
    name: String,
    version: String,
    files: BTreeMap<String, Vec<u8>>,
    room_bytes: u64,
    max_bytes: u64,
}

impl Upload {
    /// Takes a whole stream.
    pub(super) async fn receive(
        mut messages: Streaming<PutBundleRequest>,
        max_bytes: u64,
    ) -> Result<Self, Status> {
        let Some(first) = next(&mut messages).await? else {
            let reason = "is missing; the first message names the model";
            return Err(ControlError::field("name", reason).into());
        };
        let mut upload = Self::begin(first, max_bytes)?;
        while let Some(message) = next(&mut messages).await? {
            upload.go_on(message)?;
        }
        Ok(upload)
    }

    fn begin(first: PutBundleRequest, max_bytes: u64) -> Result<Self, ControlError> {
        check_name("name", &first.name)?;
        if !first.version.is_empty() {
            check_name("version", &first.version)?;
        }
        let mut upload = Self {
            name: first.name,
            version: first.version,
            files: BTreeMap::new(),
            room_bytes: max_bytes,
            max_bytes,
        };
        upload.add(first.file_name, &first.chunk)?;
        Ok(upload)
    }

    fn go_on(&mut self, message: PutBundleRequest) -> Result<(), ControlError> {
        for (field, here, first) in [
            ("name", &message.name, &self.name),
            ("version", &message.version, &self.version),
        ] {
            if !here.is_empty() && here != first {
                let reason = format!("is {here:?}, but the first message says {first:?}");
                return Err(ControlError::field(field, reason));
            }
        }
        self.add(message.file_name, &message.chunk)
    }

    fn add(&mut self, file: String, chunk: &[u8]) -> Result<(), ControlError> {
        if !FILES.contains(&file.as_str()) {
            let shown: String = file.chars().take(80).collect();
            let reason = format!("is {shown:?}; allowed: {}", FILES.join(", "));
            return Err(ControlError::field("file_name", reason));
        }
        let length = chunk.len() as u64;
        if chunk.len() > PIECE_BYTES {
            let reason = format!("has {length} bytes; at most {PIECE_BYTES} are allowed");
            return Err(ControlError::field("chunk", reason));
        }
        let Some(room) = self.room_bytes.checked_sub(length) else {
            let reason = format!("makes the bundle larger than {} bytes", self.max_bytes);
            return Err(ControlError::field("chunk", reason));
        };
        self.room_bytes = room;
        self.files.entry(file).or_default().extend_from_slice(chunk);
        Ok(())
    }

    /// Reads the bundle, every byte of it.
    pub(super) async fn check(self) -> Result<Checked, ControlError> {
        blocking(move || {
            let bundle = Bundle::from_files(self.files, Path::new("upload")).map_err(Box::new)?;
            let files = bundle.files().into_iter();
            let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::copy_from_slice(bytes)));
            Ok(Checked {
                name: self.name,
                version: match self.version.as_str() {
                    "" => bundle.id().short(),
                    _ => self.version,
                },
                bundle: bundle.id(),
                files: files.collect(),
            })
        })
        .await
    }
}

async fn next(
    messages: &mut Streaming<PutBundleRequest>,
) -> Result<Option<PutBundleRequest>, Status> {
    match tokio::time::timeout(PATIENCE, messages.message()).await {
        Ok(message) => message,
        Err(_) => Err(ControlError::Silence {
            waited_s: PATIENCE.as_secs(),
        }
        .into()),
    }
}
