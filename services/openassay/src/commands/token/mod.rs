//! `openassay token`: the file by which a server knows who asks. A token is shown once, when it is
//! made; the file keeps a hash of it.

mod tokens_file;

use crate::{
    context::Context,
    failure::{Failure, Result},
    options::{JsonFile, JsonTarget},
    terminal::{self, Align, Table},
};
use assay_core::ErrorKind;
use assay_runtime::access::{
    Role, TokenEntry, TokenFile, TokenHash,
    edit::{EditError, NewToken, lines_of, with_token, without_token},
    generate, read_expiry,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use tokens_file::Locked;

const EXAMPLES: &str = "\
Examples:
  openassay token new --principal lab-7 --role instrument --file tokens.toml > lab-7.token
  openassay token new --principal anna --role analyst --expires 2027-01-01 --file tokens.toml
  openassay token list --file tokens.toml
  openassay token revoke --principal lab-7 --file tokens.toml

The server reads the file that access.tokens names (openassay serve --set
access.tokens=tokens.toml), and again within seconds when it changes. A second token of the same
principal lets one take the place of the other: make it, give it out, revoke the first.

Roles: instrument sends spectra and asks what they show; analyst also submits jobs, makes data sets
and reads the registry; operator may do everything; worker is one service towards the others.";

/// Tokens by which a server knows who asks: make, list, revoke
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it, once
    New {
        /// Whose it is: the name in logs and in records of jobs
        #[arg(long, value_name = "NAME")]
        principal: String,
        /// What they may do; may be given several times, and left out for a principal that is in
        /// the file
        #[arg(long = "role", value_enum)]
        roles: Vec<RoleOption>,
        /// The first day (UTC) or moment at which it is not taken any more, such as 2027-01-01
        #[arg(long, value_name = "DATE", value_parser = date)]
        expires: Option<String>,
        /// Put it into this file, which is made if it is not there [default: the lines for such a
        /// file are shown on standard error]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List who there is, with their tokens
    List {
        /// The file
        #[arg(long, value_name = "FILE", default_value = "tokens.toml")]
        file: PathBuf,
        #[command(flatten)]
        json: JsonFile,
    },
    /// Take tokens back: all of a principal, or one of them
    Revoke {
        /// Whose
        #[arg(long, value_name = "NAME")]
        principal: String,
        /// Which, as `list` calls it [default: all of them]
        #[arg(long, value_name = "TOKEN")]
        token: Option<String>,
        /// The file
        #[arg(long, value_name = "FILE", default_value = "tokens.toml")]
        file: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleOption {
    Instrument,
    Analyst,
    Operator,
    Worker,
}

impl From<RoleOption> for Role {
    fn from(role: RoleOption) -> Self {
        match role {
            RoleOption::Instrument => Self::Instrument,
            RoleOption::Analyst => Self::Analyst,
            RoleOption::Operator => Self::Operator,
            RoleOption::Worker => Self::Worker,
        }
    }
}

fn date(text: &str) -> Result<String, String> {
    match read_expiry(text) {
        None => Err(
            "write a date such as 2027-01-01, or a moment such as 2027-01-01T12:00:00Z".to_owned(),
        ),
        Some(seconds) if seconds <= now_s() => Err("it lies in the past".to_owned()),
        Some(_) => Ok(text.to_owned()),
    }
}

impl Token {
    pub(crate) fn run(&self, context: &Context) -> Result {
        match &self.action {
            Action::New {
                principal,
                roles,
                expires,
                file,
            } => {
                let roles = roles.iter().copied().map(Role::from).collect();
                new(principal, roles, expires.clone(), file.as_deref())
            }
            Action::List { file, json } => list(context, file, json),
            Action::Revoke {
                principal,
                token,
                file,
            } => {
                let locked = Locked::open(file)?;
                let text = locked.read()?;
                let (text, revoked) = without_token(file, &text, principal, token.as_deref())
                    .map_err(|error| refused(&error))?;
                locked.write(&text)?;
                let tokens = if revoked == 1 { "token" } else { "tokens" };
                context.progress.note(&format!(
                    "{revoked} {tokens} of {principal} revoked in {}",
                    file.display()
                ));
                Ok(())
            }
        }
    }
}

/// Makes a token. It is printed when the file is safe: a token that nobody knows of is of no use.
fn new(
    principal: &str,
    roles: Vec<Role>,
    expires: Option<String>,
    file: Option<&std::path::Path>,
) -> Result {
    let token = generate().map_err(|error| Failure::new(ErrorKind::Unavailable, error))?;
    let entry = NewToken {
        principal: principal.to_owned(),
        roles,
        hash: TokenHash::of(token.reveal().as_bytes()),
        expires,
    };
    match file {
        Some(file) => {
            let locked = Locked::open(file)?;
            let text = locked.read_or_begin()?;
            let text = with_token(file, &text, &entry).map_err(|error| refused(&error))?;
            locked.write(&text)?;
        }
        None => {
            // The same checks as of a file with nobody in it.
            with_token(std::path::Path::new("tokens.toml"), "", &entry)
                .map_err(|error| refused(&error))?;
            terminal::tell(&lines_of(&entry));
        }
    }
    terminal::answer(&format!("{}\n", token.reveal()))
}

fn refused(error: &EditError) -> Failure {
    let kind = match error {
        EditError::Nobody { .. } | EditError::NoToken { .. } => ErrorKind::NotFound,
        _ => ErrorKind::InvalidArgument,
    };
    Failure::new(kind, error)
}

fn list(context: &Context, path: &std::path::Path, json: &JsonFile) -> Result {
    json.json.as_ref().map_or(Ok(()), JsonTarget::check)?;
    let text = crate::file::read_text(path)?;
    let file = TokenFile::parse(path.to_path_buf(), &text)
        .map_err(|error| Failure::new(ErrorKind::InvalidArgument, error))?;
    let values: Vec<_> = file
        .principal
        .iter()
        .map(|principal| {
            let tokens: Vec<_> = principal
                .token
                .iter()
                .map(|token| {
                    json!({
                        "token": token.hash.short(),
                        "state": state(token),
                        "expires_s": token.expires,
                    })
                })
                .collect();
            json!({
                "principal": principal.name,
                "roles": principal.roles,
                "certificate": principal.certificate,
                "tokens": tokens,
            })
        })
        .collect();
    context.answer(json.json.as_ref(), &values, || table(&file))
}

fn table(file: &TokenFile) -> String {
    let mut table = Table::new([
        ("principal", Align::Left),
        ("roles", Align::Left),
        ("token", Align::Left),
        ("state", Align::Left),
        ("expires", Align::Left),
    ]);
    for principal in &file.principal {
        let roles: Vec<_> = principal.roles.iter().map(|role| role.name()).collect();
        let mut row = |known_by: String, state: &str, expires: String| {
            let name = principal.name.clone();
            table.row([name, roles.join(", "), known_by, state.to_owned(), expires]);
        };
        for token in &principal.token {
            let expires = token.expires.and_then(|at| u64::try_from(at).ok());
            let expires = expires.map_or_else(|| "never".to_owned(), assay_reporting::utc);
            row(token.hash.short(), state(token), expires);
        }
        if let Some(certificate) = &principal.certificate {
            row(certificate.clone(), "certificate", String::new());
        } else if principal.token.is_empty() {
            row(String::new(), "no token", String::new());
        }
    }
    if file.principal.is_empty() {
        "nobody\n".to_owned()
    } else {
        table.render()
    }
}

fn state(token: &TokenEntry) -> &'static str {
    match token.expires {
        _ if token.revoked => "revoked",
        Some(expires) if expires <= now_s() => "expired",
        _ => "valid",
    }
}

fn now_s() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
