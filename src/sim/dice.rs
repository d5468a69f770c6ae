//! Seeded chance. Every host has dice of its own, seeded from the scenario's seed and the host's
//! name, so that adding a host leaves the others' dice alone.

use rand_core::{RngCore, SeedableRng};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

/// A deterministic random generator; the same on every machine and word size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dice(Pcg64Mcg);

impl Dice {
    /// Dice for the one called `name` in a world with this seed.
    pub fn new(seed: u64, name: &str) -> Dice {
        let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(name.as_bytes()).finalize();
        let mut state = [0; 16];
        state.copy_from_slice(&hash[..16]);
        Dice(Pcg64Mcg::from_seed(state))
    }

    /// Any 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`; zero if `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The high half of a 128-bit product: unbiased enough for bounds far below 2^64.
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True with this probability, in millionths.
    pub fn chance_ppm(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.below(1_000_000) < u64::from(ppm)
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let pick = self.below(last as u64 + 1) as usize;
            items.swap(last, pick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_seed_have_different_dice() {
        let mut left = Dice::new(1, "mx1");
        let mut right = Dice::new(1, "mx2");
        assert_ne!(left.next_u64(), right.next_u64());
        assert_eq!(Dice::new(7, "mx1"), Dice::new(7, "mx1"));
    }

    #[test]
    fn below_stays_below_and_reaches_every_number() {
        let mut dice = Dice::new(3, "x");
        let mut seen = [false; 6];
        for _ in 0..200 {
            seen[dice.below(6) as usize] = true;
        }
        assert_eq!(seen, [true; 6]);
        assert_eq!(dice.below(0), 0);
    }
}
