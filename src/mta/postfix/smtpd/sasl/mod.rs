//! SASL in smtpd(8) as Cyrus SASL does it: mechanisms by `smtpd.conf`, passwords from `/etc/sasldb2`
//! (SASL_README).

pub mod commands;
mod mechanism;
pub mod sasldb;

use smol_str::{SmolStr, format_smolstr};

use crate::host::vfs::{Cred, Errno};
use crate::host::{Host, password, saslauthd};
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::MatchList;
use crate::mta::postfix::xsasl;
use crate::smtp::auth::{Claim, Mechanism, Proof, ServerExchange, ServerStep};
use crate::smtp::decode64::decode64;
use mechanism::{Installed, SecurityOptions};
use sasldb::SaslDb;

/// SASL settings of a service.
#[derive(Clone, Debug)]
pub struct SaslConf {
    /// `smtpd_sasl_auth_enable`.
    pub enabled: bool,
    /// Why nobody can log in.
    pub problem: Option<Problem>,
    /// The mechanisms that are offered in the clear, in Cyrus' order.
    pub clear: Vec<SmolStr>,
    /// The mechanisms that are offered under TLS.
    pub encrypted: Vec<SmolStr>,
    /// The mechanisms of `mech_list`, offered or not.
    listed: Vec<&'static Installed>,
    /// What `smtpd_sasl_security_options` ask for, in the clear and under TLS.
    security: [SecurityOptions; 2],
    /// Clients that are not offered AUTH (`smtpd_sasl_exceptions_networks`).
    pub exceptions: MatchList,
    /// `broken_sasl_auth_clients`.
    pub broken_clients: bool,
    /// `smtpd_sasl_response_limit`.
    pub response_limit: usize,
    /// `smtpd_sasl_local_domain`.
    realm: SmolStr,
    myhostname: SmolStr,
    /// Where smtpd(8) finds `/etc/sasldb2`: below the queue directory if it runs in a chroot.
    sasldb: String,
    /// The socket of saslauthd(8), with `pwcheck_method: saslauthd`.
    saslauthd: Option<String>,
    cred: Cred,
}

/// What ends a session that wants to offer AUTH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is logged first.
    pub warnings: Vec<String>,
    /// The last words.
    pub fatal: &'static str,
}

impl Problem {
    fn none_left(warning: impl Into<String>) -> Problem {
        Problem { warnings: vec![warning.into()], fatal: "no SASL authentication mechanisms" }
    }
}

/// How an exchange goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Send `334` and wait.
    Challenge(SmolStr),
    /// Done, with the login and its realm.
    Success(SmolStr),
    /// Refused.
    Failed {
        /// What Cyrus logs about itself: `SASL authentication problem: …`.
        problem: Option<&'static str>,
        /// What Cyrus logs about the client: `SASL authentication failure: …`.
        logged: Option<SmolStr>,
        /// The reason in the reply.
        reason: &'static str,
        /// The login that was tried.
        login: Option<SmolStr>,
        /// Whether trying again later may help.
        temporary: bool,
    },
}

/// An exchange under way.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The mechanism as the client named it.
    pub name: SmolStr,
    mechanism: Mechanism,
    exchange: ServerExchange,
}

impl SaslConf {
    /// Reads the parameters and `smtpd.conf`.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>, chroot: bool, host: &Host) -> Result<SaslConf, Fatal> {
        let file = format!("{}.conf", params.get("smtpd_sasl_path"));
        let text = ["/etc/postfix/sasl", "/etc/sasl2", "/usr/lib/sasl2"]
            .iter()
            .find_map(|dir| host.vfs.read_text(&format!("{dir}/{file}"), &Cred::ROOT).ok())
            .unwrap_or_default();
        let option = |name: &str| {
            let mut options = text.lines().filter_map(|line| line.split_once(':'));
            options.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
        };
        let enabled = params.bool("smtpd_sasl_auth_enable")?;
        if enabled && option("mech_list") == Some("") {
            return Err(Fatal("SASL per-process initialization failed".to_owned()));
        }
        let listed = mechanism::listed(option("mech_list"));
        let options = |parameter: &str| SecurityOptions::parse(&params.get(parameter));
        let (clear, encrypted) = (options("smtpd_sasl_security_options"), options("smtpd_sasl_tls_security_options"));
        let offered = |options: &Result<SecurityOptions, String>| -> Vec<SmolStr> {
            let Ok(options) = options else { return Vec::new() };
            listed.iter().filter(|known| options.permit(known)).map(|known| known.name.into()).collect()
        };
        let mut problem = (enabled && params.get("smtpd_sasl_type") == "dovecot")
            .then(|| dovecot_problem(&params.get("smtpd_sasl_path"), &params.get("queue_directory"), host))
            .flatten();
        let dovecot_is_down = problem.is_some();
        if let Err(warning) = &clear {
            let warnings = vec![warning.clone(), "bad per-session SASL security properties".to_owned()];
            problem.get_or_insert(Problem { warnings, fatal: "SASL per-connection initialization failed" });
        }
        let (in_clear, under_tls) = (offered(&clear), offered(&encrypted));
        if in_clear.is_empty() {
            let warning = "xsasl_cyrus_server_get_mechanism_list: no applicable SASL mechanisms";
            problem.get_or_insert(Problem::none_left(warning));
        }
        let path = option("sasldb_path").unwrap_or("/etc/sasldb2");
        let owner = params.get("mail_owner");
        Ok(SaslConf {
            enabled,
            clear: if dovecot_is_down { Vec::new() } else { in_clear },
            encrypted: if dovecot_is_down { Vec::new() } else { under_tls },
            listed,
            security: [clear.unwrap_or_default(), encrypted.unwrap_or_default()],
            problem,
            exceptions: params.match_list("smtpd_sasl_exceptions_networks")?,
            broken_clients: params.bool("broken_sasl_auth_clients")?,
            response_limit: usize::try_from(params.int("smtpd_sasl_response_limit")?).unwrap_or(usize::MAX),
            realm: params.get("smtpd_sasl_local_domain"),
            myhostname: params.get("myhostname"),
            sasldb: if chroot { format!("{}{path}", params.get("queue_directory")) } else { path.to_owned() },
            saslauthd: (option("pwcheck_method") == Some("saslauthd")).then(|| {
                let path = option("saslauthd_path").unwrap_or("/var/run/saslauthd/mux");
                if chroot { format!("{}{path}", params.get("queue_directory")) } else { path.to_owned() }
            }),
            cred: host.accounts.user(&owner).map_or(Cred::ROOT, |user| host.accounts.cred(user)),
        })
    }

    /// The mechanisms offered to a session.
    pub fn mechanisms(&self, encrypted: bool) -> &[SmolStr] {
        if encrypted { &self.encrypted } else { &self.clear }
    }

    /// Begins an exchange. `challenge` makes the challenge of CRAM-MD5.
    pub fn start(
        &self,
        name: &str,
        initial: Option<&str>,
        encrypted: bool,
        host: &Host,
        challenge: impl FnOnce() -> SmolStr,
    ) -> (Option<Exchange>, Progress) {
        if let Some(Err(error)) = initial.map(decode64) {
            return (None, failed(None, xsasl::base64_error(error), None));
        }
        let Some(known) = self.listed.iter().find(|known| known.name.eq_ignore_ascii_case(name)) else {
            let logged = Some(format_smolstr!("Couldn't find mech {name}"));
            return (None, failed(logged, "no mechanism available", None));
        };
        let [clear, tls] = self.security;
        let options = if encrypted { tls } else { clear };
        if !options.permit(known) {
            return (None, failed(None, options.refusal(), None));
        }
        let anonymous = (known.name == "ANONYMOUS").then_some(Mechanism::Anonymous);
        let Some(mechanism) = Mechanism::from_name(name).or(anonymous) else {
            return (None, failed(None, "no mechanism available", None));
        };
        let (exchange, step) = ServerExchange::start(mechanism, initial, challenge);
        let progress = self.progress(mechanism, step, host);
        let exchange =
            matches!(progress, Progress::Challenge(_)).then(|| Exchange { name: name.into(), mechanism, exchange });
        (exchange, progress)
    }

    /// Takes a response.
    pub fn respond(&self, exchange: &mut Exchange, response: &str, host: &Host) -> Progress {
        let step = exchange.exchange.respond(response);
        self.progress(exchange.mechanism, step, host)
    }

    fn progress(&self, mechanism: Mechanism, step: ServerStep, host: &Host) -> Progress {
        match step {
            ServerStep::Challenge(text) => Progress::Challenge(text),
            ServerStep::NotBase64(error) => failed(None, xsasl::base64_error(error), None),
            ServerStep::Malformed(logged) => failed(logged.map(SmolStr::new_static), "bad protocol / cancel", None),
            ServerStep::Claim(claim) => self.check(mechanism, &claim, host),
        }
    }

    /// A login with its realm.
    fn canonical(&self, user: &str) -> SmolStr {
        if user.contains('@') || self.realm.is_empty() { user.into() } else { format_smolstr!("{user}@{}", self.realm) }
    }

    fn check(&self, mechanism: Mechanism, claim: &Claim, host: &Host) -> Progress {
        if mechanism == Mechanism::Anonymous {
            return Progress::Success(claim.user.clone());
        }
        let claimed = claim.user.trim_ascii();
        if claimed.is_empty() {
            return unready(xsasl::BLANK_USER, None);
        }
        // A login without a realm gets smtpd_sasl_local_domain; the password file wants one in any
        // case and falls back to the host's name.
        let (user, realm) = match claimed.rsplit_once('@') {
            Some((user, realm)) => (user, realm),
            None if self.realm.is_empty() => (claimed, self.myhostname.as_str()),
            None => (claimed, self.realm.as_str()),
        };
        let login = self.canonical(claimed);
        if let Some(socket) = self.saslauthd.as_ref().filter(|_| mechanism.is_plaintext()) {
            if saslauthd::is_there(host, socket) {
                return match &claim.proof {
                    Proof::Password(secret) if password::verify(&host.vfs, user, secret) => Progress::Success(login),
                    _ => {
                        let logged = (mechanism == Mechanism::Plain).then_some("Password verification failed");
                        failed(logged.map(SmolStr::new_static), "authentication failure", Some(login))
                    }
                };
            }
            return unready("cannot connect to saslauthd server: No such file or directory", Some(login));
        }
        let db = match host.vfs.read(&self.sasldb, &self.cred) {
            Err(Errno::Access) => {
                let problem = "unable to open Berkeley db /etc/sasldb2: Permission denied";
                let logged = (mechanism == Mechanism::Plain).then_some("Password verification failed");
                let progress = Progress::Failed {
                    problem: Some(problem),
                    logged: logged.map(SmolStr::new_static),
                    reason: "generic failure",
                    login: Some(login),
                    temporary: true,
                };
                return progress;
            }
            other => other.ok().and_then(|content| content.object::<SaslDb>()),
        };
        let password = db.and_then(|db| db.password(user, realm));
        if password.as_ref().is_some_and(|password| claim.proof.matches(password)) {
            let wanted = self.canonical(claim.authorize.trim_ascii());
            if claim.authorize.is_empty() || wanted == login {
                return Progress::Success(login);
            }
            let logged = Some(SmolStr::new_static("Requested identity not authenticated identity"));
            return failed(logged, "authentication failure", Some(wanted));
        }
        let logged = match mechanism {
            Mechanism::Plain => Some("Password verification failed"),
            Mechanism::Login | Mechanism::Anonymous => None,
            Mechanism::CramMd5 if password.is_none() => Some("no secret in database"),
            Mechanism::CramMd5 => Some("incorrect digest response"),
        };
        failed(logged.map(SmolStr::new_static), "authentication failure", Some(login))
    }
}

/// Cyrus itself can not go on.
fn unready(logged: &'static str, login: Option<SmolStr>) -> Progress {
    let logged = Some(SmolStr::new_static(logged));
    Progress::Failed { problem: None, logged, reason: "generic failure", login, temporary: true }
}

/// What is wrong with the socket of Dovecot's auth service; a path is one below the queue directory.
fn dovecot_problem(path: &str, queue_directory: &str, host: &Host) -> Option<Problem> {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{queue_directory}/{path}") };
    let error = host.vfs.resolve(&full, &Cred::ROOT).err()?;
    Some(Problem::none_left(format!("SASL: Connect to Dovecot auth socket '{path}' failed: {error}")))
}

fn failed(logged: Option<SmolStr>, reason: &'static str, login: Option<SmolStr>) -> Progress {
    Progress::Failed { problem: None, logged, reason, login, temporary: false }
}
