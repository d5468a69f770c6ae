//! Whose turn it is: self-clocked fair queueing (Golestani, INFOCOM 1994).
//!
//! Every piece of work has a finishing time on a clock that counts work, not seconds: that of the
//! same client's piece before, or the present, plus its cost. The earliest one is next. So a client
//! who asks for little is served before those who ask for much, however many these are, and nobody
//! waits for ever.

use std::collections::BTreeMap;

use crate::sim::outside::OutsideId;

/// Work that waits for its turn.
#[derive(Debug)]
pub struct Turns<T> {
    /// The finishing time of what was taken last.
    now: u64,
    /// Tells equal finishing times apart: first come, first served.
    number: u64,
    waiting: BTreeMap<(u64, u64), (OutsideId, u64, T)>,
    /// The latest finishing time, and the number of pieces, of everyone who waits.
    clients: BTreeMap<OutsideId, (u64, usize)>,
}

impl<T> Default for Turns<T> {
    fn default() -> Turns<T> {
        Turns { now: 0, number: 0, waiting: BTreeMap::new(), clients: BTreeMap::new() }
    }
}

impl<T> Turns<T> {
    /// Adds a client's piece of work. Pieces of one client stay in order.
    pub fn add(&mut self, client: OutsideId, cost: u64, work: T) {
        let (latest, count) = self.clients.entry(client).or_insert((self.now, 0));
        *latest = latest.saturating_add(cost);
        *count += 1;
        self.number += 1;
        self.waiting.insert((*latest, self.number), (client, cost, work));
    }

    /// Takes the piece whose turn it is, with its cost.
    pub fn take(&mut self) -> Option<(u64, T)> {
        let ((finish, _), (client, cost, work)) = self.waiting.pop_first()?;
        self.now = finish;
        if let Some((_, count)) = self.clients.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                self.clients.remove(&client);
            }
        }
        Some((cost, work))
    }

    /// How many pieces of a client wait.
    pub fn waiting(&self, client: OutsideId) -> usize {
        self.clients.get(&client).map_or(0, |(_, count)| *count)
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(turns: &mut Turns<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| turns.take().map(|(_, work)| work)).collect()
    }

    #[test]
    fn who_asks_for_little_is_served_before_those_who_ask_for_much() {
        let mut turns = Turns::default();
        for flood in 1..=100 {
            turns.add(flood, 16_384, "much");
        }
        turns.add(999, 6, "little");
        assert_eq!(order(&mut turns)[0], "little");
    }

    #[test]
    fn work_of_one_client_stays_in_order_and_nobody_waits_for_ever() {
        let mut turns = Turns::default();
        turns.add(1, 1000, "big");
        for number in ["a", "b", "c", "d", "e"] {
            turns.add(2, 300, number);
        }
        assert_eq!(order(&mut turns), ["a", "b", "c", "big", "d", "e"]);
    }

    #[test]
    fn equal_clients_take_turns_and_are_forgotten_after_them() {
        let mut turns = Turns::default();
        for work in ["a1", "a2"] {
            turns.add(1, 10, work);
        }
        for work in ["b1", "b2"] {
            turns.add(2, 10, work);
        }
        assert_eq!(turns.waiting(1), 2);
        assert_eq!(order(&mut turns), ["a1", "b1", "a2", "b2"]);
        assert!(turns.is_empty() && turns.clients.is_empty());
    }
}
