//! Questions about a spectrum: its file or its digest.

use crate::{WireError, field, gate as wire, status};
use assay_answering::{AnswerError, Question};
use assay_core::{Classified, ErrorKind};
use assay_pipeline::PipelineError;
use tonic::Status;

/// The question of a request.
///
/// # Errors
/// When both or neither of content and digest are there, or when the digest is none.
pub fn from_wire(request: wire::IdentifyRequest) -> Result<Question, WireError> {
    let stored = field::optional_digest("spectrum_digest", &request.spectrum_digest)?;
    match (stored, request.content.is_empty()) {
        (Some(digest), true) => Ok(Question::Stored(digest)),
        (None, false) => Ok(Question::Content {
            bytes: request.content.into(),
            name: request.file_name,
        }),
        (Some(_), false) => Err(WireError::field(
            "content",
            "is there beside spectrum_digest; send one of the two",
        )),
        (None, true) => Err(WireError::field(
            "content",
            "is empty, and so is spectrum_digest; send a spectrum's file or its digest",
        )),
    }
}

/// The field of a request that brings the spectrum.
#[must_use]
pub const fn field_of(request: &wire::IdentifyRequest) -> &'static str {
    if request.content.is_empty() {
        "spectrum_digest"
    } else {
        "content"
    }
}

/// The status of an error about a question. What is wrong with the spectrum is said of the field
/// that brought it.
#[must_use]
pub fn status_of(error: &AnswerError, field: &str) -> Status {
    match error {
        AnswerError::Pipeline(PipelineError::Parameter { .. }) => status::of(error),
        AnswerError::Pipeline(reason) if reason.kind() == ErrorKind::InvalidArgument => {
            status::invalid_field(field, reason.to_string())
        }
        _ => status::of(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::Digest;
    use tonic::Code;
    use tonic_types::StatusExt;

    fn stored(text: &str) -> wire::IdentifyRequest {
        wire::IdentifyRequest {
            spectrum_digest: text.to_owned(),
            ..Default::default()
        }
    }

    fn file(name: &str) -> wire::IdentifyRequest {
        wire::IdentifyRequest {
            content: b"file".to_vec(),
            file_name: name.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_digest_is_a_stored_spectrum_whatever_the_file_name_and_model() {
        let digest = Digest::of(b"spectrum");
        let named = wire::IdentifyRequest {
            model: "steels:3".to_owned(),
            file_name: "a.spe".to_owned(),
            ..stored(&digest.to_string())
        };
        for request in [stored(&digest.to_string()), named] {
            assert_eq!(from_wire(request), Ok(Question::Stored(digest)));
        }
    }

    #[test]
    fn a_file_keeps_its_bytes_and_its_name() {
        for name in ["", "a.spe", "=a,\"b\"\nc.spe", "Öl/漢字.n42"] {
            let expected = Question::Content {
                bytes: b"file".as_slice().into(),
                name: name.to_owned(),
            };
            assert_eq!(from_wire(file(name)), Ok(expected));
        }
    }

    #[test]
    fn neither_both_and_a_text_that_is_no_digest_are_told_by_field() {
        let digest = Digest::of(b"spectrum").to_string();
        let both = wire::IdentifyRequest {
            spectrum_digest: digest.clone(),
            ..file("")
        };
        let only_a_name = wire::IdentifyRequest {
            content: Vec::new(),
            ..file("a.spe")
        };
        for (request, field, words) in [
            (wire::IdentifyRequest::default(), "content", "is empty"),
            (
                only_a_name,
                "content",
                "send a spectrum's file or its digest",
            ),
            (both, "content", "send one of the two"),
            (stored("zz"), "spectrum_digest", "64 hexadecimal digits"),
            (stored(&digest[1..]), "spectrum_digest", &digest[1..]),
            (stored(" "), "spectrum_digest", "64 hexadecimal digits"),
        ] {
            let message = from_wire(request).unwrap_err().to_string();
            assert!(message.starts_with(field), "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_spectrum_is_said_of_the_field_that_brought_it() {
        let violated = |status: &Status| {
            let request = status.get_details_bad_request()?;
            Some(request.field_violations.first()?.field.clone())
        };
        let unreadable = |name: &str| {
            let source = assay_formats::read(b"no spectrum", Some(name)).unwrap_err();
            let file = name.to_owned();
            AnswerError::Pipeline(PipelineError::Format { file, source })
        };
        for request in [file("a.spe"), stored(&Digest::of(b"spectrum").to_string())] {
            let field = field_of(&request);
            let status = status_of(&unreadable("a.spe"), field);
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().contains("a.spe"), "{status:?}");
            assert_eq!(violated(&status).as_deref(), Some(field));
        }
        let other = AnswerError::Unavailable("inference is down".to_owned());
        let status = status_of(&other, "content");
        assert_eq!(
            (status.code(), violated(&status)),
            (Code::Unavailable, None)
        );
        let own = AnswerError::field("label", "is no class of the model");
        assert_eq!(
            violated(&status_of(&own, "content")).as_deref(),
            Some("label")
        );
    }
}
