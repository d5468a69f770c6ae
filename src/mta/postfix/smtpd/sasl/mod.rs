//! SASL in smtpd(8) as Cyrus SASL does it: mechanisms by `smtpd.conf`, passwords from `/etc/sasldb2`
//! (SASL_README).

pub mod commands;
pub mod sasldb;

use smol_str::{SmolStr, format_smolstr};

use crate::host::vfs::Cred;
use crate::host::{Host, password, saslauthd};
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::MatchList;
use crate::smtp::auth::{Claim, Mechanism, Proof, ServerExchange, ServerStep};
use sasldb::SaslDb;

/// SASL settings of a service.
#[derive(Clone, Debug)]
pub struct SaslConf {
    /// `smtpd_sasl_auth_enable`.
    pub enabled: bool,
    /// Why nobody can log in.
    pub problem: Option<SmolStr>,
    /// The mechanisms that are offered in the clear, in Cyrus' order.
    pub clear: Vec<SmolStr>,
    /// The mechanisms that are offered under TLS.
    pub encrypted: Vec<SmolStr>,
    /// Clients that are not offered AUTH (`smtpd_sasl_exceptions_networks`).
    pub exceptions: MatchList,
    /// `broken_sasl_auth_clients`.
    pub broken_clients: bool,
    /// `smtpd_sasl_local_domain`.
    realm: SmolStr,
    myhostname: SmolStr,
    /// Where smtpd(8) finds `/etc/sasldb2`: below the queue directory if it runs in a chroot.
    sasldb: String,
    /// The socket of saslauthd(8), with `pwcheck_method: saslauthd`.
    saslauthd: Option<String>,
    cred: Cred,
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
        /// What Cyrus logs by itself: `SASL authentication failure: …`.
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

/// The mechanisms that Debian's packages bring, in the order in which they are offered.
const INSTALLED: [&str; 4] = ["DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN"];

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
        let wanted: Option<Vec<String>> =
            option("mech_list").map(|list| list.split_whitespace().map(str::to_ascii_uppercase).collect());
        let offered = |parameter: &str| -> Vec<SmolStr> {
            let options = params.list(parameter);
            let has = |word: &str| options.iter().any(|option| option == word);
            INSTALLED
                .into_iter()
                .filter(|name| wanted.as_ref().is_none_or(|list| list.iter().any(|word| word == name)))
                .filter(|name| !(has("noplaintext") && matches!(*name, "PLAIN" | "LOGIN")))
                .filter(|name| *name == "DIGEST-MD5" || !has("mutual_auth"))
                .filter(|_| !has("forward_secrecy"))
                .map(SmolStr::new_static)
                .collect()
        };
        let enabled = params.bool("smtpd_sasl_auth_enable")?;
        let problem = (enabled && params.get("smtpd_sasl_type") == "dovecot")
            .then(|| dovecot_problem(&params.get("smtpd_sasl_path"), &params.get("queue_directory"), host))
            .flatten();
        let offered = |parameter: &str| if problem.is_some() { Vec::new() } else { offered(parameter) };
        let path = option("sasldb_path").unwrap_or("/etc/sasldb2");
        let owner = params.get("mail_owner");
        Ok(SaslConf {
            enabled,
            clear: offered("smtpd_sasl_security_options"),
            encrypted: offered("smtpd_sasl_tls_security_options"),
            problem,
            exceptions: params.match_list("smtpd_sasl_exceptions_networks")?,
            broken_clients: params.bool("broken_sasl_auth_clients")?,
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
        let offered = self.mechanisms(encrypted).iter().any(|known| known.eq_ignore_ascii_case(name));
        let Some(mechanism) = Mechanism::from_name(name).filter(|_| offered) else {
            let logged = Some(format_smolstr!("Couldn't find mech {name}"));
            return (None, failed(logged, "no mechanism available", None));
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
            ServerStep::Empty => failed(None, "another step is needed in authentication", None),
            ServerStep::NotBase64 => failed(None, "bad protocol / cancel", None),
            ServerStep::Malformed(logged) => failed(logged.map(SmolStr::new_static), "bad protocol / cancel", None),
            ServerStep::Claim(claim) => self.check(mechanism, &claim, host),
        }
    }

    fn check(&self, mechanism: Mechanism, claim: &Claim, host: &Host) -> Progress {
        // A login without a realm gets smtpd_sasl_local_domain; the password file wants one in any
        // case and falls back to the host's name.
        let (user, realm) = match claim.user.rsplit_once('@') {
            Some((user, realm)) => (user, realm),
            None if self.realm.is_empty() => (claim.user.as_str(), self.myhostname.as_str()),
            None => (claim.user.as_str(), self.realm.as_str()),
        };
        let complete = claim.user.contains('@') || self.realm.is_empty();
        let login = if complete { claim.user.clone() } else { format_smolstr!("{user}@{realm}") };
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
            let logged = SmolStr::new_static("cannot connect to saslauthd server: No such file or directory");
            return Progress::Failed {
                logged: Some(logged),
                reason: "generic failure",
                login: Some(login),
                temporary: true,
            };
        }
        let db = host.vfs.read(&self.sasldb, &self.cred).ok().and_then(|content| content.object::<SaslDb>());
        let password = db.and_then(|db| db.password(user, realm));
        if password.as_ref().is_some_and(|password| claim.proof.matches(password)) {
            if claim.authorize.is_empty() || claim.authorize == claim.user {
                return Progress::Success(login);
            }
            let logged = Some(SmolStr::new_static("Requested identity not authenticated identity"));
            let (authorize, realm) = (&claim.authorize, &self.realm);
            let bare = authorize.contains('@') || realm.is_empty();
            let wanted = if bare { authorize.clone() } else { format_smolstr!("{authorize}@{realm}") };
            return failed(logged, "authentication failure", Some(wanted));
        }
        let logged = match mechanism {
            Mechanism::Plain => Some("Password verification failed"),
            Mechanism::Login => None,
            Mechanism::CramMd5 if password.is_none() => Some("no secret in database"),
            Mechanism::CramMd5 => Some("incorrect digest response"),
        };
        failed(logged.map(SmolStr::new_static), "authentication failure", Some(login))
    }
}

/// What is wrong with the socket of Dovecot's auth service; a path is one below the queue directory.
fn dovecot_problem(path: &str, queue_directory: &str, host: &Host) -> Option<SmolStr> {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{queue_directory}/{path}") };
    let error = host.vfs.resolve(&full, &Cred::ROOT).err()?;
    Some(format_smolstr!("SASL: Connect to Dovecot auth socket '{path}' failed: {error}"))
}

fn failed(logged: Option<SmolStr>, reason: &'static str, login: Option<SmolStr>) -> Progress {
    Progress::Failed { logged, reason, login, temporary: false }
}
