//! Domain names as text and as hickory's wire names.
//!
//! Above this module names are lower-case text without the final dot; the root is `.`.

use std::net::IpAddr;

use hickory_proto::rr::Name;
use smol_str::{SmolStr, SmolStrBuilder};

/// The text form of a name: lower case, no final dot, unusual octets escaped as in master files
/// (RFC 1035, section 5.1).
pub fn name_text(name: &Name) -> SmolStr {
    if name.num_labels() == 0 && name.is_root() {
        return SmolStr::new_static(".");
    }
    let mut text = SmolStrBuilder::new();
    for (index, label) in name.iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for octet in label {
            match octet {
                b'.' | b'\\' => {
                    text.push('\\');
                    text.push(char::from(*octet));
                }
                0x21..=0x7e => text.push(char::from(octet.to_ascii_lowercase())),
                _ => text.push_str(&format!("\\{octet:03}")),
            }
        }
    }
    text.finish()
}

/// The wire form of a name given as text, always absolute; `None` if a label is empty or longer
/// than 63 octets, or the name longer than 255.
pub fn wire_name(text: &str) -> Option<Name> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty() {
        return Some(Name::root());
    }
    if text.len() > 1024 {
        return None;
    }
    let mut labels: Vec<Vec<u8>> = vec![Vec::new()];
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let literal = match octet {
            b'.' => {
                labels.push(Vec::new());
                continue;
            }
            b'\\' => unescape(&mut octets)?,
            octet => octet,
        };
        labels.last_mut()?.push(literal);
    }
    if labels.iter().any(|label| label.is_empty() || label.len() > 63) {
        return None;
    }
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// What stands after a backslash: three decimal digits, or any one character.
fn unescape(octets: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = octets.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let mut value = u32::from(first - b'0');
    for _ in 0..2 {
        let digit = octets.next().filter(u8::is_ascii_digit)?;
        value = value * 10 + u32::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

/// Lower case, without the final dot: the form that all names above the wire have.
pub fn canonical(text: &str) -> SmolStr {
    let bare = match text.strip_suffix('.') {
        Some("") => ".",
        Some(bare) => bare,
        None => text,
    };
    if bare.bytes().any(|octet| octet.is_ascii_uppercase()) {
        bare.to_ascii_lowercase().into()
    } else {
        SmolStr::new(bare)
    }
}

/// The name under which the PTR record of an address stands: `10.2.0.192.in-addr.arpa`
/// (RFC 1035, section 3.5; RFC 3596, section 2.5).
pub fn reverse_name(addr: IpAddr) -> SmolStr {
    let mut text = SmolStrBuilder::new();
    match addr {
        IpAddr::V4(addr) => {
            for octet in addr.octets().iter().rev() {
                text.push_str(&format!("{octet}."));
            }
            text.push_str("in-addr.arpa");
        }
        IpAddr::V6(addr) => {
            for octet in addr.octets().iter().rev() {
                text.push_str(&format!("{:x}.{:x}.", octet & 15, octet >> 4));
            }
            text.push_str("ip6.arpa");
        }
    }
    text.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_and_wire_forms_agree() {
        for (text, expect) in [
            ("Example.ORG.", Some("example.org")),
            (".", Some(".")),
            ("_dmarc.example.org", Some("_dmarc.example.org")),
            ("first\\.last.example.org", Some("first\\.last.example.org")),
            ("a\\032b", Some("a\\032b")),
            ("a..b", None),
            (".a", None),
        ] {
            assert_eq!(wire_name(text).map(|name| name_text(&name)).as_deref(), expect, "{text}");
        }
        assert_eq!(wire_name(&"x".repeat(64)), None);
        assert_eq!(wire_name(&"x.".repeat(200)), None);
    }

    #[test]
    fn reverse_names_follow_the_two_trees() {
        assert_eq!(reverse_name("192.0.2.10".parse().unwrap()), "10.2.0.192.in-addr.arpa");
        let name = reverse_name("2001:db8::21".parse().unwrap());
        assert_eq!(name, "1.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    }

    proptest! {
        #[test]
        fn any_text_either_becomes_a_name_or_none(text in ".{0,80}") {
            if let Some(name) = wire_name(&text) {
                prop_assert_eq!(wire_name(&name_text(&name)), Some(name));
            }
        }
    }
}
