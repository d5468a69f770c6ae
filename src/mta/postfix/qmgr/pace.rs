//! How much mail is taken up at one moment. Nothing takes time in a simulation by itself: whoever is
//! told about failures by mail that fails again would stop the clock. A real queue manager is just as
//! busy, but its clock goes on.

use std::time::Duration;

use crate::sim::Time;

/// Most notices about other mail that are taken up at one moment.
const NOTICES_AT_ONCE: u64 = 100;
/// How long incoming mail waits then.
const BREATH: Duration = Duration::from_secs(1);

/// Counts notices, and pauses when there are too many.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    moment: Time,
    notices: u64,
    paused_until: Option<Time>,
}

impl Pace {
    /// Counts a notice; returns until when incoming mail waits if it was one too many.
    pub fn count(&mut self, now: Time) -> Option<Time> {
        if self.moment != now {
            (self.moment, self.notices) = (now, 0);
        }
        self.notices += 1;
        if self.notices < NOTICES_AT_ONCE || self.paused_until.is_some() {
            return None;
        }
        self.paused_until = Some(now + BREATH);
        self.paused_until
    }

    /// Whether incoming mail waits.
    pub fn is_pausing(&self) -> bool {
        self.paused_until.is_some()
    }

    /// The pause may be over.
    pub fn wake(&mut self, now: Time) {
        self.paused_until = self.paused_until.filter(|until| now < *until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_notices_at_one_moment_pause_incoming_mail() {
        let (mut pace, now) = (Pace::default(), Time::from_secs(100));
        for _ in 1..NOTICES_AT_ONCE {
            assert_eq!(pace.count(now), None);
        }
        assert!(!pace.is_pausing());
        let until = now + BREATH;
        assert_eq!(pace.count(now), Some(until));
        assert_eq!(pace.count(now), None);
        pace.wake(now);
        assert!(pace.is_pausing());
        pace.wake(until);
        assert!(!pace.is_pausing());
        assert_eq!(pace.count(until), None);
    }
}
