//! What Cyrus SASL says, for both sides of an exchange (`xsasl_cyrus_common.c`).

use crate::smtp::decode64::Base64Error;

/// What it logs about a user name of blanks only.
pub const BLANK_USER: &str = "All-whitespace username.";

/// `xsasl_cyrus_strerror` of the result of `sasl_decode64`.
pub fn base64_error(error: Base64Error) -> &'static str {
    match error {
        Base64Error::Unfinished => "another step is needed in authentication",
        Base64Error::Wrong => "bad protocol / cancel",
    }
}
