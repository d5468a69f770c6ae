//! What a recursive resolver remembers: record sets and negative answers until their time is over.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hickory_proto::rr::{Name, Record, RecordType};

use crate::sim::{Duration, Time};

/// Sets that are remembered at most.
const MAX_SETS: usize = 50_000;
/// Positive and negative answers are remembered for a week and three hours at most.
const MAX_TTL: u32 = 7 * 86_400;
const MAX_NEGATIVE_TTL: u32 = 3 * 3600;

/// What is known about a name and type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Remembered {
    /// There are records.
    Records(Vec<Record>),
    /// The name has none of the type; with the zone's SOA record.
    NoData(Record),
    /// The name does not exist; with the zone's SOA record.
    NxDomain(Record),
}

/// Sets by name and type.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    sets: BTreeMap<(Name, RecordType), (Time, Remembered)>,
    /// Names that do not exist at all, of whatever type.
    absent: BTreeMap<Name, (Time, Record)>,
}

impl Memory {
    /// What is known, with times to live as they are left.
    pub fn get(&self, name: &Name, rtype: RecordType, now: Time) -> Option<Remembered> {
        let left = |until: Time| u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX);
        let aged = |record: &Record, until: Time| {
            let mut record = record.clone();
            record.ttl = left(until);
            record
        };
        if let Some((until, soa)) = self.absent.get(name).filter(|(until, _)| now < *until) {
            return Some(Remembered::NxDomain(aged(soa, *until)));
        }
        let (until, known) = self.sets.get(&(name.clone(), rtype)).filter(|(until, _)| now < *until)?;
        Some(match known {
            Remembered::Records(records) => {
                Remembered::Records(records.iter().map(|record| aged(record, *until)).collect())
            }
            Remembered::NoData(soa) => Remembered::NoData(aged(soa, *until)),
            Remembered::NxDomain(soa) => Remembered::NxDomain(aged(soa, *until)),
        })
    }

    /// The addresses of a host that are known.
    pub fn addresses(&self, name: &Name, now: Time) -> Vec<IpAddr> {
        let sets = [RecordType::A, RecordType::AAAA].map(|rtype| self.get(name, rtype, now));
        let records = sets.iter().flatten().flat_map(|known| match known {
            Remembered::Records(records) => records.as_slice(),
            _ => &[],
        });
        records.filter_map(|record| record.data.ip_addr()).collect()
    }

    /// Remembers record sets; each with its smallest TTL.
    pub fn insert_sets<'a>(&mut self, records: impl Iterator<Item = &'a Record>, now: Time) {
        let mut sets: BTreeMap<(Name, RecordType), Vec<Record>> = BTreeMap::new();
        for record in records {
            let mut name = record.name.to_lowercase();
            name.set_fqdn(true);
            sets.entry((name, record.record_type())).or_default().push(record.clone());
        }
        for (key, records) in sets {
            let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(0).min(MAX_TTL);
            self.make_room(now);
            self.absent.remove(&key.0);
            self.sets.insert(key, (now + Duration::from_secs(u64::from(ttl)), Remembered::Records(records)));
        }
    }

    /// Remembers that a name does not exist, or has no records of a type.
    pub fn insert_negative(&mut self, name: &Name, rtype: RecordType, absent: bool, soa: Record, ttl: u32, now: Time) {
        let until = now + Duration::from_secs(u64::from(ttl.min(MAX_NEGATIVE_TTL)));
        self.make_room(now);
        if absent {
            self.absent.insert(name.clone(), (until, soa));
        } else {
            self.sets.insert((name.clone(), rtype), (until, Remembered::NoData(soa)));
        }
    }

    /// Drops what has expired, and if that is not enough the first sets in order of names.
    fn make_room(&mut self, now: Time) {
        if self.sets.len() + self.absent.len() < MAX_SETS {
            return;
        }
        self.sets.retain(|_, (until, _)| now < *until);
        self.absent.retain(|_, (until, _)| now < *until);
        while self.sets.len() + self.absent.len() >= MAX_SETS {
            if self.sets.pop_first().is_none() && self.absent.pop_first().is_none() {
                return;
            }
        }
    }
}
