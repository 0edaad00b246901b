//! Callers who are recognised and callers who are not, while the file changes.

use super::{page::now_s, *};
use crate::access::{role::Role, token};
use assay_core::Secret;
use std::fs;
use tempfile::TempDir;

const FAR: &str = "2999-01-01";

/// A file of tokens.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new(text: &str) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        place.write(text);
        place
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tokens.toml")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn book(&self) -> Book {
        Book::open(&self.path(), &AccessConfig::default()).unwrap()
    }
}

fn hash(token: &Secret) -> TokenHash {
    TokenHash::of(token.reveal().as_bytes())
}

fn entry(name: &str, role: &str, more: &str) -> String {
    format!("[[principal]]\nname = \"{name}\"\nroles = [\"{role}\"]\n{more}\n")
}

fn lab(token: &Secret, more: &str) -> String {
    let hash = hash(token);
    let token = format!("[[principal.token]]\nhash = \"{hash}\"\n{more}");
    entry("lab-7", "instrument", &token)
}

fn recognise(book: &Book, token: &Secret) -> Result<Credential, Turned> {
    book.recognise(Shown::Word(token.reveal().as_bytes()), None)
}

fn why(book: &Book, shown: Shown<'_>) -> Stranger {
    book.recognise(shown, None).unwrap_err().why
}

#[test]
fn a_token_is_recognised_and_everything_else_has_its_reason() {
    let tokens: Vec<_> = (0..4).map(|_| token::generate().unwrap()).collect();
    let text = [
        lab(&tokens[0], &format!("expires = {FAR}")),
        entry(
            "old",
            "analyst",
            &format!(
                "[[principal.token]]\nhash = \"{}\"\nexpires = 1999-01-01",
                hash(&tokens[1])
            ),
        ),
        entry(
            "gone",
            "analyst",
            &format!(
                "[[principal.token]]\nhash = \"{}\"\nrevoked = true",
                hash(&tokens[2])
            ),
        ),
    ];
    let book = Place::new(&text.concat()).book();
    let known = recognise(&book, &tokens[0]).unwrap();
    assert_eq!(&*known.principal.name, "lab-7");
    assert_eq!(&*known.principal.roles, [Role::Instrument]);
    let turned = |token, why, principal: Option<&str>| {
        let found = recognise(&book, token).unwrap_err();
        let principal = principal.map(Into::into);
        assert_eq!(found, Turned { why, principal });
    };
    turned(&tokens[1], Stranger::Expired, Some("old"));
    turned(&tokens[2], Stranger::Revoked, Some("gone"));
    turned(&tokens[3], Stranger::Unknown, None);
    assert_eq!(why(&book, Shown::Nothing), Stranger::Missing);
    assert_eq!(why(&book, Shown::Nonsense), Stranger::Malformed);
    assert_eq!(why(&book, Shown::Word(b"x")), Stranger::Malformed);
    // A hash is no token.
    let stolen = hash(&tokens[0]).to_string();
    assert_eq!(
        why(&book, Shown::Word(stolen.as_bytes())),
        Stranger::Malformed
    );
    let dressed = format!("openassay_{stolen}");
    assert_eq!(
        why(&book, Shown::Word(dressed.as_bytes())),
        Stranger::Unknown
    );
}

#[test]
fn a_certificate_stands_for_its_principal_unless_a_token_is_shown() {
    let token = token::generate().unwrap();
    let certificate = "certificate = \"spiffe://lab/gate\"";
    let text = [lab(&token, ""), entry("gate", "worker", certificate)];
    let book = Place::new(&text.concat()).book();
    let name = Some("spiffe://lab/gate");
    let gate = book.recognise(Shown::Nothing, name).unwrap();
    assert_eq!(&*gate.principal.name, "gate");
    let word = Shown::Word(token.reveal().as_bytes());
    let lab = book.recognise(word, name).unwrap();
    assert_eq!(&*lab.principal.name, "lab-7");
    let wrong = book.recognise(Shown::Word(b"x"), name).unwrap_err();
    assert_eq!(wrong.why, Stranger::Malformed);
    let other = book.recognise(Shown::Nothing, Some("spiffe://lab/other"));
    assert_eq!(other.unwrap_err().why, Stranger::Certificate);
}

#[test]
fn revoking_works_at_the_next_look_and_ends_what_is_open() {
    let (token, other) = (token::generate().unwrap(), token::generate().unwrap());
    let anna = format!("[[principal.token]]\nhash = \"{}\"", hash(&other));
    let anna = entry("anna", "analyst", &anna);
    let place = Place::new(&[lab(&token, ""), anna.clone()].concat());
    let book = place.book();
    let (lab_7, anna_1) = (recognise(&book, &token), recognise(&book, &other));
    let (lab_7, anna_1) = (lab_7.unwrap().lease, anna_1.unwrap().lease);
    place.write(&[lab(&token, "revoked = true"), anna.clone()].concat());
    book.renew();
    assert_eq!(recognise(&book, &token).unwrap_err().why, Stranger::Revoked);
    assert!(lab_7.is_cancelled() && !anna_1.is_cancelled());
    // Taken out altogether.
    place.write(&anna);
    book.renew();
    assert_eq!(recognise(&book, &token).unwrap_err().why, Stranger::Unknown);
    assert!(!anna_1.is_cancelled());
    // Back again: what is open from now on is not ended by what was before.
    place.write(&[lab(&token, ""), anna].concat());
    book.renew();
    assert!(!recognise(&book, &token).unwrap().lease.is_cancelled());
}

#[test]
fn whoever_loses_a_role_loses_what_is_open() {
    let token = token::generate().unwrap();
    let place = Place::new(&lab(&token, ""));
    let book = place.book();
    let before = recognise(&book, &token).unwrap().lease;
    place.write(&lab(&token, "").replace("instrument", "worker"));
    book.renew();
    assert!(before.is_cancelled());
    let after = recognise(&book, &token).unwrap();
    assert_eq!(&*after.principal.roles, [Role::Worker]);
    assert!(!after.lease.is_cancelled());
}

#[test]
fn the_end_of_a_tokens_time_ends_what_is_open() {
    let token = token::generate().unwrap();
    let soon = crate::access::calendar::moment(u64::try_from(now_s() + 1).unwrap());
    let place = Place::new(&lab(&token, &format!("expires = {soon}")));
    let book = place.book();
    let known = recognise(&book, &token).unwrap();
    while !known.has_expired() {
        std::thread::yield_now();
    }
    book.renew();
    assert!(known.lease.is_cancelled());
    assert_eq!(recognise(&book, &token).unwrap_err().why, Stranger::Expired);
    // More time is given.
    place.write(&lab(&token, &format!("expires = {FAR}")));
    book.renew();
    assert!(!recognise(&book, &token).unwrap().lease.is_cancelled());
}

#[test]
fn a_broken_file_changes_nothing() {
    let token = token::generate().unwrap();
    let place = Place::new(&lab(&token, ""));
    let book = place.book();
    for broken in [
        "[[principal",
        "x = 1",
        "[[principal]]\nname = \"\"\nroles = []",
    ] {
        place.write(broken);
        book.renew();
        recognise(&book, &token).unwrap();
    }
    fs::remove_file(place.path()).unwrap();
    book.renew();
    let known = recognise(&book, &token).unwrap();
    assert!(!known.lease.is_cancelled());
    place.write("");
    book.renew();
    assert_eq!(recognise(&book, &token).unwrap_err().why, Stranger::Unknown);
}

#[test]
fn what_somebody_has_used_up_outlasts_a_new_file() {
    let token = token::generate().unwrap();
    let limited = lab(&token, "").replace("roles", "requests_per_s = 0.001\nburst = 1\nroles");
    let place = Place::new(&limited);
    let book = place.book();
    let meter = || recognise(&book, &token).unwrap().principal.meter;
    meter().enter().unwrap();
    place.write(&format!("{limited}\n# another word\n"));
    book.renew();
    meter().enter().unwrap_err();
    place.write(&limited.replace("burst = 1", "burst = 2"));
    book.renew();
    meter().enter().unwrap();
}

#[test]
fn a_file_that_is_not_there_or_broken_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.toml");
    let open = || Book::open(&path, &AccessConfig::default()).unwrap_err();
    assert!(open().to_string().contains("cannot read"));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(open().to_string().contains("UTF-8"));
}
