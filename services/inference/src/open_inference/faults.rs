//! Refusals in the words of the protocol: its fields instead of ours.

use super::shown;
use assay_answering::AnswerError;
use assay_api::status;
use assay_core::Digest;
use assay_store::{StoreError, check_name};
use tonic::Status;

/// The fields of a request that name the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

/// How the other interfaces write the model of a name and a version.
///
/// # Errors
/// When the two do not go together.
pub(super) fn reference(name: &str, version: &str, named: Named) -> Result<String, Status> {
    if version.is_empty() {
        return Ok(name.to_owned());
    }
    if name.is_empty() {
        let version = shown(version);
        let reason = format!("is empty; name the model whose version {version} is asked for");
        return Err(status::invalid_field(named.name, reason));
    }
    if name.contains(['@', ':']) || name.parse::<Digest>().is_ok() {
        let (name, version) = (shown(name), shown(version));
        let reason = format!("is {version}, but {name} says already which one; leave it empty");
        return Err(status::invalid_field(named.version, reason));
    }
    check_name("version", version).map_err(|error| {
        let reason = match error {
            StoreError::Invalid { value, allowed, .. } => {
                format!("is {value:?}; allowed: {allowed}")
            }
            error => error.to_string(),
        };
        status::invalid_field(named.version, reason)
    })?;
    Ok(format!("{name}:{version}"))
}

/// The status of an error about a request whose elements stand in a field.
pub(super) fn status(error: AnswerError, named: Named, elements: &str) -> Status {
    match error {
        AnswerError::Field {
            field: "vectors",
            reason,
        } => status::invalid_field(elements, reason.replacen("vectors[", "row [", 1)),
        AnswerError::Field {
            field: "model_name",
            reason,
        } => status::invalid_field(named.name, reason),
        AnswerError::Store(StoreError::Invalid { value, allowed, .. }) => {
            status::invalid_field(named.name, format!("is {value:?}; allowed: {allowed}"))
        }
        error => status::of(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::StatusExt;

    const NAMED: Named = Named {
        name: "name",
        version: "version",
    };

    fn field(status: &Status) -> String {
        let request = status.get_details_bad_request().unwrap();
        request.field_violations[0].field.clone()
    }

    #[test]
    fn a_name_with_a_version_is_written_as_everywhere() {
        for (name, version, expected) in [
            ("", "", ""),
            ("steel", "", "steel"),
            ("steel@canary", "", "steel@canary"),
            ("steel", "3", "steel:3"),
        ] {
            let text = reference(name, version, NAMED).unwrap();
            assert_eq!(text, expected);
        }
        let digest = Digest::of(b"x").to_string();
        for (name, version, at_fault) in [
            ("", "3", "name"),
            ("steel@canary", "3", "version"),
            ("steel:3", "3", "version"),
            (digest.as_str(), "3", "version"),
            ("steel", "../3", "version"),
            ("steel", &"9".repeat(65), "version"),
        ] {
            let status = reference(name, version, NAMED).unwrap_err();
            assert_eq!(field(&status), at_fault, "{name} {version}");
        }
    }

    #[test]
    fn faults_are_told_of_the_fields_that_were_sent() {
        let not_finite = AnswerError::field("vectors", "vectors[1] has NaN at bin 5");
        let told = status(not_finite, NAMED, "raw_input_contents[0]");
        assert_eq!(field(&told), "raw_input_contents[0]");
        assert!(told.message().contains("row [1] has NaN"), "{told}");
        let no_name = check_name("model", "a b").unwrap_err().into();
        assert_eq!(field(&status(no_name, NAMED, "")), "name");
    }
}
