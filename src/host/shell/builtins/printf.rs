//! `printf` (printf(1)) for the shell and as a command.

use crate::host::shell::arith::parse_number;
use crate::host::shell::text::unescape_until_stop;

/// Fields wider than this are refused.
const MAX_WIDTH: usize = 65_536;

/// What `printf` writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Printed {
    /// The text.
    pub text: String,
    /// Error messages without the name of the command.
    pub errors: Vec<String>,
}

/// Formats arguments; the format is used again until none is left.
pub fn printf(format: &str, arguments: &[String]) -> Printed {
    let mut out = Printed::default();
    let mut arguments = arguments.iter();
    loop {
        let before = arguments.len();
        if !once(format, &mut arguments, &mut out) || arguments.len() == 0 || arguments.len() == before {
            return out;
        }
        if out.text.len() > 1 << 24 {
            return out;
        }
    }
}

/// Goes through the format once; whether to go on.
fn once(format: &str, arguments: &mut std::slice::Iter<'_, String>, out: &mut Printed) -> bool {
    let mut rest = format;
    while let Some(at) = rest.find(['%', '\\']) {
        out.text.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\\') {
            let end = rest.find('%').unwrap_or(rest.len());
            let end = rest[1..end].find('\\').filter(|next| *next > 0).map_or(end, |next| next + 1);
            let (text, stop) = unescape_until_stop(&rest[..end.max(2).min(rest.len())]);
            out.text.push_str(&text);
            if stop {
                return false;
            }
            rest = &rest[end.max(2).min(rest.len())..];
            continue;
        }
        rest = match directive(&rest[1..], arguments, out) {
            Some(rest) => rest,
            None => return false,
        };
    }
    out.text.push_str(rest);
    true
}

/// One conversion, after its `%`; the rest of the format.
fn directive<'a>(text: &'a str, arguments: &mut std::slice::Iter<'_, String>, out: &mut Printed) -> Option<&'a str> {
    let flags_end = text.find(|c| !"-+ #0".contains(c)).unwrap_or(text.len());
    let (flags, mut rest) = text.split_at(flags_end);
    let mut left = flags.contains('-');
    let mut number = |rest: &mut &'a str| -> Option<i64> {
        if let Some(after) = rest.strip_prefix('*') {
            *rest = after;
            return arguments.next().and_then(|text| parse_number(text)).or(Some(0));
        }
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        *rest = after;
        digits.parse().ok()
    };
    let mut width = number(&mut rest).unwrap_or(0);
    let mut precision = None;
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        precision = Some(usize::try_from(number(&mut rest).unwrap_or(0)).unwrap_or(0).min(MAX_WIDTH));
    }
    if width < 0 {
        left = true;
        width = width.saturating_neg();
    }
    let width = usize::try_from(width).unwrap_or(0).min(MAX_WIDTH);
    rest = rest.trim_start_matches(['l', 'h', 'j', 'z']);
    let mut chars = rest.chars();
    let Some(kind) = chars.next() else {
        out.errors.push("missing format character".into());
        return None;
    };
    let rest = chars.as_str();
    if kind == '%' {
        out.text.push('%');
        return Some(rest);
    }
    let argument = arguments.next().map_or("", String::as_str);
    let mut stop = false;
    let body = match kind {
        's' => cut(argument, precision),
        'b' => {
            let (text, stopped) = unescape_until_stop(argument);
            stop = stopped;
            cut(&text, precision)
        }
        'c' => argument.chars().take(1).collect(),
        'q' => crate::host::shell::text::quoted(argument),
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let value = integer(argument, out);
            let digits = match kind {
                'x' => format!("{value:x}"),
                'X' => format!("{value:X}"),
                'o' => format!("{value:o}"),
                'u' => (value as u64).to_string(),
                _ => value.unsigned_abs().to_string(),
            };
            let digits = format!("{:0>1$}", digits, precision.unwrap_or(0));
            let sign = match (kind, value < 0) {
                ('d' | 'i', true) => "-",
                ('d' | 'i', false) if flags.contains('+') => "+",
                ('d' | 'i', false) if flags.contains(' ') => " ",
                ('x', _) if flags.contains('#') && value != 0 => "0x",
                ('o', _) if flags.contains('#') => "0",
                _ => "",
            };
            zero_fill(sign, &digits, width, flags.contains('0') && !left && precision.is_none())
        }
        'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
            let value: f64 = argument.trim().parse().unwrap_or(0.0);
            let text = float(value.abs(), kind, precision);
            let sign = if value.is_sign_negative() {
                "-"
            } else if flags.contains('+') {
                "+"
            } else {
                ""
            };
            zero_fill(sign, &text, width, flags.contains('0') && !left)
        }
        other => {
            out.errors.push(format!("%{other}: invalid directive"));
            return None;
        }
    };
    let fill = " ".repeat(width.saturating_sub(body.chars().count()));
    if left {
        out.text.push_str(&body);
        out.text.push_str(&fill);
    } else {
        out.text.push_str(&fill);
        out.text.push_str(&body);
    }
    (!stop).then_some(rest)
}

fn cut(text: &str, precision: Option<usize>) -> String {
    match precision {
        Some(most) => text.chars().take(most).collect(),
        None => text.to_owned(),
    }
}

fn zero_fill(sign: &str, digits: &str, width: usize, fill: bool) -> String {
    let zeros = if fill { width.saturating_sub(sign.len() + digits.len()) } else { 0 };
    format!("{sign}{}{digits}", "0".repeat(zeros))
}

/// A floating-point number as C prints it.
pub fn float(value: f64, kind: char, precision: Option<usize>) -> String {
    let precision = precision.unwrap_or(6).min(100);
    let exponential = |value: f64, precision: usize| {
        let text = format!("{value:.precision$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        (mantissa.to_owned(), exponent)
    };
    let strip = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    let sign = |exponent: i32| if exponent < 0 { '-' } else { '+' };
    match kind {
        'e' | 'E' => {
            let (mantissa, exponent) = exponential(value, precision);
            format!("{mantissa}e{}{:02}", sign(exponent), exponent.abs())
        }
        'g' | 'G' => {
            let significant = precision.max(1);
            let (mantissa, exponent) = exponential(value, significant - 1);
            if exponent < -4 || exponent >= significant as i32 {
                format!("{}e{}{:02}", strip(mantissa), sign(exponent), exponent.abs())
            } else {
                let decimals = usize::try_from(significant as i32 - 1 - exponent).unwrap_or(0);
                strip(format!("{value:.decimals$}"))
            }
        }
        _ => format!("{value:.precision$}"),
    }
}

fn integer(text: &str, out: &mut Printed) -> i64 {
    let trimmed = text.trim();
    if let Some(c) = trimmed.strip_prefix(['\'', '"']).and_then(|rest| rest.chars().next()) {
        return i64::from(u32::from(c));
    }
    if trimmed.is_empty() {
        return 0;
    }
    parse_number(trimmed.strip_prefix('+').unwrap_or(trimmed)).unwrap_or_else(|| {
        out.errors.push(format!("{text}: expected numeric value"));
        let digits: String = trimmed
            .chars()
            .enumerate()
            .take_while(|(at, c)| c.is_ascii_digit() || (*at == 0 && *c == '-'))
            .map(|(_, c)| c)
            .collect();
        digits.parse().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: &str, arguments: &[&str]) -> String {
        printf(format, &arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()).text
    }

    #[test]
    fn formats_like_printf() {
        assert_eq!(text("To: a, b\\nSubject: x\\n\\nx\\n", &[]), "To: a, b\nSubject: x\n\nx\n");
        assert_eq!(text("%s=%d\\n", &["a", "1", "b", "2"]), "a=1\nb=2\n");
        assert_eq!(
            text("[%5s|%-5s|%05d|%x|%.2f]", &["ab", "cd", "42", "255", "3.14159"]),
            "[   ab|cd   |00042|ff|3.14]"
        );
        assert_eq!(text("%b", &["a\\tb"]), "a\tb");
        assert_eq!(text("100%%", &[]), "100%");
        assert_eq!(text("a\\\\nb\\101", &[]), "a\\nbA");
    }
}
