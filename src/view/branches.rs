//! Two futures of one beginning, side by side.

use serde::Serialize;

use crate::session::Session;
use crate::trace::{Event, EventId};

/// Where two futures part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The first event that only the one has, or has differently.
    pub here: Option<EventId>,
    /// The same of the other one.
    pub there: Option<EventId>,
}

/// The first difference between two sessions' traces; `None` if there is none.
pub fn parting(here: &Session, there: &Session) -> Option<Parting> {
    let (one, other) = (here.world().trace(), there.world().trace());
    let common = one.len().min(other.len());
    let same = |one: &Event, other: &Event| one.time == other.time && one.host == other.host && one.kind == other.kind;
    // What came before a parting is shared, so that looking for it from the end would be no quicker.
    let first = one.iter().zip(other.iter()).find(|(one, other)| !same(one, other)).map(|(one, _)| one.id);
    match first {
        Some(id) => Some(Parting { here: Some(id), there: Some(id) }),
        None if one.len() == other.len() => None,
        None => {
            let next = EventId(common + 1);
            let has = |length: u64| (length > common).then_some(next);
            Some(Parting { here: has(one.len()), there: has(other.len()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::{Scenario, Sources};
    use crate::session::Input;

    fn session() -> Session {
        let text = "(title: (en: \"a\", de: \"b\"), summary: (en: \"\", de: \"\"), hosts: [(name: \"ws1\", addresses: [\"192.0.2.1\"])])";
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text: text.into(), ..Sources::default() };
        Session::new(Arc::new(Scenario::load(&sources).unwrap()), None, None).unwrap()
    }

    #[test]
    fn futures_part_where_something_else_was_done() {
        let write = |text: &str| Input::Write { host: "ws1".into(), path: text.into(), text: "x".into() };
        let (mut one, mut other) = (session(), session());
        assert_eq!(parting(&one, &other), None);
        one.apply(write("/tmp/a")).unwrap();
        let first = one.world().trace().len();
        assert_eq!(parting(&one, &other), Some(Parting { here: Some(EventId(first)), there: None }));
        other.apply(write("/tmp/b")).unwrap();
        assert_eq!(parting(&one, &other).and_then(|parting| parting.there), Some(EventId(first)));
    }
}
