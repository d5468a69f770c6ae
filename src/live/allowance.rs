//! How much may come in a given time: a bucket that drips.
//!
//! What sockets bring is kept in the recording and in the trace, which are bounded. A flood may
//! use up a part of that at once and then only so much each second, so that it does not shut out
//! those who come later.

use std::time::{Duration, Instant};

/// An amount that may be spent, and that comes back with time.
#[derive(Clone, Debug)]
pub struct Allowance {
    burst: i64,
    per_second: i64,
    left: i64,
    last: Instant,
}

impl Allowance {
    /// So much at once, and so much each second after it.
    pub fn new(burst: i64, per_second: i64, now: Instant) -> Allowance {
        Allowance { burst, per_second, left: burst, last: now }
    }

    /// Spends an amount, which may leave a debt.
    pub fn spend(&mut self, amount: u64) {
        self.left = self.left.saturating_sub(i64::try_from(amount).unwrap_or(i64::MAX));
    }

    /// How long nothing may be spent; nothing if there is something left.
    pub fn wait(&mut self, now: Instant) -> Option<Duration> {
        let micros = i64::try_from(now.saturating_duration_since(self.last).as_micros()).unwrap_or(i64::MAX);
        let back = micros.saturating_mul(self.per_second) / 1_000_000;
        // Less than one waits for its moment.
        if back > 0 {
            self.left = self.left.saturating_add(back).min(self.burst);
            self.last = now;
        }
        let debt = u64::try_from(1 - self.left).ok().filter(|debt| *debt > 0)?;
        Some(Duration::from_micros(debt.saturating_mul(1_000_000) / self.per_second.unsigned_abs().max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_is_more_comes_back_with_time() {
        let start = Instant::now();
        let mut allowance = Allowance::new(1000, 100, start);
        allowance.spend(999);
        assert_eq!(allowance.wait(start), None);
        allowance.spend(50);
        assert_eq!(allowance.wait(start), Some(Duration::from_millis(500)));
        assert_eq!(allowance.wait(start + Duration::from_millis(400)), Some(Duration::from_millis(100)));
        assert_eq!(allowance.wait(start + Duration::from_millis(500)), None);
        // It never grows beyond the burst.
        assert_eq!(allowance.wait(start + Duration::from_secs(3600)), None);
        allowance.spend(1001);
        assert!(allowance.wait(start + Duration::from_secs(3600)).is_some());
    }
}
