//! Sizes as the tools of coreutils read and write them: `10M`, `2.1 MB`, `2.0 MiB`.

/// The largest file that a tool makes at once, in octets.
pub const MOST: usize = 1 << 26;

/// A size: a number with `K`, `M`, `G` (powers of 1024, also `KiB` …), `kB`, `MB`, `GB` (powers of
/// 1000), `b` (512) or `c`, `w` (1, 2) behind it.
pub fn parse(text: &str) -> Option<usize> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: usize = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "K" | "k" | "KiB" => 1 << 10,
        "M" | "m" | "MiB" => 1 << 20,
        "G" | "g" | "GiB" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// `2.1 MB`: powers of 1000.
pub fn decimal(value: f64) -> String {
    human(value, 1000.0, &["B", "kB", "MB", "GB"])
}

/// `2.0 MiB`: powers of 1024.
pub fn binary(value: f64) -> String {
    human(value, 1024.0, &["B", "KiB", "MiB", "GiB"])
}

fn human(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let places = usize::from(value < 9.95 && unit > 0);
    format!("{value:.places$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let sizes = [("12", 12), ("1K", 1024), ("3MB", 3_000_000), ("2b", 1024), ("1GiB", 1 << 30)];
        for (text, octets) in sizes {
            assert_eq!(parse(text), Some(octets), "{text}");
        }
        for text in ["", "K", "1.5M", "1Q", "-1", "99999999999999999999", "99999999999G"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
