//! Times in words that fit a picture.

use crate::sim::{Duration, Time};

/// A stretch of time in its two largest units: `4 min 58 s`.
pub fn stretch(time: Duration) -> String {
    let mut parts = Vec::new();
    let mut rest = time.as_secs();
    for (size, unit) in [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")] {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { format!("{} ms", time.as_millis()) } else { parts.join(" ") }
}

/// The time of day in UTC, to the millisecond: `09:00:03.120`.
pub fn clock(time: Time) -> String {
    let of_day = time.secs() % 86_400;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", time.subsec_micros() / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_have_their_two_largest_units() {
        assert_eq!(stretch(Duration::from_secs(298)), "4 min 58 s");
        assert_eq!(stretch(Duration::from_millis(40)), "40 ms");
    }

    #[test]
    fn clocks_show_milliseconds() {
        assert_eq!(clock(Time::from_micros(32_403_120_999)), "09:00:03.120");
    }
}
