//! Backwards compatibility: `compatibility_level` and what Postfix says about old defaults that
//! are still in use (`COMPATIBILITY_README`).

use super::Params;

/// A compatibility level: `major.minor.patch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The level that turns all old defaults off.
pub const LAST: Level = Level { major: 3, minor: 6, patch: 0 };

impl Level {
    /// A level without a patch number.
    pub const fn new(major: u32, minor: u32) -> Level {
        Level { major, minor, patch: 0 }
    }

    /// Parses `3`, `3.6` or `3.6.1`; `None` if it is no level.
    pub fn parse(text: &str) -> Option<Level> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for (at, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if part.bytes().all(|b| b.is_ascii_digit()) => *number = part.parse().ok()?,
                None if at > 0 => break,
                _ => return None,
            }
        }
        let [major, minor, patch] = numbers;
        parts.next().is_none().then_some(Level { major, minor, patch })
    }
}

/// Old defaults that are in use because the level is low and `main.cf` does not set them: their
/// programs say so in the log each time one matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OldDefaults {
    /// `append_dot_mydomain=yes`.
    pub append_dot_mydomain: bool,
    /// `smtputf8_enable=no`.
    pub smtputf8_enable: bool,
    /// `chroot=y` for services with `-` in that column.
    pub chroot: bool,
    /// `smtpd_relay_restrictions = (empty)`.
    pub relay_restrictions: bool,
    /// `relay_domains=$mydestination`.
    pub relay_domains: bool,
    /// `mynetworks_style=subnet`.
    pub mynetworks_style: bool,
    /// `smtpd_relay_before_recipient_restrictions=no`.
    pub relay_before_recipient: bool,
    /// `respectful_logging=no`.
    pub respectful_logging: bool,
}

impl OldDefaults {
    /// Which ones these parameters leave in use.
    pub fn of(params: &Params<'_>) -> OldDefaults {
        let level = Level::parse(&params.get("compatibility_level")).unwrap_or_default();
        let unset = |name: &str| params.source(name).is_none();
        let below = |limit: Level| level < limit;
        let (one, two) = (Level::new(1, 0), Level::new(2, 0));
        OldDefaults {
            append_dot_mydomain: below(one) && unset("append_dot_mydomain"),
            smtputf8_enable: below(one) && unset("smtputf8_enable"),
            chroot: below(one),
            relay_restrictions: below(one) && unset("smtpd_relay_restrictions"),
            relay_domains: below(two) && unset("relay_domains"),
            mynetworks_style: below(two) && unset("mynetworks") && unset("mynetworks_style"),
            relay_before_recipient: below(LAST) && unset("smtpd_relay_before_recipient_restrictions"),
            respectful_logging: below(LAST) && unset("respectful_logging"),
        }
    }
}

/// What `postfix start`, `reload` and `check` log first when the level is not the last one.
pub fn startup_notes(params: &Params<'_>) -> Vec<String> {
    if Level::parse(&params.get("compatibility_level")).unwrap_or_default() >= LAST {
        return Vec::new();
    }
    vec![
        "Postfix is using backwards-compatible default settings".to_owned(),
        "See http://www.postfix.org/COMPATIBILITY_README.html for details".to_owned(),
        "To disable backwards compatibility use \"postconf compatibility_level=3.6\" and \"postfix reload\"".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_compare_by_their_numbers() {
        assert!(Level::parse("3.10") > Level::parse("3.6"));
        assert_eq!(Level::parse("2"), Some(Level::new(2, 0)));
        for bad in ["", "x", "3.", "3.6.1.2", "-1"] {
            assert_eq!(Level::parse(bad), None, "{bad}");
        }
    }
}
