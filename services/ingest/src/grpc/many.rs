//! A stream of spectra: each is taken before the next is read, so that a long stream needs no
//! more memory than its answer.

use super::{Service, counted};
use crate::IngestError;
use assay_api::{
    ingest::{PutSpectraRequest, PutSpectraResponse},
    status,
};
use assay_trace::{item, step};
use std::pin::pin;
use tonic::{Status, Streaming};

/// Longest reason of one refused spectrum in the answer.
const LONGEST_REASON_BYTES: usize = 128;
/// A digest or a reason with the two lengths in front of digest and reason.
const ENTRY_BYTES: usize = LONGEST_REASON_BYTES + 8;

impl Service {
    /// Takes every spectrum of a stream.
    pub(super) async fn take_all(
        &self,
        mut spectra: Streaming<PutSpectraRequest>,
    ) -> Result<PutSpectraResponse, Status> {
        let most = self.max_message_bytes / ENTRY_BYTES;
        let (begun, grace) = (self.shutdown.begun(), self.shutdown.grace());
        let mut leaving = pin!(async move {
            begun.await;
            tokio::time::sleep(grace / 2).await;
        });
        let mut answer = PutSpectraResponse::default();
        for number in 1.. {
            let next = tokio::select! {
                next = spectra.message() => next?,
                () = &mut leaving => return Err(status::unavailable(
                    "the server shuts down; send the stream again: what was taken keeps its digest",
                )),
            };
            let Some(request) = next else {
                return Ok(answer);
            };
            if answer.digests.len() == most {
                let reason = format!("has more than {most} spectra; send them in several streams");
                return Err(status::invalid_field("spectrum", reason));
            }
            step(item(number), self.take(request, &mut answer)).await?;
        }
        Ok(answer)
    }

    async fn take(
        &self,
        request: PutSpectraRequest,
        answer: &mut PutSpectraResponse,
    ) -> Result<(), IngestError> {
        let kept = match request.spectrum {
            Some(spectrum) => self.numbers(spectrum).await,
            None => Err(IngestError::field("spectrum", "is missing")),
        };
        match counted("stream", kept) {
            Ok(kept) => {
                answer.digests.push(kept.digest.to_string());
                answer.errors.push(String::new());
                answer.accepted += 1;
            }
            Err(error) if error.blames_the_spectrum() => {
                answer.digests.push(String::new());
                answer.errors.push(shortened(&error.to_string()));
                answer.refused += 1;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

fn shortened(reason: &str) -> String {
    if reason.len() <= LONGEST_REASON_BYTES {
        return reason.to_owned();
    }
    let room = LONGEST_REASON_BYTES - '…'.len_utf8();
    let end = (0..=room).rev().find(|&end| reason.is_char_boundary(end));
    format!("{}…", &reason[..end.unwrap_or(0)])
}
