//! Base64 in SASL exchanges, read as Cyrus SASL does (`sasl_decode64`).

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base64Error {
    /// It stops within a group of four.
    Unfinished,
    /// It has what can not stand where it stands.
    Wrong,
}

/// The octets of a text. Groups are read one after the other, so that the first wrong one decides.
///
/// # Errors
/// It is not base64.
pub fn decode64(text: &str) -> Result<Vec<u8>, Base64Error> {
    let groups = text.as_bytes().chunks_exact(4);
    let rest = groups.remainder();
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    let mut ended = false;
    for group in groups {
        let &[first, second, third, fourth] = group else { break };
        let (Some(first), Some(second), false) = (sextet(first), sextet(second), ended) else {
            return Err(Base64Error::Wrong);
        };
        octets.push(first << 2 | second >> 4);
        match (sextet(third), sextet(fourth)) {
            (Some(third), Some(fourth)) => octets.extend([second << 4 | third >> 2, third << 6 | fourth]),
            (Some(third), None) if fourth == b'=' => octets.push(second << 4 | third >> 2),
            (None, None) if (third, fourth) == (b'=', b'=') => {}
            _ => return Err(Base64Error::Wrong),
        }
        ended = fourth == b'=';
    }
    match (rest.is_empty(), ended) {
        (true, _) => Ok(octets),
        (false, true) => Err(Base64Error::Wrong),
        (false, false) => Err(Base64Error::Unfinished),
    }
}

fn sextet(octet: u8) -> Option<u8> {
    Some(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_group_is_told_from_what_is_wrong() {
        for (text, want) in [
            ("", Ok(&b""[..])),
            ("YWJj", Ok(b"abc")),
            ("YWI=", Ok(b"ab")),
            ("YQ==", Ok(b"a")),
            ("=", Err(Base64Error::Unfinished)),
            ("YQ", Err(Base64Error::Unfinished)),
            ("YQ==YQ==", Err(Base64Error::Wrong)),
            ("YQ=Y", Err(Base64Error::Wrong)),
            ("****", Err(Base64Error::Wrong)),
        ] {
            assert_eq!(decode64(text).as_deref(), want.as_ref().map(|octets| *octets), "{text}");
        }
    }
}
