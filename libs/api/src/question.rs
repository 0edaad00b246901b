//! Questions about a spectrum: its file or its digest.

use crate::{WireError, field, gate as wire};
use assay_answering::Question;

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

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::Digest;

    #[test]
    fn a_question_is_a_file_or_a_digest() {
        let digest = Digest::of(b"spectrum");
        let stored = wire::IdentifyRequest {
            spectrum_digest: digest.to_string(),
            ..Default::default()
        };
        assert_eq!(from_wire(stored.clone()), Ok(Question::Stored(digest)));
        let content = wire::IdentifyRequest {
            content: b"file".to_vec(),
            file_name: "a.spe".to_owned(),
            ..Default::default()
        };
        let both = wire::IdentifyRequest {
            content: b"file".to_vec(),
            ..stored
        };
        assert!(matches!(
            from_wire(content),
            Ok(Question::Content { name, .. }) if name == "a.spe"
        ));
        assert!(from_wire(both).is_err());
        assert!(from_wire(wire::IdentifyRequest::default()).is_err());
        let wrong = wire::IdentifyRequest {
            spectrum_digest: "zz".to_owned(),
            ..Default::default()
        };
        let message = from_wire(wrong).unwrap_err().to_string();
        assert!(message.starts_with("spectrum_digest"), "{message}");
    }
}
