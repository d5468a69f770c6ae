//! What a stub resolver remembers, until its time to live is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;

use super::lookup::{Lookup, Qtype};
use crate::sim::Time;

/// A name in canonical form and a type.
pub(super) type Key = (SmolStr, Qtype);

/// A remembered answer.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    /// The answer.
    pub lookup: Arc<Lookup>,
    /// Its records in text, for the trace.
    pub records: Arc<[SmolStr]>,
    expires: Time,
    number: u64,
}

/// Answers by question, and the questions in order of expiry.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Key, Remembered>,
    by_expiry: BTreeMap<(Time, u64), Key>,
    number: u64,
}

/// Answers that are remembered at most; then those that expire first are forgotten.
const MAX_ENTRIES: usize = 20_000;

impl Cache {
    /// An answer that is still good.
    pub fn get(&self, key: &Key, now: Time) -> Option<&Remembered> {
        self.entries.get(key).filter(|entry| now < entry.expires)
    }

    /// Remembers an answer until `expires`.
    pub fn insert(&mut self, key: Key, lookup: Arc<Lookup>, records: Arc<[SmolStr]>, expires: Time) {
        self.number += 1;
        let entry = Remembered { lookup, records, expires, number: self.number };
        self.by_expiry.insert((expires, self.number), key.clone());
        if let Some(old) = self.entries.insert(key, entry) {
            self.by_expiry.remove(&(old.expires, old.number));
        }
        while self.entries.len() > MAX_ENTRIES {
            let Some((_, first)) = self.by_expiry.pop_first() else { break };
            self.entries.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Outcome;

    fn insert(cache: &mut Cache, name: String, expires: u64) {
        let qname = SmolStr::from(name);
        let lookup = Lookup { qname: qname.clone(), qtype: Qtype::A, outcome: Outcome::NoData, answers: Vec::new() };
        cache.insert((qname, Qtype::A), Arc::new(lookup), Arc::new([]), Time::from_secs(expires));
    }

    #[test]
    fn entries_expire_and_the_cache_stays_bounded() {
        let mut cache = Cache::default();
        for number in 0..MAX_ENTRIES as u64 + 5 {
            insert(&mut cache, format!("n{number}"), 1_000 + number);
        }
        let known =
            |cache: &Cache, name: &str, now| cache.get(&(name.into(), Qtype::A), Time::from_secs(now)).is_some();
        assert!(!known(&cache, "n4", 0), "the first to expire was forgotten");
        assert!(known(&cache, "n5", 1_004));
        assert!(!known(&cache, "n5", 1_005));
        insert(&mut cache, "n5".into(), 9_000);
        assert!(known(&cache, "n5", 8_000));
        assert_eq!(cache.entries.len(), cache.by_expiry.len());
    }
}
