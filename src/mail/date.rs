//! Dates as mail writes them, in a host's time zone.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use smol_str::SmolStr;

use crate::sim::Time;

/// `Sat, 21 Nov 2026 00:32:12 +0000 (UTC)` (RFC 5322 section 3.3, with the zone's name as comment).
pub fn rfc5322(time: Time, zone: &TimeZone) -> SmolStr {
    let civil = time.zoned(zone);
    let mut text = String::with_capacity(40);
    let _ = write!(text, "{}", civil.strftime("%a, %e %b %Y %H:%M:%S %z (%Z)"));
    text.into()
}

/// `Sat Nov 21 00:32:12 2026`: the date of an mbox `From ` line (`asctime(3)`).
pub fn mbox(time: Time, zone: &TimeZone) -> SmolStr {
    time.zoned(zone).strftime("%a %b %e %H:%M:%S %Y").to_string().into()
}

/// `20261121003212` in UTC: the date in a generated Message-Id.
pub fn compact(time: Time) -> SmolStr {
    time.zoned(&TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string().into()
}

/// Remembers the texts of the present second, since many messages share it.
#[derive(Clone, Debug, Default)]
pub struct DateCache {
    full: Option<(u64, SmolStr)>,
    mbox: Option<(u64, SmolStr)>,
    compact: Option<(u64, SmolStr)>,
}

impl DateCache {
    /// As [`rfc5322`]. The zone must be the same at every call.
    pub fn rfc5322(&mut self, time: Time, zone: &TimeZone) -> SmolStr {
        remember(&mut self.full, time, || rfc5322(time, zone))
    }

    /// As [`mbox`]. The zone must be the same at every call.
    pub fn mbox(&mut self, time: Time, zone: &TimeZone) -> SmolStr {
        remember(&mut self.mbox, time, || mbox(time, zone))
    }

    /// As [`compact`].
    pub fn compact(&mut self, time: Time) -> SmolStr {
        remember(&mut self.compact, time, || compact(time))
    }
}

fn remember(slot: &mut Option<(u64, SmolStr)>, time: Time, make: impl FnOnce() -> SmolStr) -> SmolStr {
    match slot {
        Some((secs, text)) if *secs == time.secs() => text.clone(),
        _ => {
            let text = make();
            *slot = Some((time.secs(), text.clone()));
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_three_forms() {
        let time = Time::parse("2026-11-01T00:32:12Z").unwrap();
        assert_eq!(rfc5322(time, &TimeZone::UTC), "Sun,  1 Nov 2026 00:32:12 +0000 (UTC)");
        assert_eq!(mbox(time, &TimeZone::UTC), "Sun Nov  1 00:32:12 2026");
        assert_eq!(compact(time), "20261101003212");
    }

    #[test]
    fn names_the_zone_of_the_host() {
        let time = Time::parse("2026-07-21T10:00:00Z").unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(rfc5322(time, &zone), "Tue, 21 Jul 2026 12:00:00 +0200 (CEST)");
    }

    #[test]
    fn the_cache_changes_with_the_second() {
        let mut cache = DateCache::default();
        let first = cache.rfc5322(Time::from_secs(1), &TimeZone::UTC);
        assert_eq!(first, cache.rfc5322(Time::from_micros(1_900_000), &TimeZone::UTC));
        assert_ne!(first, cache.rfc5322(Time::from_secs(2), &TimeZone::UTC));
    }
}
