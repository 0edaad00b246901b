//! What somebody may be: roles, and which of them hold others.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sends spectra and asks what they show.
    Instrument,
    /// An instrument that also submits jobs, makes data sets, wants explanations and reads the
    /// registry.
    Analyst,
    /// May do everything.
    Operator,
    /// One of our own services, towards the others.
    Worker,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Instrument,
        Self::Analyst,
        Self::Operator,
        Self::Worker,
    ];

    /// Whether who has this role may do what that one may.
    #[must_use]
    pub fn holds(self, needed: Self) -> bool {
        self == needed
            || match self {
                Self::Operator => true,
                Self::Analyst => needed == Self::Instrument,
                Self::Instrument | Self::Worker => false,
            }
    }

    /// Its name, as it is written in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instrument => "instrument",
            Self::Analyst => "analyst",
            Self::Operator => "operator",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names of roles for people: `instrument or worker`.
pub(crate) fn listed(roles: &[Role], between: &str) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    names.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_may_everything_and_an_analyst_what_an_instrument_may() {
        for role in Role::ALL {
            assert!(role.holds(role));
            assert!(Role::Operator.holds(role));
            assert_eq!(role.holds(Role::Operator), role == Role::Operator);
        }
        assert!(Role::Analyst.holds(Role::Instrument));
        assert!(!Role::Instrument.holds(Role::Analyst));
        assert!(!Role::Worker.holds(Role::Instrument));
        assert!(!Role::Analyst.holds(Role::Worker));
    }

    #[test]
    fn names_are_those_of_files() {
        for role in Role::ALL {
            let written = serde_json::to_string(&role).unwrap();
            assert_eq!(written, format!("\"{role}\""));
        }
    }
}
