//! Passwords of `/etc/shadow` (shadow(5)).
//!
//! The field has the form of crypt(5), `$mxlab$SALT$DIGEST`. The digest is one round of SHA-256:
//! a simulated host has nothing to protect, and thousands of users have to be made quickly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest, Sha256};

use super::vfs::{Cred, Vfs};

/// The shadow field for a password.
pub fn hash(salt: &str, password: &str) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update([0]).chain_update(password).finalize();
    format!("$mxlab${salt}${}", STANDARD_NO_PAD.encode(digest))
}

/// Whether this is the user's password now. Locked and unknown users have none.
pub fn verify(vfs: &Vfs, user: &str, password: &str) -> bool {
    let shadow = vfs.read_text("/etc/shadow", &Cred::ROOT).unwrap_or_default();
    let field = shadow.lines().find_map(|line| {
        let (name, rest) = line.split_once(':')?;
        (name == user).then(|| rest.split(':').next().unwrap_or_default())
    });
    let Some(("", rest)) = field.and_then(|field| field.split_once("$mxlab$")) else { return false };
    rest.rsplit_once('$').is_some_and(|(salt, _)| field == Some(hash(salt, password).as_str()))
}
