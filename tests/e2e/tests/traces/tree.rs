//! The spans of one trace as a tree.

use crate::collector::Received;
use std::collections::{BTreeMap, BTreeSet};

/// The spans of one trace, which hang together.
pub(crate) struct Tree(BTreeMap<String, Received>);

impl Tree {
    /// Checks that all spans are one trace with one root, and that none is without its parent.
    pub(crate) fn of(spans: Vec<Received>) -> Self {
        let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace).collect();
        assert_eq!(traces.len(), 1, "{spans:#?}");
        let tree = Self(spans.into_iter().map(|s| (s.id.clone(), s)).collect());
        let roots: Vec<_> = tree.spans().filter(|span| span.parent.is_empty()).collect();
        assert_eq!(roots.len(), 1, "{roots:#?}");
        let orphans: Vec<_> = tree
            .spans()
            .filter(|span| !span.parent.is_empty() && tree.parent(span).is_none())
            .collect();
        assert!(orphans.is_empty(), "{orphans:#?}");
        tree
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = &Received> {
        self.0.values()
    }

    fn parent(&self, span: &Received) -> Option<&Received> {
        self.0.get(&span.parent)
    }

    /// The span that all others are below.
    pub(crate) fn root(&self) -> &Received {
        self.spans().find(|span| span.parent.is_empty()).unwrap()
    }

    /// Checks that there is a span at the end of a path of names, each the parent of the next.
    #[track_caller]
    pub(crate) fn has(&self, path: &[&str]) {
        assert!(
            self.spans().any(|span| self.ends_here(span, path)),
            "nothing at {path:?}; there are:\n{}",
            self.paths().join("\n")
        );
    }

    fn ends_here(&self, span: &Received, path: &[&str]) -> bool {
        let Some((last, before)) = path.split_last() else {
            return true;
        };
        span.name == *last
            && (before.is_empty()
                || self
                    .parent(span)
                    .is_some_and(|parent| self.ends_here(parent, before)))
    }

    /// Every different path from the root.
    fn paths(&self) -> Vec<String> {
        let path = |span: &Received| {
            let mut names = vec![format!("{} ({})", span.name, span.program())];
            let mut at = span;
            while let Some(parent) = self.parent(at) {
                names.insert(0, parent.name.clone());
                at = parent;
            }
            names.join(" > ")
        };
        let all: BTreeSet<_> = self.spans().map(path).collect();
        all.into_iter().collect()
    }

    /// The programs that sent spans of this name.
    pub(crate) fn programs_of(&self, name: &str) -> BTreeSet<&str> {
        let named = self.spans().filter(|span| span.name == name);
        named.map(Received::program).collect()
    }
}
