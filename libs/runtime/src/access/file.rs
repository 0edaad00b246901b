//! The file of tokens: who there is, what they may do, and by what they are known. It holds no
//! token, only hashes.

use super::{
    calendar,
    config::{MOST, rate_fault},
    role::Role,
    token::TokenHash,
};
use crate::watched::UnreadableFile;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::HashSet, path::PathBuf};
use toml::value::Datetime;

/// Names that stand for something else.
const TAKEN: [&str; 2] = [super::ANONYMOUS, super::UNKNOWN];
/// Longest name of a principal or in a certificate.
const LONGEST_NAME: usize = 128;
const LONGEST_CERTIFICATE: usize = 1024;

/// A file of tokens that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] UnreadableFile),
    /// It is no file of tokens.
    #[error("{}: {reason}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong and where; nothing of the file is quoted.
        reason: String,
    },
    /// What stands in it cannot be right.
    #[error("{} has faults: {}", .path.display(), .faults.join("; "))]
    Faults {
        /// The file.
        path: PathBuf,
        /// Each of them.
        faults: Vec<String>,
    },
    /// The audit log cannot be written.
    #[error("cannot write the audit log {}: {source}", .path.display())]
    Audit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No threads for the audit log.
    #[error("no thread for the audit log can be started: {0}; allow the process more")]
    Thread(#[source] std::io::Error),
}

/// A whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// Everyone who is known.
    #[serde(default)]
    pub principal: Vec<PrincipalEntry>,
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalEntry {
    /// Who it is, in logs and records of jobs.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The name in the client certificate that stands for it.
    pub certificate: Option<String>,
    /// Requests a second, in place of `access.requests_per_s`.
    pub requests_per_s: Option<f64>,
    /// Requests at once after a pause, in place of `access.burst`.
    pub burst: Option<u32>,
    /// Requests at a time, in place of `access.max_in_flight`.
    pub max_in_flight: Option<u32>,
    /// Its tokens; several while one takes the place of another.
    #[serde(default)]
    pub token: Vec<TokenEntry>,
}

/// A token, by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// The hash of it.
    pub hash: TokenHash,
    /// When it ends, in seconds since 1970.
    #[serde(default, deserialize_with = "expiry")]
    pub expires: Option<i64>,
    /// It is not taken any more.
    #[serde(default)]
    pub revoked: bool,
}

/// A date or moment, with or without quotes.
fn expiry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let moment = match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(moment) => Some(moment),
        toml::Value::String(text) => text.parse::<Datetime>().ok(),
        _ => None,
    };
    let seconds = moment.as_ref().and_then(calendar::seconds_of);
    let refuse = || D::Error::custom("expires: is no date; write it as 2027-01-01");
    seconds.map(Some).ok_or_else(refuse)
}

/// When something ends that is written as a date or moment, in seconds since 1970: a date is its
/// first moment, in UTC.
#[must_use]
pub fn read_expiry(text: &str) -> Option<i64> {
    calendar::seconds_of(&text.parse::<Datetime>().ok()?)
}

impl TokenFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self, AccessError> {
        let file: Self = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                // Only the message and the place: the quoted line could hold a token.
                let at = error.span().map_or(0, |span| span.start);
                let before = text.get(..at).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let reason = format!("line {line}: {}", error.message());
                return Err(AccessError::Form { path, reason });
            }
        };
        let faults = file.faults();
        if faults.is_empty() {
            Ok(file)
        } else {
            Err(AccessError::Faults { path, faults })
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let (mut names, mut certificates) = (HashSet::new(), HashSet::new());
        let mut hashes = HashSet::new();
        for entry in &self.principal {
            let name = &entry.name;
            faults.extend(name_fault(name));
            if !names.insert(name) {
                faults.push(format!("principal {name:?} stands there twice"));
            }
            faults.extend(entry.faults().map(|fault| format!("{name}: {fault}")));
            if let Some(certificate) = &entry.certificate
                && !certificates.insert(certificate)
            {
                faults.push(format!(
                    "{name}: certificate {certificate:?} stands for another principal already"
                ));
            }
            for token in &entry.token {
                if !hashes.insert(token.hash) {
                    let short = token.hash.short();
                    faults.push(format!("{name}: token {short} stands there twice"));
                }
            }
        }
        faults
    }
}

impl PrincipalEntry {
    fn faults(&self) -> impl Iterator<Item = String> {
        let mut faults = Vec::new();
        if self.roles.is_empty() {
            let all = super::role::listed(&Role::ALL, ", ");
            faults.push(format!("roles: are missing; at least one of {all}"));
        }
        if let Some(certificate) = &self.certificate
            && (certificate.is_empty() || certificate.len() > LONGEST_CERTIFICATE)
        {
            faults.push(format!(
                "certificate: has {} bytes; allowed: 1 to {LONGEST_CERTIFICATE}",
                certificate.len()
            ));
        }
        faults.extend(self.requests_per_s.and_then(rate_fault));
        for (field, value, least) in [
            ("burst", self.burst, 1),
            ("max_in_flight", self.max_in_flight, 0),
        ] {
            if let Some(value) = value
                && !(least..=MOST).contains(&value)
            {
                faults.push(format!("{field}: {value} is outside {least} to {MOST}"));
            }
        }
        faults.into_iter()
    }
}

/// What is wrong with the name of a principal.
pub(super) fn name_fault(name: &str) -> Option<String> {
    let usable = |b: u8| b.is_ascii_alphanumeric() || b"._@:/-".contains(&b);
    if !(1..=LONGEST_NAME).contains(&name.len()) || !name.bytes().all(usable) {
        return Some(format!(
            "name: {name:?} is none; allowed: 1 to {LONGEST_NAME} of A-Z, a-z, 0-9 and ._@:/-"
        ));
    }
    TAKEN
        .contains(&name)
        .then(|| format!("name: {name:?} stands for callers who are not known; take another"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TokenFile, String> {
        TokenFile::parse(PathBuf::from("t.toml"), text).map_err(|error| error.to_string())
    }

    fn hash(word: &str) -> TokenHash {
        TokenHash::of(word.as_bytes())
    }

    #[test]
    fn a_whole_file_is_read() {
        let text = format!(
            "[[principal]]\nname = \"lab-7\"\nroles = [\"instrument\"]\nrequests_per_s = 0.5\n\
             burst = 3\nmax_in_flight = 2\ncertificate = \"spiffe://lab/7\"\n\
             [[principal.token]]\nhash = \"{}\"\nexpires = 2027-01-01\n\
             [[principal.token]]\nhash = \"{}\"\nexpires = \"2027-01-01T00:00:00Z\"\n\
             revoked = true\n\
             [[principal]]\nname = \"gate\"\nroles = [\"worker\", \"analyst\"]\n",
            hash("a"),
            hash("b")
        );
        let file = parse(&text).unwrap();
        let [lab, gate] = &file.principal[..] else {
            panic!("two principals are expected");
        };
        assert_eq!(lab.certificate.as_deref(), Some("spiffe://lab/7"));
        assert_eq!(
            (lab.requests_per_s, lab.burst, lab.max_in_flight),
            (Some(0.5), Some(3), Some(2))
        );
        assert_eq!(lab.token[0].hash, hash("a"));
        assert_eq!(lab.token[0].expires, Some(1_798_761_600));
        assert_eq!(lab.token[1].expires, lab.token[0].expires);
        assert!(lab.token[1].revoked && !lab.token[0].revoked);
        assert_eq!(gate.roles, [Role::Worker, Role::Analyst]);
        assert_eq!(parse("").unwrap(), TokenFile::default());
    }

    #[test]
    fn every_fault_is_told() {
        let text = format!(
            "[[principal]]\nname = \"a\"\nroles = []\nburst = 0\nrequests_per_s = -1\n\
             certificate = \"\"\n[[principal.token]]\nhash = \"{0}\"\n\
             [[principal]]\nname = \"a\"\nroles = [\"worker\"]\nmax_in_flight = 2000000\n\
             [[principal.token]]\nhash = \"{0}\"\n\
             [[principal]]\nname = \"anonymous\"\nroles = [\"worker\"]\n\
             [[principal]]\nname = \"a b\"\nroles = [\"worker\"]\n",
            hash("a")
        );
        let told = parse(&text).unwrap_err();
        for words in [
            "a: roles: are missing",
            "a: burst: 0 is outside 1 to 1000000",
            "a: requests_per_s: -1 is neither",
            "a: certificate: has 0 bytes",
            "\"a\" stands there twice",
            "a: max_in_flight: 2000000",
            "a: token ",
            "\"anonymous\" stands for",
            "\"a b\" is none",
        ] {
            assert!(told.contains(words), "{words} is missing: {told}");
        }
    }

    #[test]
    fn a_token_that_stands_there_itself_is_not_told() {
        let token = super::super::token::generate().unwrap();
        for text in [
            format!(
                "[[principal]]\nname = \"a\"\nroles = [\"worker\"]\n[[principal.token]]\nhash = \"{}\"",
                token.reveal()
            ),
            format!("token = \"{}\"", token.reveal()),
            format!("[[principal]]\nname = {}", token.reveal()),
            format!(
                "[[principal]]\nname = \"a\"\nroles = [\"worker\"]\n[[principal.token]]\nhash = \"{}\"\nexpires = \"{}\"",
                hash("a"),
                token.reveal()
            ),
        ] {
            let told = parse(&text).unwrap_err();
            assert!(told.contains("line "), "{told}");
            assert!(!told.contains(&token.reveal()[12..]), "{told}");
        }
    }
}
