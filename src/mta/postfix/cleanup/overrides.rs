//! `receive_override_options`: what programs that take mail leave to others.

use crate::mta::postfix::config::{Fatal, Params};

/// The options that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the options")]
pub struct ReceiveOverrides {
    pub no_unknown_recipient_checks: bool,
    pub no_address_mappings: bool,
    pub no_header_body_checks: bool,
    pub no_milters: bool,
}

impl ReceiveOverrides {
    /// Reads the parameter.
    ///
    /// # Errors
    /// It names something else.
    pub fn load(params: &Params<'_>) -> Result<ReceiveOverrides, Fatal> {
        const NAME: &str = "receive_override_options";
        let mut overrides = ReceiveOverrides::default();
        for word in params.list(NAME) {
            let option = match word.to_ascii_lowercase().as_str() {
                "no_unknown_recipient_checks" => &mut overrides.no_unknown_recipient_checks,
                "no_address_mappings" => &mut overrides.no_address_mappings,
                "no_header_body_checks" => &mut overrides.no_header_body_checks,
                "no_milters" => &mut overrides.no_milters,
                _ => return Err(Fatal(format!("unknown {NAME} value \"{word}\" in \"{}\"", params.get(NAME)))),
            };
            *option = true;
        }
        Ok(overrides)
    }
}
