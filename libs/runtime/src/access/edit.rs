//! Changes to a file of tokens that leave everything else in it as it is, comments included.

use super::{
    file::{AccessError, TokenFile, name_fault},
    role::{self, Role},
    token::TokenHash,
};
use std::path::Path;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

/// A token that is to stand in a file.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is.
    pub principal: String,
    /// What they may do. May be empty for somebody who stands in the file already.
    pub roles: Vec<Role>,
    /// Its hash.
    pub hash: TokenHash,
    /// When it ends, as TOML writes dates.
    pub expires: Option<String>,
}

/// A change that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file is none of tokens.
    #[error(transparent)]
    File(#[from] AccessError),
    /// The words of the change itself.
    #[error("{0}")]
    Change(String),
    /// Nobody of this name.
    #[error("{path} knows no {name:?}; it knows: {known}")]
    Nobody {
        /// The file.
        path: String,
        /// Who was looked for.
        name: String,
        /// Who there is.
        known: String,
    },
    /// The name has no such token.
    #[error("{name} has no token {token:?} that could be revoked; it has: {present}")]
    NoToken {
        /// Whose.
        name: String,
        /// Which.
        token: String,
        /// Which there are.
        present: String,
    },
}

const PRINCIPAL: &str = "principal";
const TOKEN: &str = "token";

/// The text of a file with one more token, for somebody who is in it or is new.
///
/// # Errors
/// The file cannot be used, or the token does not fit into it.
pub fn with_token(path: &Path, text: &str, new: &NewToken) -> Result<String, EditError> {
    let file = TokenFile::parse(path.to_path_buf(), text)?;
    if let Some(fault) = name_fault(&new.principal) {
        return Err(EditError::Change(fault));
    }
    let mut document = document(path, text)?;
    let before = file.principal.iter().position(|p| p.name == new.principal);
    match before {
        Some(at) => {
            let entry = &file.principal[at];
            let other = |role: &Role| !entry.roles.contains(role);
            if new.roles.iter().any(other) {
                let roles = role::listed(&entry.roles, ", ");
                return Err(EditError::Change(format!(
                    "{} has the roles {roles} in {}; change them there, or leave them out here",
                    new.principal,
                    path.display()
                )));
            }
            principals(&mut document, |tables| {
                tables
                    .get_mut(at)
                    .into_iter()
                    .for_each(|table| add(table, new));
            });
        }
        None if new.roles.is_empty() => {
            return Err(EditError::Change(format!(
                "{} is new in {} and needs a role: {}",
                new.principal,
                path.display(),
                role::listed(&Role::ALL, ", ")
            )));
        }
        None => {
            let mut table = entry(new);
            // Comments at the end of the file stay before what is new.
            let comments = document.trailing().as_str().unwrap_or_default().to_owned();
            document.set_trailing("");
            let gap = if text.is_empty() { "" } else { "\n" };
            table.decor_mut().set_prefix(format!("{comments}{gap}"));
            principals(&mut document, |tables| tables.push(table));
        }
    }
    let changed = document.to_string();
    // What is written must be readable.
    TokenFile::parse(path.to_path_buf(), &changed)?;
    Ok(changed)
}

/// The entry of a new token alone, to be put into a file by hand.
#[must_use]
pub fn lines_of(new: &NewToken) -> String {
    let mut document = DocumentMut::new();
    principals(&mut document, |tables| tables.push(entry(new)));
    document.to_string()
}

/// The text of a file in which somebody's tokens are revoked, and how many were: all, or the one
/// whose hash begins with `token`.
///
/// # Errors
/// The file cannot be used, or there is no such token.
pub fn without_token(
    path: &Path,
    text: &str,
    name: &str,
    token: Option<&str>,
) -> Result<(String, usize), EditError> {
    let file = TokenFile::parse(path.to_path_buf(), text)?;
    let Some(at) = file.principal.iter().position(|p| p.name == name) else {
        let known: Vec<_> = file.principal.iter().map(|p| p.name.as_str()).collect();
        return Err(EditError::Nobody {
            path: path.display().to_string(),
            name: name.to_owned(),
            known: known.join(", "),
        });
    };
    let tokens = &file.principal[at].token;
    let meant = |hash: &TokenHash| token.is_none_or(|start| hash.to_string().starts_with(start));
    let chosen: Vec<_> = (0..tokens.len())
        .filter(|&index| !tokens[index].revoked && meant(&tokens[index].hash))
        .collect();
    // A start that fits several names none.
    if chosen.is_empty() || (token.is_some() && chosen.len() > 1) {
        let left = tokens.iter().filter(|token| !token.revoked);
        let present: Vec<_> = left.map(|token| token.hash.short()).collect();
        return Err(EditError::NoToken {
            name: name.to_owned(),
            token: token.unwrap_or_default().to_owned(),
            present: present.join(", "),
        });
    }
    let mut document = document(path, text)?;
    principals(&mut document, |tables| {
        let principal = tables.get_mut(at).into_iter();
        principal.for_each(|table| revoke(table, &chosen));
    });
    let changed = document.to_string();
    TokenFile::parse(path.to_path_buf(), &changed)?;
    Ok((changed, chosen.len()))
}

fn document(path: &Path, text: &str) -> Result<DocumentMut, EditError> {
    let form = |_| AccessError::Form {
        path: path.to_path_buf(),
        reason: "it is no TOML".to_owned(),
    };
    Ok(text.parse().map_err(form)?)
}

/// Changes the tables of principals; they are made where there are none.
fn principals(document: &mut DocumentMut, change: impl FnOnce(&mut ArrayOfTables)) {
    tables(document.as_table_mut(), PRINCIPAL, change);
}

/// Changes the tables below a key, also where they stand in one line.
fn tables(above: &mut Table, key: &str, change: impl FnOnce(&mut ArrayOfTables)) {
    let before = above.remove(key).map(Item::into_array_of_tables);
    let mut tables = before.and_then(Result::ok).unwrap_or_default();
    change(&mut tables);
    above.insert(key, Item::ArrayOfTables(tables));
}

fn entry(new: &NewToken) -> Table {
    let mut table = Table::new();
    table.insert("name", value(new.principal.as_str()));
    let roles: toml_edit::Array = new.roles.iter().map(|role| role.name()).collect();
    table.insert("roles", Item::Value(Value::Array(roles)));
    add(&mut table, new);
    table
}

fn add(principal: &mut Table, new: &NewToken) {
    let mut table = Table::new();
    table.insert("hash", value(new.hash.to_string()));
    if let Some(expires) = &new.expires {
        table.insert("expires", value(expires.as_str()));
    }
    tables(principal, TOKEN, |tokens| tokens.push(table));
}

fn revoke(principal: &mut Table, chosen: &[usize]) {
    tables(principal, TOKEN, |tokens| {
        for (_, token) in tokens
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| chosen.contains(at))
        {
            token.insert("revoked", Item::Value(true.into()));
        }
    });
}

fn value(text: impl Into<Value>) -> Item {
    Item::Value(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(principal: &str, roles: &[Role], word: &str) -> NewToken {
        NewToken {
            principal: principal.to_owned(),
            roles: roles.to_vec(),
            hash: TokenHash::of(word.as_bytes()),
            expires: None,
        }
    }

    fn path() -> &'static Path {
        Path::new("tokens.toml")
    }

    fn read(text: &str) -> TokenFile {
        TokenFile::parse(path().to_path_buf(), text).unwrap()
    }

    #[test]
    fn tokens_are_added_and_revoked_and_comments_stay() {
        let text = "# Who may what.\n";
        let text = with_token(path(), text, &new("lab-7", &[Role::Instrument], "a")).unwrap();
        let text = text.replace("roles =", "# the one in the cellar\nroles =");
        let second = NewToken {
            expires: Some("2027-01-01".to_owned()),
            ..new("lab-7", &[], "b")
        };
        let text = with_token(path(), &text, &second).unwrap();
        let text = with_token(path(), &text, &new("anna", &[Role::Analyst], "c")).unwrap();
        assert!(text.starts_with("# Who may what.\n"), "{text}");
        assert!(text.contains("# the one in the cellar"), "{text}");
        let file = read(&text);
        assert_eq!(file.principal.len(), 2);
        assert_eq!(file.principal[0].token.len(), 2);
        assert!(file.principal[0].token[1].expires.is_some());

        let first = TokenHash::of(b"a").short();
        let (text, revoked) = without_token(path(), &text, "lab-7", Some(&first)).unwrap();
        assert_eq!(revoked, 1);
        let (text, revoked) = without_token(path(), &text, "lab-7", None).unwrap();
        assert_eq!(revoked, 1, "the first is revoked already");
        let tokens = &read(&text).principal[0].token;
        assert!(tokens.iter().all(|token| token.revoked));
        assert!(!read(&text).principal[1].token[0].revoked);
        assert!(text.contains("# the one in the cellar"), "{text}");
        without_token(path(), &text, "lab-7", None).unwrap_err();
    }

    #[test]
    fn tables_in_one_line_are_kept() {
        let hash = TokenHash::of(b"a");
        let text = format!(
            "principal = [{{ name = \"a\", roles = [\"worker\"], token = [{{ hash = \"{hash}\" }}] }}]\n"
        );
        let text = with_token(path(), &text, &new("a", &[], "b")).unwrap();
        let file = read(&text);
        assert_eq!(file.principal[0].token.len(), 2);
        assert_eq!(file.principal[0].token[0].hash, hash);
        let (text, _) = without_token(path(), &text, "a", Some(&hash.short())).unwrap();
        assert!(read(&text).principal[0].token[0].revoked);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let lab = with_token(path(), "", &new("lab-7", &[Role::Instrument], "a")).unwrap();
        let told = |result: Result<String, EditError>| result.unwrap_err().to_string();
        let more = with_token(path(), &lab, &new("lab-7", &[Role::Operator], "b"));
        assert!(told(more).contains("has the roles instrument"));
        let none = with_token(path(), &lab, &new("anna", &[], "b"));
        assert!(told(none).contains("needs a role: instrument, analyst"));
        let again = with_token(path(), &lab, &new("lab-7", &[], "a"));
        assert!(told(again).contains("twice"));
        let nameless = with_token(path(), &lab, &new("a b", &[Role::Worker], "b"));
        assert!(told(nameless).contains("is none"));
        let nobody = without_token(path(), &lab, "anna", None);
        assert!(told(nobody.map(|(text, _)| text)).contains("it knows: lab-7"));
        let other = without_token(path(), &lab, "lab-7", Some("zz"));
        assert!(told(other.map(|(text, _)| text)).contains("it has: "));
    }

    #[test]
    fn lines_of_an_entry_are_those_of_a_file() {
        let lines = lines_of(&new("lab-7", &[Role::Instrument], "a"));
        assert_eq!(read(&lines).principal[0].name, "lab-7");
    }
}
