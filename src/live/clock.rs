//! Virtual time that follows the clock on the wall.

use std::time::{Duration, Instant};

use crate::sim::Time;

/// The relation of virtual time to the wall's.
#[derive(Clone, Debug)]
pub struct Clock {
    wall: Instant,
    time: Time,
    /// Thousandths of the wall's speed.
    permille: u64,
    paused: bool,
}

impl Clock {
    /// A clock that runs from a moment on.
    pub fn new(now: Instant, time: Time, permille: u64) -> Clock {
        Clock { wall: now, time, permille, paused: false }
    }

    /// The virtual time at a moment of the wall's.
    pub fn time(&self, now: Instant) -> Time {
        if self.paused {
            return self.time;
        }
        let micros = now.saturating_duration_since(self.wall).as_micros().saturating_mul(u128::from(self.permille));
        self.time + Duration::from_micros(u64::try_from(micros / 1000).unwrap_or(u64::MAX))
    }

    /// How long the wall's clock takes until a virtual moment; `None` while paused.
    pub fn until(&self, now: Instant, time: Time) -> Option<Duration> {
        if self.paused {
            return None;
        }
        let micros = time.since(self.time(now)).as_micros().saturating_mul(1000) / u128::from(self.permille.max(1));
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }

    /// Goes on from another moment (after a jump).
    pub fn set(&mut self, now: Instant, time: Time) {
        self.wall = now;
        self.time = time;
    }

    /// Runs at another speed from now on.
    pub fn set_speed(&mut self, now: Instant, permille: u64) {
        self.set(now, self.time(now));
        self.permille = permille;
    }

    /// Stops, or goes on.
    pub fn pause(&mut self, now: Instant, paused: bool) {
        self.set(now, self.time(now));
        self.paused = paused;
    }

    /// Whether it stands.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Its speed in thousandths of the wall's.
    pub fn permille(&self) -> u64 {
        self.permille
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_pause_change_the_future_only() {
        let start = Instant::now();
        let wall = |seconds| start + Duration::from_secs(seconds);
        let mut clock = Clock::new(start, Time::from_secs(1000), 1000);
        assert_eq!(clock.time(wall(5)), Time::from_secs(1005));
        clock.set_speed(wall(5), 10_000);
        assert_eq!(clock.time(wall(6)), Time::from_secs(1015));
        assert_eq!(clock.until(wall(6), Time::from_secs(1025)), Some(Duration::from_secs(1)));
        clock.pause(wall(6), true);
        assert_eq!(clock.time(wall(60)), Time::from_secs(1015));
        assert_eq!(clock.until(wall(60), Time::from_secs(1025)), None);
        clock.pause(wall(60), false);
        assert_eq!(clock.time(wall(61)), Time::from_secs(1025));
    }
}
