//! Host names that Postfix takes (`valid_hostname(3)`).

/// Longest name and longest label (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 255;
const MAX_LABEL: usize = 63;

/// Why a text is no host name, in Postfix's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostnameError {
    /// Nothing.
    #[error("empty hostname")]
    Empty,
    /// A character that host names do not have.
    #[error("invalid character {code}(decimal): {name}")]
    Character {
        /// Its code.
        code: u32,
        /// The name.
        name: String,
    },
    /// A dot at an end, or two together.
    #[error("misplaced delimiter: {0}")]
    Delimiter(String),
    /// A hyphen at an end of a label.
    #[error("misplaced hyphen: {0}")]
    Hyphen(String),
    /// Digits and dots only.
    #[error("numeric hostname: {0}")]
    Numeric(String),
    /// Too long as a whole or in a label.
    #[error("bad length {len} for {name}")]
    Length {
        /// The length found.
        len: usize,
        /// The name, shortened.
        name: String,
    },
}

/// Checks a host name.
///
/// # Errors
/// It is none.
pub fn check(name: &str) -> Result<(), HostnameError> {
    let shown = || name.chars().take(100).collect::<String>();
    if name.is_empty() {
        return Err(HostnameError::Empty);
    }
    if let Some(c) = name.chars().find(|c| !(c.is_alphanumeric() || ".-_".contains(*c))) {
        return Err(HostnameError::Character { code: c.into(), name: shown() });
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(HostnameError::Delimiter(shown()));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(HostnameError::Hyphen(shown()));
        }
        if label.len() > MAX_LABEL {
            return Err(HostnameError::Length { len: label.len(), name: shown() });
        }
    }
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(HostnameError::Numeric(shown()));
    }
    if name.len() > MAX_NAME {
        return Err(HostnameError::Length { len: name.len(), name: shown() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("mx1.example.com", None),
            ("mail.", Some("misplaced delimiter: mail.")),
            ("a..b", Some("misplaced delimiter: a..b")),
            ("-a.b", Some("misplaced hyphen: -a.b")),
            ("192.0.2.1", Some("numeric hostname: 192.0.2.1")),
            ("a b", Some("invalid character 32(decimal): a b")),
        ];
        for (name, expected) in cases {
            assert_eq!(check(name).err().map(|error| error.to_string()).as_deref(), expected, "{name}");
        }
    }
}
