//! Logins that servers have refused for good (`smtp_sasl_auth_cache.c`): they are not tried again
//! as long as the password stays the same.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::conf::SmtpConf;
use super::sasl::Login;
use crate::sim::Time;

/// A login that was refused.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// The password that was tried.
    pub password: SmolStr,
    /// The status code of the refusal.
    pub dsn: SmolStr,
    /// The server's words.
    pub reply: String,
    /// When.
    pub at: Time,
}

/// Refused logins by server and user.
#[derive(Clone, Debug, Default)]
pub(super) struct RefusedLogins(BTreeMap<(SmolStr, SmolStr), Refused>);

impl RefusedLogins {
    /// Keeps a refusal.
    pub fn keep(&mut self, server: &SmolStr, user: SmolStr, refused: Refused) {
        self.0.insert((server.clone(), user), refused);
    }

    /// The refusal of the same login at this server that is not yet forgotten.
    pub fn find(&self, server: &SmolStr, login: &Login, conf: &SmtpConf, now: Time) -> Option<&Refused> {
        let refused = self.0.get(&(server.clone(), login.user.clone()))?;
        let fresh = now < refused.at + conf.sasl.cache_time;
        (conf.sasl.cached && fresh && refused.password == login.password).then_some(refused)
    }
}
