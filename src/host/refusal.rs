//! Refusals on purpose: a server answers the next commands of a kind with a code, whatever it would say itself.

use smol_str::SmolStr;

/// Refusals that a host may have armed.
const MOST: usize = 100;

/// An armed refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A name to take it away by.
    pub name: SmolStr,
    /// The command, in capitals: `RCPT`.
    pub verb: SmolStr,
    /// A part of the command's argument; any if `None`.
    pub address: Option<SmolStr>,
    /// How many commands are still refused; all if `None`.
    pub left: Option<u32>,
    /// The code of the reply, from 400 to 599.
    pub code: u16,
}

/// The refusals of a host, in the order in which they were armed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// Arms one more; false if there are too many.
    pub fn add(&mut self, refusal: Refusal) -> bool {
        let fits = self.0.len() < MOST;
        if fits {
            self.0.push(refusal);
        }
        fits
    }

    /// Takes those of a name away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|refusal| refusal.name != name);
    }

    /// Whether one has this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|refusal| refusal.name == name)
    }

    /// All that are armed.
    pub fn iter(&self) -> impl Iterator<Item = &Refusal> {
        self.0.iter()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The refusal of a command, by name and code, if one is armed for it; it is counted, and used up in the end.
    pub fn meet(&mut self, verb: &str, line: &str) -> Option<(SmolStr, u16)> {
        let line = line.to_lowercase();
        let fits = |refusal: &Refusal| {
            refusal.verb.eq_ignore_ascii_case(verb)
                && refusal.address.as_ref().is_none_or(|address| line.contains(&address.to_lowercase()))
        };
        let at = self.0.iter().position(fits)?;
        let refusal = &mut self.0[at];
        let met = (refusal.name.clone(), refusal.code);
        if let Some(left) = &mut refusal.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.0.remove(at);
            }
        }
        Some(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_two_of_an_address_are_refused_and_no_others() {
        let mut refusals = Refusals::default();
        let (name, verb, address) = ("x".into(), "RCPT".into(), Some("bob@".into()));
        assert!(refusals.add(Refusal { name, verb, address, left: Some(2), code: 451 }));
        assert_eq!(refusals.meet("RCPT", "RCPT TO:<eve@example.org>"), None);
        assert_eq!(refusals.meet("MAIL", "MAIL FROM:<bob@example.org>"), None);
        for _ in 0..2 {
            assert_eq!(refusals.meet("rcpt", "rcpt to:<Bob@example.org>"), Some(("x".into(), 451)));
        }
        assert_eq!(refusals.meet("RCPT", "RCPT TO:<bob@example.org>"), None);
        assert!(refusals.is_empty());
    }
}
