//! Logins by SASL, as POP3 and IMAP have them.

use smol_str::SmolStr;

use crate::smtp::auth::{Claim, Proof, ServerExchange, ServerStep};

/// Name and password of a PLAIN response in base64 (RFC 4616); `None` if it is malformed.
pub fn plain(encoded: &str) -> Option<(SmolStr, SmolStr)> {
    match ServerExchange::Plain.respond(encoded.trim()) {
        ServerStep::Claim(Claim { user, proof: Proof::Password(password), .. }) if !user.is_empty() => {
            Some((user, password))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_a_name_and_a_password() {
        assert_eq!(plain("AGJvYgBzZWNyZXQ="), Some(("bob".into(), "secret".into())));
        assert_eq!(plain("AABzZWNyZXQ="), None);
        assert_eq!(plain("!!!"), None);
    }
}
