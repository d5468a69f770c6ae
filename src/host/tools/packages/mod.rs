//! Package management: apt(8), dpkg(1), debconf(7), and their counterparts on Red Hat.

mod apt;
mod debconf;
mod dpkg;
mod plan;
mod postfix;
mod rpm;
mod show;

pub use apt::Apt;
pub use debconf::{debconf_set_selections, debconf_show};
pub use dpkg::{dpkg, dpkg_query, update_alternatives};
pub use rpm::rpm;
pub use show::{apt_cache, aptitude};

/// A size in thousands, with a comma before every three digits: `1,510 kB`.
fn kilobytes(octets: u64) -> String {
    let kb = octets.div_ceil(1000);
    let digits = kb.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if kb >= 10_000 { format!("{:.1} MB", octets as f64 / 1e6) } else { format!("{text} kB") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_shown_as_by_apt() {
        for (octets, text) in [(900, "1 kB"), (1_510_172, "1,511 kB"), (12_345_678, "12.3 MB")] {
            assert_eq!(super::kilobytes(octets), text);
        }
    }
}
