//! Virtual time: microseconds since the Unix epoch, always UTC.
//!
//! There is no way to read a clock here: the only source of a [`Time`] is the scenario's starting
//! date and the kernel's queue.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
pub use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment of virtual time, in microseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(u64);

impl Time {
    /// The last moment that can be expressed as a civil date (end of the year 9999).
    pub const MAX: Time = Time(253_402_207_200_000_000);

    /// A moment from microseconds since the epoch; later than [`Time::MAX`] becomes `MAX`.
    pub const fn from_micros(micros: u64) -> Time {
        if micros > Time::MAX.0 { Time::MAX } else { Time(micros) }
    }

    /// A moment from whole seconds since the epoch.
    pub const fn from_secs(secs: u64) -> Time {
        Time::from_micros(secs.saturating_mul(1_000_000))
    }

    /// Parses `2026-11-21T12:00:00Z`, or a date and time with offset (RFC 3339).
    ///
    /// # Errors
    /// The text is not such a date, or lies before 1970.
    pub fn parse(text: &str) -> Result<Time, String> {
        let stamp: jiff::Timestamp = text.parse().map_err(|error| format!("{error}"))?;
        let micros = u64::try_from(stamp.as_microsecond()).map_err(|_| "a date before 1970".to_owned())?;
        Ok(Time::from_micros(micros))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The microseconds within the second: Postfix puts them into short queue ids.
    pub const fn subsec_micros(self) -> u32 {
        (self.0 % 1_000_000) as u32
    }

    /// Time since `earlier`, zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The civil date and time in a zone, for what people read.
    pub fn zoned(self, zone: &TimeZone) -> jiff::Zoned {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX).to_zoned(zone.clone())
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time::from_micros(self.0.saturating_add(micros))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, span: Duration) -> Time {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        Time(self.0.saturating_sub(micros))
    }
}

impl fmt::Display for Time {
    /// `2026-11-21 12:00:00.000000` in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.zoned(&TimeZone::UTC);
        write!(f, "{} {:06}", civil.strftime("%Y-%m-%d %H:%M:%S"), self.subsec_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints_the_same_moment() {
        let time = Time::parse("2026-11-21T12:00:00.25Z").unwrap();
        assert_eq!(time.to_string(), "2026-11-21 12:00:00 250000");
        assert_eq!(time.subsec_micros(), 250_000);
    }

    #[test]
    fn refuses_dates_before_the_epoch_and_saturates_after_the_end() {
        assert!(Time::parse("1969-12-31T00:00:00Z").is_err());
        assert_eq!(Time::MAX + Duration::from_secs(1), Time::MAX);
        assert_eq!(Time::from_secs(0) - Duration::from_secs(1), Time::from_secs(0));
    }
}
