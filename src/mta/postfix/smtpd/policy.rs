//! `check_policy_service`: what smtpd(8) asks a policy server, and how (SMTPD_POLICY_README).

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, ToSmolStr};

use super::restrictions::Need;
use super::session::{Pending, Session};
use crate::dns::Hosts;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host};
use crate::mta::postfix::config::{Fatal, Params, params, tokens};
use crate::mta::postfix::services::Services;
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket};

/// Octets of an answer that are kept at most.
const MAX_ANSWER: usize = 64 * 1024;

/// Where a policy server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `inet:host:port`.
    Inet {
        /// A name, or an address.
        host: SmolStr,
        /// The port.
        port: u16,
    },
    /// `unix:path`, below the queue directory unless it begins with `/`.
    Unix(SmolStr),
}

/// A policy server as a restriction names it: `unix:private/policy`, or
/// `{ inet:127.0.0.1:10031, timeout=10s, default_action=DUNNO }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyService {
    /// Where it listens.
    pub endpoint: Endpoint,
    /// The endpoint without its type, as the log shows it.
    pub name: SmolStr,
    timeout: Option<Duration>,
    try_limit: Option<u64>,
    retry_delay: Option<Duration>,
    default_action: Option<SmolStr>,
    policy_context: Option<SmolStr>,
}

/// What holds for servers that do not say otherwise.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the parameters smtpd_policy_service_*")]
pub struct PolicyDefaults {
    pub timeout: Duration,
    pub try_limit: u64,
    pub retry_delay: Duration,
    pub default_action: SmolStr,
    pub policy_context: SmolStr,
    pub queue_directory: SmolStr,
}

impl PolicyDefaults {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>) -> Result<PolicyDefaults, Fatal> {
        Ok(PolicyDefaults {
            timeout: params.time("smtpd_policy_service_timeout")?,
            try_limit: params.int("smtpd_policy_service_try_limit")?,
            retry_delay: params.time("smtpd_policy_service_retry_delay")?,
            default_action: params.get("smtpd_policy_service_default_action"),
            policy_context: params.get("smtpd_policy_service_policy_context"),
            queue_directory: params.get("queue_directory"),
        })
    }
}

impl PolicyService {
    /// Parses the argument of `check_policy_service`.
    ///
    /// # Errors
    /// The text after `fatal: ` with which smtpd(8) refuses to start.
    pub fn parse(argument: &str) -> Result<PolicyService, String> {
        let inner = tokens::strip_braces(argument)?;
        let mut words = if argument.starts_with('{') { tokens::list(inner) } else { vec![inner] }.into_iter();
        let spec = words.next().unwrap_or_default();
        let wrong = || format!("need service transport:endpoint instead of \"{spec}\"");
        let (kind, name) = spec.split_once(':').ok_or_else(wrong)?;
        let endpoint = match kind {
            "unix" => Endpoint::Unix(name.into()),
            "inet" => {
                let (host, port) = name.rsplit_once(':').ok_or_else(wrong)?;
                let port = port.parse().map_err(|_| wrong())?;
                Endpoint::Inet { host: host.trim_start_matches('[').trim_end_matches(']').into(), port }
            }
            _ => return Err(format!("invalid transport name: {kind} in service: {spec}")),
        };
        let mut service = PolicyService {
            endpoint,
            name: name.into(),
            timeout: None,
            try_limit: None,
            retry_delay: None,
            default_action: None,
            policy_context: None,
        };
        // An option with blanks in it stands in braces of its own.
        for word in words {
            service.option(tokens::strip_braces(word)?)?;
        }
        Ok(service)
    }

    fn option(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("malformed option: missing '=' after attribute name: \"...{text}...\""))?;
        let (name, value) = (name.trim(), value.trim());
        let time = || {
            params::parse_time(value, 's').ok_or_else(|| format!("parameter {name}: bad time value or unit: {value}"))
        };
        match name {
            "timeout" => self.timeout = Some(time()?),
            "retry_delay" => self.retry_delay = Some(time()?),
            "try_limit" => {
                let number = value.parse().map_err(|_| format!("bad numerical configuration: {name} = {value}"))?;
                self.try_limit = Some(number);
            }
            "default_action" => self.default_action = Some(value.into()),
            "policy_context" => self.policy_context = Some(value.into()),
            "max_idle" | "max_ttl" | "request_limit" => {}
            _ => return Err(format!("unknown option: \"{name} = {value}\"")),
        }
        Ok(())
    }
}

/// A question under way.
#[derive(Clone, Debug)]
pub(super) struct PolicyCall {
    service: Arc<PolicyService>,
    sock: Option<Socket>,
    answer: Vec<u8>,
    tries: u64,
}

/// Why a try failed: the text of `strerror(3)`, and whether it is worth a line although another try
/// follows.
#[derive(Clone, Copy, Debug)]
struct Failure {
    text: &'static str,
    noted: bool,
}

impl Session {
    /// The connection to a policy server.
    pub(super) fn policy_sock(&self) -> Option<Socket> {
        self.policy.as_ref().and_then(|call| call.sock)
    }

    /// Begins to ask a policy server.
    pub(super) fn ask_policy(&mut self, service: Arc<PolicyService>, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.policy = Some(PolicyCall { service, sock: None, answer: Vec::new(), tries: 0 });
        self.try_policy(services, ctx);
    }

    /// Gives up what is under way: the session ends.
    pub(super) fn drop_policy(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(sock) = self.policy.take().and_then(|call| call.sock) {
            ctx.close(sock);
        }
    }

    fn try_policy(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let conf = Arc::clone(&self.conf);
        let defaults = &conf.policy;
        let Some(call) = &mut self.policy else { return };
        call.tries += 1;
        call.answer.clear();
        let service = Arc::clone(&call.service);
        let sock = match &service.endpoint {
            Endpoint::Unix(path) if path.starts_with('/') => ctx.connect_unix(path.clone()),
            Endpoint::Unix(path) => ctx.connect_unix(format!("{}/{path}", defaults.queue_directory)),
            Endpoint::Inet { host, port } => match address(host, ctx.host) {
                Some(ip) => ctx.connect(None, SocketAddr::new(ip, *port)),
                None => {
                    let name = &service.name;
                    let text = format!("host or service {name} not found: Name or service not known");
                    services.log.warn(ctx, &conf.tag, format_args!("{text}"));
                    return self.policy_failed(Failure { text: "Success", noted: false }, services, ctx);
                }
            },
        };
        call.sock = Some(sock);
        let timeout = service.timeout.unwrap_or(defaults.timeout);
        self.wait(timeout, Need::Policy(service), ctx);
    }

    /// The time of a try, or the delay before the next one, is over.
    pub(super) fn policy_waited(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        match self.policy_sock() {
            Some(_) => self.policy_failed(Failure { text: "Connection timed out", noted: true }, services, ctx),
            None => self.try_policy(services, ctx),
        }
    }

    /// Something on the connection to the policy server.
    pub(super) fn policy_event(&mut self, input: NetInput, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(call) = &mut self.policy else { return };
        let service = Arc::clone(&call.service);
        match input {
            NetInput::Connected { sock, .. } => {
                let request = self.policy_request(&service);
                ctx.send(sock, request.into_bytes());
            }
            NetInput::ConnectFailed { error, .. } => {
                let (name, text) = (&service.name, error.text());
                services.log.warn(ctx, &self.conf.tag, format_args!("connect to {name}: {text}"));
                let noted = error != crate::sim::net::ConnectError::NoSuchFile;
                call.sock = None;
                self.policy_failed(Failure { text, noted }, services, ctx);
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                call.answer.extend_from_slice(&bytes);
                call.answer.truncate(MAX_ANSWER);
                if call.answer.ends_with(b"\n\n") || call.answer == b"\n" {
                    self.policy_answered(services, ctx);
                }
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => {
                let failure = Failure { text: "Connection reset by peer", noted: false };
                self.policy_failed(failure, services, ctx);
            }
            NetInput::Data { .. } | NetInput::Accepted { .. } => {}
            _ => {}
        }
    }

    fn policy_answered(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(call) = &self.policy else { return };
        let answer = String::from_utf8_lossy(&call.answer);
        let action = answer.lines().find_map(|line| line.strip_prefix("action=")).map(SmolStr::from);
        let service = Arc::clone(&call.service);
        match action {
            Some(action) => {
                self.drop_policy(ctx);
                self.answers.add_policy(service, action);
                self.wait(Duration::ZERO, Need::Again, ctx);
            }
            None => {
                let text = format!("missing attribute action in input from {}", service.name);
                services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
                self.policy_failed(Failure { text: "Application error", noted: false }, services, ctx);
            }
        }
    }

    /// A try has failed: there is another one, or the default action.
    fn policy_failed(&mut self, failure: Failure, services: &mut Services, ctx: &mut Ctx<'_>) {
        let conf = Arc::clone(&self.conf);
        let defaults = &conf.policy;
        let Some(call) = &mut self.policy else { return };
        if let Some(sock) = call.sock.take() {
            ctx.close(sock);
        }
        let service = Arc::clone(&call.service);
        let last = call.tries >= service.try_limit.unwrap_or(defaults.try_limit);
        if last || failure.noted {
            let (name, text) = (&service.name, failure.text);
            services.log.warn(ctx, &conf.tag, format_args!("problem talking to server {name}: {text}"));
        }
        if last {
            let action = service.default_action.clone().unwrap_or_else(|| defaults.default_action.clone());
            self.policy = None;
            self.answers.add_policy(service, action);
            return self.wait(Duration::ZERO, Need::Again, ctx);
        }
        let delay = service.retry_delay.unwrap_or(defaults.retry_delay);
        self.wait(delay, Need::Policy(service), ctx);
    }

    /// The attributes of a request, in Postfix's order.
    fn policy_request(&self, service: &PolicyService) -> String {
        let transaction = self.transaction.as_ref();
        let pending_sender = match &self.pending {
            Some(Pending::Mail(transaction)) => Some(transaction.sender.clone()),
            _ => None,
        };
        let sender = transaction.map(|transaction| transaction.sender.clone()).or(pending_sender).unwrap_or_default();
        let only = transaction.and_then(|transaction| match &transaction.recipients[..] {
            [only] => Some(only.address.clone()),
            _ => None,
        });
        let recipient = match &self.pending {
            Some(Pending::Recipient(recipient)) => recipient.address.clone(),
            Some(Pending::Verify { address, .. }) => address.clone(),
            Some(Pending::Data | Pending::EndOfData { .. }) => only.unwrap_or_default(),
            _ => SmolStr::default(),
        };
        let size = match &self.pending {
            Some(Pending::EndOfData { content, .. }) => super::data::wire_size(content) as u64,
            Some(Pending::Mail(transaction)) => transaction.size,
            _ => transaction.map_or(0, |transaction| transaction.size),
        };
        let helo = match &self.pending {
            Some(Pending::Hello { name, .. }) => Some(name.clone()),
            _ => self.helo.clone(),
        };
        let etrn = match &self.pending {
            Some(Pending::Etrn(domain)) => domain.clone(),
            _ => SmolStr::default(),
        };
        // Before the content the number may still change.
        let count = match &self.pending {
            Some(Pending::Data | Pending::EndOfData { .. }) => {
                transaction.map_or(0, |transaction| transaction.recipients.len())
            }
            _ => 0,
        };
        let (method, user) = self.login.clone().unwrap_or_default();
        let (version, cipher, bits) = match &self.tls {
            Some(tls) => (tls.version.clone(), tls.cipher.clone(), tls.bits),
            None => Default::default(),
        };
        let attributes: [(&str, SmolStr); 29] = [
            ("request", "smtpd_access_policy".into()),
            ("protocol_state", self.stage.into()),
            ("protocol_name", if self.esmtp { "ESMTP".into() } else { "SMTP".into() }),
            ("client_address", self.peer.addr.clone()),
            ("client_name", self.peer.name.clone()),
            ("client_port", self.peer.port.to_smolstr()),
            ("reverse_client_name", self.peer.reverse_name.clone()),
            ("server_address", self.server_addr.clone().unwrap_or_else(|| self.local.ip().to_canonical().to_smolstr())),
            ("server_port", self.server_port.clone().unwrap_or_else(|| self.local.port().to_smolstr())),
            ("helo_name", helo.unwrap_or_default()),
            ("sender", sender),
            ("recipient", recipient),
            ("recipient_count", count.to_smolstr()),
            ("queue_id", self.queue_id.clone().unwrap_or_default()),
            ("instance", smol_str::format_smolstr!("{:x}.{:x}.0", self.sock.0, self.started.micros())),
            ("size", size.to_smolstr()),
            ("etrn_domain", etrn),
            ("stress", SmolStr::default()),
            ("sasl_method", method),
            ("sasl_username", user),
            ("sasl_sender", transaction.map(|transaction| transaction.sasl_sender.clone()).unwrap_or_default()),
            ("ccert_subject", SmolStr::default()),
            ("ccert_issuer", SmolStr::default()),
            ("ccert_fingerprint", SmolStr::default()),
            ("ccert_pubkey_fingerprint", SmolStr::default()),
            ("encryption_protocol", version),
            ("encryption_cipher", cipher),
            ("encryption_keysize", bits.to_smolstr()),
            (
                "policy_context",
                service.policy_context.clone().unwrap_or_else(|| self.conf.policy.policy_context.clone()),
            ),
        ];
        let mut text = String::with_capacity(1024);
        for (name, value) in attributes {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}={value}");
        }
        text.push('\n');
        text
    }
}

/// The address of a server that is named by address or in `/etc/hosts`.
fn address(name: &str, host: &Host) -> Option<IpAddr> {
    let hosts = || Hosts::parse(&host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default());
    name.parse().ok().or_else(|| hosts().by_name(name).min_by_key(|ip| !ip.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_with_and_without_options() {
        let plain = PolicyService::parse("unix:private/policy").unwrap();
        assert_eq!((plain.endpoint, &*plain.name), (Endpoint::Unix("private/policy".into()), "private/policy"));
        let full =
            PolicyService::parse("{ inet:127.0.0.1:10031, timeout=2s, { default_action = 450 no }, try_limit=1 }");
        let full = full.unwrap();
        assert_eq!(full.endpoint, Endpoint::Inet { host: "127.0.0.1".into(), port: 10031 });
        assert_eq!((full.timeout, full.try_limit), (Some(Duration::from_secs(2)), Some(1)));
        assert_eq!(full.default_action.as_deref(), Some("450 no"));
    }

    #[test]
    fn mistakes_are_told_in_postfix_words() {
        for (argument, expected) in [
            ("private/nothing", "need service transport:endpoint instead of \"private/nothing\""),
            ("{ unix:private/nothing, foo=bar }", "unknown option: \"foo = bar\""),
            (
                "{ unix:x, default_action = 450 no }",
                "malformed option: missing '=' after attribute name: \"...default_action...\"",
            ),
        ] {
            assert_eq!(PolicyService::parse(argument).unwrap_err(), expected);
        }
    }
}
