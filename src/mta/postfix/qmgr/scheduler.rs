//! Which delivery comes next: transports, their destinations, and how many deliveries each may
//! have at a time (`qmgr_transport.c`, `qmgr_queue.c`, SCHEDULER_README).

use std::collections::{BTreeMap, VecDeque};

use smol_str::SmolStr;

use super::conf::TransportConf;
use crate::mta::postfix::smtp::trouble::Trouble;
use crate::sim::Time;

/// Recipients of one message for one destination, waiting for an agent.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Queue id of the message.
    pub id: SmolStr,
    /// Next hop as the agent gets it.
    pub nexthop: SmolStr,
    /// Index in the message and address.
    pub recipients: Vec<(usize, SmolStr)>,
}

/// A destination of a transport.
#[derive(Clone, Debug)]
struct Destination {
    /// How many deliveries may run at a time.
    window: u64,
    busy: u64,
    todo: VecDeque<Entry>,
    /// Sum of failures, each weighed with the window it happened in, in thousandths.
    failed_cohorts: u64,
    /// It is dead until then, for this reason.
    dead: Option<(Trouble, Time)>,
    last_done: Option<Time>,
    /// Connections are worth keeping.
    reuse: bool,
    /// It stands in the list of those that are to be looked at.
    listed: bool,
}

/// A transport: a service of master.cf that delivers.
#[derive(Clone, Debug)]
struct Transport {
    conf: TransportConf,
    destinations: BTreeMap<SmolStr, Destination>,
    running: u64,
    /// Destinations that wait for a free process.
    waiting: VecDeque<SmolStr>,
}

/// A delivery that may start now.
#[derive(Clone, Debug)]
pub struct Start {
    /// The transport.
    pub transport: SmolStr,
    /// Name of the destination, for [`Scheduler::done`].
    pub destination: SmolStr,
    /// What to deliver.
    pub entry: Entry,
    /// Whether connections should be kept.
    pub reuse: bool,
}

/// All transports in use.
#[derive(Clone, Debug, Default)]
pub struct Scheduler {
    transports: BTreeMap<SmolStr, Transport>,
    ready: VecDeque<(SmolStr, SmolStr)>,
}

impl Scheduler {
    /// The parameters of a transport, read by `load` when it is new.
    pub fn conf(&mut self, name: &SmolStr, load: impl FnOnce() -> TransportConf) -> &TransportConf {
        let transport = self.transports.entry(name.clone()).or_insert_with(|| Transport {
            conf: load(),
            destinations: BTreeMap::new(),
            running: 0,
            waiting: VecDeque::new(),
        });
        &transport.conf
    }

    /// Why deliveries to a destination are suspended, if they are.
    pub fn suspended(&mut self, transport: &str, destination: &str, now: Time) -> Option<Trouble> {
        let transport = self.transports.get_mut(transport)?;
        let destination = transport.destinations.get_mut(destination)?;
        let (trouble, until) = destination.dead.as_ref()?;
        if now < *until {
            return Some(trouble.clone());
        }
        destination.dead = None;
        None
    }

    /// Adds work. The transport must be known ([`Scheduler::conf`]).
    pub fn add(&mut self, transport: &SmolStr, destination: &SmolStr, entry: Entry) {
        let Some(known) = self.transports.get_mut(transport) else { return };
        let conf = &known.conf;
        let initial = match conf.concurrency_limit {
            0 => conf.initial_concurrency,
            limit => conf.initial_concurrency.min(limit),
        };
        let slot = known.destinations.entry(destination.clone()).or_insert_with(|| Destination {
            window: initial.max(1),
            busy: 0,
            todo: VecDeque::new(),
            failed_cohorts: 0,
            dead: None,
            last_done: None,
            reuse: false,
            listed: false,
        });
        slot.todo.push_back(entry);
        if !std::mem::replace(&mut slot.listed, true) {
            self.ready.push_back((transport.clone(), destination.clone()));
        }
    }

    /// The next delivery that may start.
    pub fn next(&mut self, now: Time) -> Option<Start> {
        while let Some((name, key)) = self.ready.pop_front() {
            let Some(transport) = self.transports.get_mut(&name) else { continue };
            let full = transport.conf.process_limit > 0 && transport.running >= transport.conf.process_limit;
            let Some(slot) = transport.destinations.get_mut(&key) else { continue };
            slot.listed = false;
            if slot.todo.is_empty() || slot.busy >= slot.window {
                continue;
            }
            if full {
                slot.listed = true;
                transport.waiting.push_back(key);
                continue;
            }
            let Some(entry) = slot.todo.pop_front() else { continue };
            slot.busy += 1;
            transport.running += 1;
            // Keeping connections pays once deliveries follow each other closely.
            let close = slot.last_done.is_some_and(|done| done.secs() + 1 >= now.secs());
            slot.reuse = close || (slot.reuse && slot.busy > 1);
            let reuse = slot.reuse;
            if !slot.todo.is_empty() && slot.busy < slot.window {
                slot.listed = true;
                self.ready.push_back((name.clone(), key.clone()));
            }
            return Some(Start { transport: name, destination: key, entry, reuse });
        }
        None
    }

    /// A delivery has ended. With `hop` the destination itself is to blame; returned are the
    /// entries that must not wait for a destination that is dead now.
    pub fn done(
        &mut self,
        name: &SmolStr,
        key: &SmolStr,
        hop: Option<&Trouble>,
        now: Time,
        backoff: std::time::Duration,
    ) -> Vec<Entry> {
        let Some(transport) = self.transports.get_mut(name) else { return Vec::new() };
        transport.running = transport.running.saturating_sub(1);
        if let Some(next) = transport.waiting.pop_front() {
            self.ready.push_back((name.clone(), next));
        }
        let Some(slot) = transport.destinations.get_mut(key) else { return Vec::new() };
        slot.busy = slot.busy.saturating_sub(1);
        slot.last_done = Some(now);
        let mut stranded = Vec::new();
        match hop {
            None => {
                slot.failed_cohorts = 0;
                slot.dead = None;
                if transport.conf.concurrency_limit == 0 || slot.window < transport.conf.concurrency_limit {
                    slot.window += 1;
                }
            }
            Some(trouble) if slot.dead.is_none() => {
                slot.failed_cohorts += 1000 / slot.window.max(1);
                slot.window = slot.window.saturating_sub(1).max(1);
                let limit = transport.conf.failed_cohort_limit;
                if limit > 0 && slot.failed_cohorts >= limit * 1000 {
                    slot.dead = Some((trouble.clone(), now + backoff));
                    slot.failed_cohorts = 0;
                    slot.window = transport.conf.initial_concurrency.max(1);
                    stranded = slot.todo.drain(..).collect();
                }
            }
            Some(_) => {}
        }
        if slot.todo.is_empty() && slot.busy == 0 && slot.dead.is_none() && !slot.listed {
            transport.destinations.remove(key);
        } else if !slot.todo.is_empty() && slot.busy < slot.window && !std::mem::replace(&mut slot.listed, true) {
            self.ready.push_back((name.clone(), key.clone()));
        }
        stranded
    }

    /// Forgets who is dead: a flush was asked for.
    pub fn revive(&mut self) {
        for transport in self.transports.values_mut() {
            transport.destinations.retain(|_, slot| {
                slot.dead = None;
                slot.busy > 0 || !slot.todo.is_empty() || slot.listed
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn scheduler() -> (Scheduler, SmolStr) {
        let mut scheduler = Scheduler::default();
        let name = SmolStr::new_static("smtp");
        scheduler.conf(&name, || TransportConf {
            tag: "postfix/smtp".into(),
            recipient_limit: 50,
            initial_concurrency: 2,
            concurrency_limit: 20,
            failed_cohort_limit: 1,
            process_limit: 100,
            exists: true,
        });
        (scheduler, name)
    }

    fn entry(id: &str) -> Entry {
        Entry { id: id.into(), nexthop: "example.net".into(), recipients: Vec::new() }
    }

    #[test]
    fn the_window_limits_deliveries_and_grows_with_success() {
        let (mut scheduler, name) = scheduler();
        let key = SmolStr::new_static("example.net");
        for id in ["A", "B", "C", "D", "E"] {
            scheduler.add(&name, &key, entry(id));
        }
        let now = Time::from_secs(100);
        let mut started = Vec::new();
        while let Some(start) = scheduler.next(now) {
            assert!(!start.reuse);
            started.push(start.entry.id);
        }
        assert_eq!(started, ["A", "B"]);
        assert!(scheduler.done(&name, &key, None, now, Duration::from_secs(300)).is_empty());
        let next: Vec<_> = std::iter::from_fn(|| scheduler.next(now)).collect();
        assert_eq!(next.iter().map(|start| start.entry.id.as_str()).collect::<Vec<_>>(), ["C", "D"]);
        assert!(next.iter().all(|start| start.reuse), "deliveries follow each other closely");
    }

    #[test]
    fn a_cohort_of_failures_suspends_a_destination_for_the_back_off_time() {
        let (mut scheduler, name) = scheduler();
        let key = SmolStr::new_static("example.net");
        for id in ["A", "B", "C"] {
            scheduler.add(&name, &key, entry(id));
        }
        let now = Time::from_secs(100);
        let trouble = Trouble::new("4.4.1", "connect to x");
        let backoff = Duration::from_secs(300);
        assert!(scheduler.next(now).is_some() && scheduler.next(now).is_some());
        assert!(scheduler.done(&name, &key, Some(&trouble), now, backoff).is_empty());
        let stranded = scheduler.done(&name, &key, Some(&trouble), now, backoff);
        assert_eq!(stranded.len(), 1);
        assert_eq!(scheduler.suspended("smtp", "example.net", now), Some(trouble));
        assert_eq!(scheduler.suspended("smtp", "example.net", now + backoff), None);
    }
}
