//! Who asks, as handlers see it.

use super::{ANONYMOUS, role::Role};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Longest description of what a request is about.
const LONGEST_RESOURCE: usize = 300;

/// Who asks. Every request carries one as an extension.
#[derive(Clone)]
pub struct Caller {
    principal: Arc<str>,
    roles: Arc<[Role]>,
    /// What the request is about, for the audit log.
    resource: Arc<OnceLock<String>>,
}

impl Caller {
    /// Who sent a request. One that did not come through the server's door, as in a test, is from
    /// somebody who may do everything.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let found = request.extensions().get::<Self>();
        found.cloned().unwrap_or_else(Self::anonymous)
    }

    /// Whoever comes where nobody is asked: they may do everything.
    pub(super) fn anonymous() -> Self {
        Self::new(ANONYMOUS.into(), [Role::Operator].into())
    }

    pub(super) fn new(principal: Arc<str>, roles: Arc<[Role]>) -> Self {
        Self {
            principal,
            roles,
            resource: Arc::default(),
        }
    }

    /// Its name: that of whoever owns what it makes.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Whether it may do what this role may.
    #[must_use]
    pub fn may(&self, needed: Role) -> bool {
        self.roles.iter().any(|role| role.holds(needed))
    }

    /// Whether something that belongs to this principal is its business.
    #[must_use]
    pub fn may_touch(&self, owner: &str) -> bool {
        *self.principal == *owner || self.may(Role::Operator)
    }

    /// Says what the request is about, such as `model pgaa@production`, for the audit log. The
    /// first word counts.
    pub fn concerns(&self, resource: impl fmt::Display) {
        let mut text = resource.to_string();
        if text.len() > LONGEST_RESOURCE {
            let end = (0..=LONGEST_RESOURCE)
                .rev()
                .find(|&end| text.is_char_boundary(end));
            text.truncate(end.unwrap_or_default());
            text.push('…');
        }
        // Said before.
        let _ = self.resource.set(text);
    }

    /// Where what it is about will stand.
    pub(super) fn resource(&self) -> Arc<OnceLock<String>> {
        Arc::clone(&self.resource)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("principal", &self.principal)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analyst_touches_its_own_and_an_operator_everything() {
        let anna = Caller::new("anna".into(), [Role::Analyst].into());
        assert!(anna.may_touch("anna"));
        assert!(!anna.may_touch("bert"));
        assert!(anna.may(Role::Instrument));
        let operator = Caller::new("op".into(), [Role::Operator].into());
        assert!(operator.may_touch("anna"));
        let nobody = Caller::of(&tonic::Request::new(()));
        assert_eq!(nobody.principal(), ANONYMOUS);
        assert!(nobody.may_touch("anna") && nobody.may(Role::Worker));
    }

    #[test]
    fn what_a_request_is_about_is_said_once_and_briefly() {
        let caller = Caller::anonymous();
        caller.concerns("é".repeat(1000));
        caller.clone().concerns("later");
        let said = caller.resource().get().unwrap().clone();
        assert!(said.starts_with('é') && said.ends_with('…'));
        assert!(said.len() <= LONGEST_RESOURCE + '…'.len_utf8());
    }
}
