//! Logging in at servers (`smtp_sasl_glue.c`).

use smol_str::SmolStr;

use super::conf::SmtpConf;
use crate::host::Host;
use crate::mta::postfix::maps::{LookupError, Strategy, Subject, mail_addr_find};
use crate::smtp::auth::{ClientExchange, Mechanism};

/// User and password for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Login {
    pub user: SmolStr,
    pub password: SmolStr,
}

/// Finds the login: by sender if wanted, by the server's name, by the next hop.
pub(super) fn login(
    conf: &SmtpConf,
    sender: &str,
    server: &str,
    nexthop: &str,
    host: &Host,
) -> Result<Option<Login>, LookupError> {
    let maps = &conf.sasl.passwords;
    if !conf.sasl.enabled || maps.is_empty() {
        return Ok(None);
    }
    let mut value = None;
    if conf.sasl.by_sender && !sender.is_empty() {
        value = mail_addr_find(maps, sender, &conf.finder, Strategy::DEFAULT, host)?.map(|found| found.found.value);
    }
    for key in [server, nexthop] {
        if value.is_none() {
            value = maps.find(key, host)?.map(|found| found.value);
        }
    }
    Ok(value.map(|value| match value.split_once(':') {
        Some((user, password)) => Login { user: user.into(), password: password.into() },
        None => Login { user: value, password: SmolStr::default() },
    }))
}

/// Why there is no exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoExchange {
    /// The server offers nothing that may be used.
    NothingOffered,
    /// What it offers is forbidden by the security options.
    NoMechanism,
}

/// What the filter leaves of the mechanisms that a server offers.
pub(super) fn filter(conf: &SmtpConf, offered: &[SmolStr], host: &Host) -> Result<Vec<SmolStr>, LookupError> {
    let mut allowed = Vec::new();
    for name in offered {
        if conf.sasl.filter.is_empty() || conf.sasl.filter.matches(Subject::String(name), host)?.is_some() {
            allowed.push(name.clone());
        }
    }
    Ok(allowed)
}

/// Begins an exchange with the best of the mechanisms that the security options allow.
pub(super) fn exchange(
    conf: &SmtpConf,
    login: &Login,
    allowed: &[SmolStr],
    encrypted: bool,
) -> Result<(ClientExchange, Mechanism), NoExchange> {
    if allowed.is_empty() {
        return Err(NoExchange::NothingOffered);
    }
    let noplaintext = if encrypted { conf.sasl.tls_noplaintext } else { conf.sasl.noplaintext };
    let preferred: Vec<Mechanism> = [Mechanism::CramMd5, Mechanism::Plain, Mechanism::Login]
        .into_iter()
        .filter(|mechanism| !(noplaintext && mechanism.is_plaintext()))
        .collect();
    let mechanism = ClientExchange::choose(allowed, &preferred).ok_or(NoExchange::NoMechanism)?;
    Ok((ClientExchange::new(mechanism, login.user.clone(), login.password.clone()), mechanism))
}
