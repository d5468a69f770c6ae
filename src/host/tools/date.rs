//! date(1), and the dates that `touch -d` understands.

use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;

use crate::host::program::Env;
use crate::sim::Time;

/// A date as people write it for `date -d` and `touch -d`: relative (`-1 hour`, `2 days ago`,
/// `yesterday`), `@SECONDS`, or a civil date.
pub fn parse_date(text: &str, now: Time, zone: &TimeZone) -> Option<Time> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok().map(Time::from_secs);
    }
    if let Ok(time) = Time::parse(text) {
        return Some(time);
    }
    for format in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"] {
        if let Ok(civil) = jiff::civil::DateTime::strptime(format, text) {
            return at(civil, zone);
        }
    }
    if let Ok(date) = jiff::civil::Date::strptime("%Y-%m-%d", text) {
        return at(date.at(0, 0, 0, 0), zone);
    }
    // A date with a span after it: `2026-01-01 +1 day`.
    if let Some((date, rest)) = text.split_once(' ')
        && let Ok(date) = jiff::civil::Date::strptime("%Y-%m-%d", date)
        && let Some(midnight) = at(date.at(0, 0, 0, 0), zone)
    {
        return relative(rest, midnight);
    }
    relative(text, now)
}

fn at(civil: jiff::civil::DateTime, zone: &TimeZone) -> Option<Time> {
    let micros = civil.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
    u64::try_from(micros).ok().map(Time::from_micros)
}

fn relative(text: &str, now: Time) -> Option<Time> {
    let mut time = now;
    let mut pending: Option<(i64, u64)> = None;
    let mut number: Option<i64> = None;
    let lower = text.to_lowercase();
    // `-1hour` and `5min` are written without a blank, too.
    let spaced: String = lower
        .chars()
        .scan(false, |was_digit, c| {
            let gap = *was_digit && c.is_alphabetic();
            *was_digit = c.is_ascii_digit();
            Some(if gap { vec![' ', c] } else { vec![c] })
        })
        .flatten()
        .collect();
    let apply = |time: &mut Time, (count, unit): (i64, u64)| {
        let span = Duration::from_secs(unit.saturating_mul(count.unsigned_abs()));
        *time = if count < 0 { *time - span } else { *time + span };
    };
    for word in spaced.split_whitespace() {
        if let Ok(value) = word.trim_start_matches('+').parse::<i64>() {
            number = Some(value);
            continue;
        }
        let unit = match word.trim_end_matches('s') {
            "sec" | "second" => 1,
            "min" | "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            "week" => 604_800,
            "month" => 2_592_000,
            "year" => 31_536_000,
            "ago" => {
                let (count, unit) = pending.take()?;
                pending = Some((-count, unit));
                continue;
            }
            "now" | "today" => continue,
            "yesterday" => {
                apply(&mut time, (-1, 86_400));
                continue;
            }
            "tomorrow" => {
                apply(&mut time, (1, 86_400));
                continue;
            }
            "last" => {
                number = Some(-1);
                continue;
            }
            "next" => {
                number = Some(1);
                continue;
            }
            _ => return None,
        };
        if let Some(step) = pending.take() {
            apply(&mut time, step);
        }
        pending = Some((number.take().unwrap_or(1), unit));
    }
    if let Some(step) = pending {
        apply(&mut time, step);
    }
    if number.is_some() { None } else { Some(time) }
}

/// `[[CC]YY]MMDDhhmm[.ss]` of `touch -t`.
pub fn parse_stamp(text: &str, now: Time, zone: &TimeZone) -> Option<Time> {
    let (digits, seconds) = text.split_once('.').unwrap_or((text, "00"));
    if !digits.is_ascii() {
        return None;
    }
    let digits = match digits.len() {
        8 => format!("{}{digits}", now.zoned(zone).year()),
        10 => format!("20{digits}"),
        12 => digits.to_owned(),
        _ => return None,
    };
    at(jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", format!("{digits}{seconds}")).ok()?, zone)
}

/// `date`.
pub fn date(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let long = [("date", 'd'), ("utc", 'u'), ("rfc-email", 'R'), ("reference", 'r'), ("iso-8601", 'I')];
    // The precision of `-I` stands in the same word.
    let precise = env.args.iter().find_map(|arg| arg.strip_prefix("-I").or(arg.strip_prefix("--iso-8601=")));
    let iso = match precise {
        None | Some("" | "date") => "%Y-%m-%d",
        Some("hours") => "%Y-%m-%dT%H%:z",
        Some("minutes") => "%Y-%m-%dT%H:%M%:z",
        Some("ns") => "%Y-%m-%dT%H:%M:%S,%N%:z",
        Some(_) => "%Y-%m-%dT%H:%M:%S%:z",
    };
    let words: Vec<String> =
        env.args.iter().map(|arg| if arg.starts_with("-I") { "-I".to_owned() } else { arg.clone() }).collect();
    let args = match super::args::Args::parse(&words, "d:uRr:I", &long) {
        Ok(args) => args,
        Err(text) => {
            env.errln(format!("date: {text}"));
            env.errln("Try 'date --help' for more information.");
            return 1;
        }
    };
    let now = env.ctx.now;
    let zone = if args.has('u') { TimeZone::UTC } else { env.ctx.host.zone.clone() };
    let time = match (args.value('d'), args.value('r')) {
        (Some(text), _) => match parse_date(text, now, &zone) {
            Some(time) => time,
            None => {
                env.errln(format!("date: invalid date ‘{text}’"));
                return 1;
            }
        },
        (None, Some(name)) => match env.ctx.host.vfs.stat(&env.path(name), env.cred) {
            Ok(inode) => inode.mtime,
            Err(error) => {
                env.errln(format!("date: {name}: {error}"));
                return 1;
            }
        },
        _ => now,
    };
    let format = match args.operands.first().map(|text| text.strip_prefix('+')) {
        Some(Some(format)) => format,
        Some(None) => {
            env.errln(format!("date: invalid date ‘{}’", args.operands[0]));
            return 1;
        }
        None if args.has('R') => "%a, %d %b %Y %H:%M:%S %z",
        None if args.has('I') => iso,
        None => "%a %b %e %H:%M:%S %Z %Y",
    };
    let mut text = String::new();
    let zoned = time.zoned(&zone);
    // One conversion at a time: an unknown one stands for itself.
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let mut spec = String::from("%");
        while let Some(flag) = chars.peek().copied().filter(|c| matches!(c, '-' | '_' | '0' | '^' | ':')) {
            spec.push(flag);
            chars.next();
        }
        match chars.next() {
            Some('N') => text.push_str(&format!("{:09}", u64::from(time.subsec_micros()) * 1000)),
            Some('%') => text.push('%'),
            Some(letter) => {
                spec.push(letter);
                match jiff::fmt::strtime::format(spec.as_str(), &zoned) {
                    Ok(piece) => text.push_str(&piece),
                    Err(_) => text.push_str(&spec),
                }
            }
            None => text.push('%'),
        }
    }
    env.outln(text);
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_dates_count_from_now() {
        let now = Time::from_secs(1_000_000);
        for (text, seconds) in [
            ("-1 hour", 1_000_000 - 3_600),
            ("-5 min", 1_000_000 - 300),
            ("2 days ago", 1_000_000 - 172_800),
            ("+1 minute", 1_000_060),
            ("1 hour ago 5 minutes", 1_000_000 - 3_600 + 300),
            ("@42", 42),
            ("1970-01-02", 86_400),
            ("1970-01-02 +1 day", 172_800),
        ] {
            assert_eq!(parse_date(text, now, &TimeZone::UTC), Some(Time::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_date("gibberish", now, &TimeZone::UTC), None);
    }
}
