//! Who a client is, and whom it believes: certificates, keys and tokens, from files that may
//! change while the process runs.

use crate::WireError;
use assay_core::{Digest, Secret};
use std::{fs::File, io::Read, path::Path, path::PathBuf};
use tonic::codegen::http::HeaderValue;

/// Longest file that is taken.
const LONGEST_FILE_BYTES: u64 = 4 << 20;
/// What certificates in a file begin with.
const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// Who a client is, and whom it believes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Certificates of those who may sign the server's, as PEM; those that the system trusts when
    /// not set.
    pub ca: Option<PathBuf>,
    /// The certificate that the server is shown, as PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key: Option<PathBuf>,
    /// The token that is sent.
    pub token: TokenSource,
    /// Send the token over unencrypted connections to other machines too.
    pub insecure_token: bool,
}

/// Where a token comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TokenSource {
    /// There is none.
    #[default]
    None,
    /// The token itself.
    Word(Secret),
    /// A file with nothing else in it, read again when it changes.
    File(PathBuf),
}

/// What the files of credentials hold.
#[derive(Clone, Default)]
pub(super) struct Material {
    pub(super) ca: Option<Vec<u8>>,
    /// Certificate and key.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) bearer: Option<HeaderValue>,
}

impl Credentials {
    /// Whether any of this lies in files.
    pub(super) const fn in_files(&self) -> bool {
        self.ca.is_some()
            || self.certificate.is_some()
            || matches!(self.token, TokenSource::File(_))
    }

    /// Reads the files.
    pub(super) fn read(&self) -> Result<Material, WireError> {
        let ca = self.ca.as_deref().map(certificates).transpose()?;
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some((certificates(certificate)?, content(key)?)),
            (None, None) => None,
            _ => {
                return Err(refuse(
                    "a client certificate and its key belong together; one of them is missing",
                ));
            }
        };
        let bearer = match &self.token {
            TokenSource::None => None,
            TokenSource::Word(word) => Some(bearer(word, "the token")?),
            TokenSource::File(path) => {
                let text = String::from_utf8(content(path)?).unwrap_or_default();
                let word = Secret::new(text.trim());
                Some(bearer(&word, &path.display().to_string())?)
            }
        };
        Ok(Material {
            ca,
            identity,
            bearer,
        })
    }
}

impl Material {
    /// Stands for what makes a connection, so that a new one is made only when that changes.
    pub(super) fn of_connection(&self) -> Digest {
        let parts = [
            self.ca.as_deref(),
            self.identity
                .as_ref()
                .map(|(certificate, _)| &certificate[..]),
            self.identity.as_ref().map(|(_, key)| &key[..]),
        ];
        let each: Vec<u8> = parts
            .iter()
            .flat_map(|part| *Digest::of(part.unwrap_or_default()).as_bytes())
            .collect();
        Digest::of(&each)
    }
}

fn certificates(path: &Path) -> Result<Vec<u8>, WireError> {
    let bytes = content(path)?;
    // The transport would take a file without one and then believe nobody.
    let holds = bytes
        .windows(PEM_CERTIFICATE.len())
        .any(|w| w == PEM_CERTIFICATE);
    if !holds {
        let path = path.display();
        return Err(refuse(format!(
            "{path} holds no certificate; write it as PEM"
        )));
    }
    Ok(bytes)
}

fn content(path: &Path) -> Result<Vec<u8>, WireError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(LONGEST_FILE_BYTES)
            .read_to_end(&mut bytes)?;
        std::io::Result::Ok(bytes)
    };
    read().map_err(|error| refuse(format!("cannot read {}: {error}", path.display())))
}

/// What is sent with every request. The token is not quoted when it cannot be one.
fn bearer(word: &Secret, source: &str) -> Result<HeaderValue, WireError> {
    let usable = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic());
    let value = Some(word.reveal())
        .filter(|word| usable(word))
        .and_then(|word| HeaderValue::from_str(&format!("Bearer {word}")).ok());
    let Some(mut value) = value else {
        return Err(refuse(format!(
            "{source} is no token: one line of visible ASCII characters is expected, as \
             `openassay token new` prints it"
        )));
    };
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn refuse(reason: impl Into<String>) -> WireError {
    WireError::Credential {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn token(source: TokenSource) -> Result<Material, WireError> {
        let credentials = Credentials {
            token: source,
            ..Credentials::default()
        };
        credentials.read()
    }

    #[test]
    fn a_token_is_read_from_its_file_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "openassay_1234\n").unwrap();
        let bearer = token(TokenSource::File(path.clone())).unwrap().bearer;
        let bearer = bearer.unwrap();
        assert_eq!(bearer, "Bearer openassay_1234");
        assert!(!format!("{bearer:?}").contains("1234"));
        for wrong in ["", "\n", "two words", "ä", "openassay_1234\nmore"] {
            fs::write(&path, wrong).unwrap();
            let Err(error) = token(TokenSource::File(path.clone())) else {
                panic!("{wrong:?} is taken");
            };
            let told = error.to_string();
            assert!(told.contains("is no token"), "{told}");
            assert!(!told.contains("1234"), "{told}");
        }
        drop(folder);
        let gone = token(TokenSource::File(path)).map(drop).unwrap_err();
        assert!(gone.to_string().contains("cannot read"), "{gone}");
    }

    #[test]
    fn half_an_identity_is_refused() {
        let half = Credentials {
            certificate: Some("a.pem".into()),
            ..Credentials::default()
        };
        let error = half.read().map(drop).unwrap_err();
        assert!(error.to_string().contains("belong together"), "{error}");
    }
}
