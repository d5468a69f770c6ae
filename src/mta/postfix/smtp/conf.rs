//! Parameters of smtp(8) and lmtp(8), read once per service line of master.cf.

use std::net::IpAddr;
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use super::checks::Checks;
use crate::host::Host;
use crate::mta::postfix::config::{Fatal, MasterEntry, Params};
use crate::mta::postfix::maps::{AddressFinder, Maps, MatchList};
use crate::mta::postfix::notice::Notices;
use crate::mta::postfix::tls::Level;

/// `smtp_address_preference`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressPreference {
    /// No preference: the dice decide.
    #[default]
    Any,
    /// IPv4 first.
    Ipv4,
    /// IPv6 first.
    Ipv6,
}

/// `inet_protocols`: which address families to look up, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// A records.
    pub ipv4: bool,
    /// AAAA records.
    pub ipv6: bool,
}

/// `smtp_host_lookup`: where addresses of hosts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostLookup {
    /// The DNS.
    pub dns: bool,
    /// The host's own way: `/etc/hosts`, then the DNS.
    pub native: bool,
}

/// Time limits for each step of the dialogue.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named as the parameters smtp_*_timeout")]
pub struct Timeouts {
    pub connect: Duration,
    pub helo: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    pub data_init: Duration,
    pub data_done: Duration,
    pub rset: Duration,
    pub quit: Duration,
    pub starttls: Duration,
}

/// TLS towards servers.
#[derive(Clone, Debug)]
pub struct TlsConf {
    /// `smtp_tls_security_level`, or what the older parameters amount to.
    pub level: Level,
    /// `smtp_dns_support_level` asks for DNSSEC.
    pub dnssec: bool,
    /// `smtp_tls_policy_maps`.
    pub policy: Maps,
    /// `smtp_tls_wrappermode`: TLS at once.
    pub wrapper: bool,
    /// `smtp_tls_note_starttls_offer`.
    pub note_offer: bool,
    /// `smtp_tls_loglevel`.
    pub loglevel: u64,
    /// Files and directories with certificates of authorities that are trusted.
    pub ca_file: SmolStr,
    /// `smtp_tls_CApath`.
    pub ca_path: SmolStr,
    /// `smtp_tls_verify_cert_match`.
    pub verify_match: Vec<SmolStr>,
    /// `smtp_tls_secure_cert_match`.
    pub secure_match: Vec<SmolStr>,
    /// `smtp_tls_fingerprint_cert_match`.
    pub fingerprint_match: Vec<SmolStr>,
    /// `smtp_tls_fingerprint_digest`.
    pub fingerprint_digest: SmolStr,
    /// `smtp_tls_protocols` and `smtp_tls_mandatory_protocols`.
    pub protocols: [SmolStr; 2],
    /// `smtp_tls_ciphers` and `smtp_tls_mandatory_ciphers`.
    pub ciphers: [SmolStr; 2],
}

/// SASL towards servers.
#[derive(Clone, Debug)]
pub struct SaslConf {
    /// `smtp_sasl_auth_enable`.
    pub enabled: bool,
    /// `smtp_sasl_password_maps`.
    pub passwords: Maps,
    /// `smtp_sasl_security_options` forbid plain text.
    pub noplaintext: bool,
    /// The same for `smtp_sasl_tls_security_options`.
    pub tls_noplaintext: bool,
    /// `smtp_sasl_mechanism_filter`; empty for all.
    pub filter: MatchList,
    /// Whether refused logins are kept (`smtp_sasl_auth_cache_name`).
    pub cached: bool,
    /// For how long (`smtp_sasl_auth_cache_time`).
    pub cache_time: Duration,
    /// `smtp_sender_dependent_authentication`.
    pub by_sender: bool,
    /// `smtp_sasl_auth_soft_bounce`.
    pub soft_bounce: bool,
    /// `smtp_send_dummy_mail_auth`.
    pub dummy_mail_auth: bool,
}

/// Everything that one service of this kind needs.
#[derive(Clone, Debug)]
pub struct SmtpConf {
    /// Service name in master.cf: `smtp`, `relay` …
    pub service: SmolStr,
    /// Tag of log lines: `postfix/smtp`, `postfix/relay/smtp`.
    pub tag: SmolStr,
    /// Whether it speaks LMTP.
    pub lmtp: bool,
    /// Most deliveries at a time (`maxproc`).
    pub process_limit: u64,
    /// `queue_directory`, for UNIX-domain next hops.
    pub queue_directory: SmolStr,
    /// `myhostname`.
    pub myhostname: SmolStr,
    /// `smtp_helo_name`.
    pub helo_name: SmolStr,
    /// `smtp_bind_address`, `smtp_bind_address6`.
    pub bind: Vec<IpAddr>,
    /// `inet_protocols`.
    pub families: Families,
    /// `smtp_address_preference`.
    pub preference: AddressPreference,
    /// `smtp_host_lookup`.
    pub lookup: HostLookup,
    /// `disable_dns_lookups`: no MX records.
    pub no_mx: bool,
    /// `smtp_randomize_addresses`.
    pub randomize: bool,
    /// Addresses that mean this host: `inet_interfaces` (`None` for all) and `proxy_interfaces`.
    pub interfaces: Option<Vec<IpAddr>>,
    /// `proxy_interfaces`.
    pub proxies: Vec<IpAddr>,
    /// `smtp_mx_address_limit`; 0 for none.
    pub address_limit: u64,
    /// `smtp_mx_session_limit`; 0 for none.
    pub session_limit: u64,
    /// `smtp_fallback_relay`.
    pub fallback: Vec<SmolStr>,
    /// `relayhost`: trouble with it is a configuration problem.
    pub relayhost: SmolStr,
    /// `best_mx_transport`.
    pub best_mx_transport: SmolStr,
    /// `ignore_mx_lookup_error`.
    pub ignore_mx_error: bool,
    /// `smtp_defer_if_no_mx_address_found`.
    pub defer_no_mx_address: bool,
    /// `smtp_skip_5xx_greeting`.
    pub skip_5xx_greeting: bool,
    /// `smtp_discard_ehlo_keywords`, in capitals.
    pub discard_ehlo: Vec<SmolStr>,
    /// `smtp_always_send_ehlo`: whatever the greeting says.
    pub always_ehlo: bool,
    /// `smtp_never_send_ehlo`.
    pub never_ehlo: bool,
    /// `smtp_line_length_limit`; 0 for none.
    pub line_limit: usize,
    /// `disable_mime_output_conversion`.
    pub no_mime_conversion: bool,
    /// How addresses are looked up in tables.
    pub finder: AddressFinder,
    /// `smtp_generic_maps`.
    pub generic: Maps,
    /// `smtp_header_checks` and its kin.
    pub checks: Checks,
    /// `smtp_reply_filter`.
    pub reply_filter: Maps,
    /// `smtp_tcp_port` or `lmtp_tcp_port`.
    pub default_port: u16,
    /// `smtp_connection_reuse_time_limit`.
    pub reuse_time: Duration,
    /// `smtp_connection_cache_time_limit`.
    pub cache_time: Duration,
    /// `soft_bounce`.
    pub soft_bounce: bool,
    /// Who is told about servers that break the protocol.
    pub notices: Notices,
    /// Time limits.
    pub timeouts: Timeouts,
    /// TLS.
    pub tls: TlsConf,
    /// SASL.
    pub sasl: SaslConf,
}

/// What a client that wants DANE finds out about the world at its start.
const NO_DNSSEC: [&str; 2] = [
    "warning: DNSSEC validation may be unavailable",
    "warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated",
];

/// Ports that names in next hops and parameters stand for.
pub fn port(name: &str) -> Option<u16> {
    match name {
        "smtp" => Some(25),
        "lmtp" => Some(24),
        "submission" => Some(587),
        "smtps" | "submissions" => Some(465),
        number => number.parse().ok(),
    }
}

fn addresses(params: &Params<'_>, name: &str) -> Vec<IpAddr> {
    params.list(name).iter().filter_map(|item| item.trim_matches(['[', ']']).parse().ok()).collect()
}

impl SmtpConf {
    /// What smtp(8) logs when it opens its tables.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        let tables = [&self.sasl.passwords, &self.tls.policy, &self.generic, &self.reply_filter];
        let mut all: Vec<String> = tables.into_iter().flat_map(|maps| maps.problems(host)).collect();
        all.extend(self.checks.problems(host));
        if matches!(self.tls.level, Level::Dane | Level::DaneOnly) {
            all.extend(NO_DNSSEC.map(str::to_owned));
        }
        all
    }

    /// Reads the parameters of a service whose program is `smtp` or `lmtp`.
    ///
    /// # Errors
    /// A value is not what the parameter wants.
    pub fn load(entry: &MasterEntry, params: &Params<'_>) -> Result<SmtpConf, Fatal> {
        let lmtp = entry.command == "lmtp" || entry.args.iter().any(|arg| arg == "-l");
        let own = |name: &str| format_smolstr!("{}_{name}", if lmtp { "lmtp" } else { "smtp" });
        let program = if lmtp { "lmtp" } else { "smtp" };
        let protocols = params.list("inet_protocols");
        let has = |name: &str| protocols.is_empty() || protocols.iter().any(|item| item == name || item == "all");
        let preference = match params.get(&own("address_preference")).as_str() {
            "ipv4" => AddressPreference::Ipv4,
            "ipv6" => AddressPreference::Ipv6,
            "any" => AddressPreference::Any,
            other => {
                return Err(Fatal(format!("bad {} value: {other}", own("address_preference"))));
            }
        };
        let support = params.get(&own("dns_support_level"));
        if !matches!(support.as_str(), "" | "disabled" | "enabled" | "dnssec") {
            return Err(Fatal(format!("invalid {}: \"{support}\"", own("dns_support_level"))));
        }
        let interfaces = params.list("inet_interfaces");
        let loopback = || vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        let interfaces = match interfaces.first().map(SmolStr::as_str) {
            None | Some("all") => None,
            Some("loopback-only" | "localhost") => Some(loopback()),
            Some(_) => Some(addresses(params, "inet_interfaces")),
        };
        let no_dns = params.bool("disable_dns_lookups")? || params.get(&own("dns_support_level")) == "disabled";
        let lookup = params.mask(&own("host_lookup"), &["dns", "native"])?;
        let mut bind = addresses(params, &own("bind_address"));
        bind.extend(addresses(params, &own("bind_address6")));
        let enabled = params.bool(&own("sasl_auth_enable"))?;
        if enabled && params.get(&own("sasl_password_maps")).is_empty() {
            let name = own("sasl_password_maps");
            return Err(Fatal(format!("specify a password table via the `{name}' configuration parameter")));
        }
        let forbids = |name: &str| params.list(name).iter().any(|option| option == "noplaintext");
        let helo_name = params.get(if lmtp { "lmtp_lhlo_name" } else { "smtp_helo_name" });
        let time = |name: &str| params.time(&own(name));
        Ok(SmtpConf {
            service: entry.name.clone(),
            tag: format_smolstr!("{}/{program}", params.get("syslog_name")),
            lmtp,
            process_limit: entry.maxproc.map_or_else(|| params.int("default_process_limit"), |n| Ok(u64::from(n)))?,
            queue_directory: params.get("queue_directory"),
            myhostname: params.get("myhostname"),
            helo_name,
            bind,
            families: Families { ipv4: has("ipv4"), ipv6: has("ipv6") },
            preference,
            lookup: HostLookup {
                dns: !no_dns && lookup.iter().any(|word| word == "dns"),
                native: no_dns || lookup.iter().any(|word| word == "native"),
            },
            no_mx: no_dns,
            randomize: params.bool(&own("randomize_addresses"))?,
            interfaces,
            proxies: addresses(params, "proxy_interfaces"),
            address_limit: params.int(&own("mx_address_limit"))?,
            session_limit: params.int(&own("mx_session_limit"))?,
            fallback: if lmtp { Vec::new() } else { params.list("smtp_fallback_relay") },
            relayhost: params.get("relayhost"),
            best_mx_transport: params.get("best_mx_transport"),
            ignore_mx_error: params.bool("ignore_mx_lookup_error")?,
            defer_no_mx_address: params.bool("smtp_defer_if_no_mx_address_found")?,
            skip_5xx_greeting: params.bool(&own("skip_5xx_greeting"))?,
            discard_ehlo: params
                .list(if lmtp { "lmtp_discard_lhlo_keywords" } else { "smtp_discard_ehlo_keywords" })
                .iter()
                .map(|keyword| keyword.to_ascii_uppercase().into())
                .collect(),
            always_ehlo: lmtp || params.bool("smtp_always_send_ehlo")?,
            never_ehlo: !lmtp && params.bool("smtp_never_send_ehlo")?,
            line_limit: usize::try_from(params.int("smtp_line_length_limit")?).unwrap_or(usize::MAX),
            no_mime_conversion: params.bool("disable_mime_output_conversion")?,
            finder: AddressFinder::load(params)?,
            generic: params.maps(&own("generic_maps"))?,
            checks: Checks::load(program, params)?,
            reply_filter: params.maps(&own("reply_filter"))?,
            default_port: port(&params.get(&own("tcp_port"))).unwrap_or(if lmtp { 24 } else { 25 }),
            reuse_time: time("connection_reuse_time_limit")?,
            cache_time: time("connection_cache_time_limit")?,
            soft_bounce: params.bool("soft_bounce")?,
            notices: Notices::load(params),
            timeouts: Timeouts {
                connect: time("connect_timeout")?,
                helo: params.time(if lmtp { "lmtp_lhlo_timeout" } else { "smtp_helo_timeout" })?,
                mail: time("mail_timeout")?,
                rcpt: time("rcpt_timeout")?,
                data_init: time("data_init_timeout")?,
                data_done: time("data_done_timeout")?,
                rset: time("rset_timeout")?,
                quit: time("quit_timeout")?,
                starttls: time("starttls_timeout")?,
            },
            tls: TlsConf {
                level: tls_level(params, lmtp)?,
                dnssec: params.get(&own("dns_support_level")) == "dnssec",
                policy: params.maps(&own("tls_policy_maps"))?,
                wrapper: params.bool(&own("tls_wrappermode"))?,
                note_offer: params.bool(&own("tls_note_starttls_offer"))?,
                loglevel: params.int(&own("tls_loglevel"))?,
                ca_file: params.get(&own("tls_CAfile")),
                ca_path: params.get(&own("tls_CApath")),
                verify_match: params.list(&own("tls_verify_cert_match")),
                secure_match: params.list(&own("tls_secure_cert_match")),
                fingerprint_match: params.list(&own("tls_fingerprint_cert_match")),
                fingerprint_digest: params.get(&own("tls_fingerprint_digest")),
                protocols: ["tls_protocols", "tls_mandatory_protocols"].map(|name| params.get(&own(name))),
                ciphers: ["tls_ciphers", "tls_mandatory_ciphers"].map(|name| params.get(&own(name))),
            },
            sasl: SaslConf {
                enabled,
                passwords: params.maps(&own("sasl_password_maps"))?,
                noplaintext: forbids(&own("sasl_security_options")),
                tls_noplaintext: forbids(&own("sasl_tls_security_options")),
                filter: params.match_list(&own("sasl_mechanism_filter"))?,
                cached: !params.get(&own("sasl_auth_cache_name")).is_empty(),
                cache_time: params.time(&own("sasl_auth_cache_time"))?,
                by_sender: params.bool("smtp_sender_dependent_authentication")?,
                soft_bounce: params.bool(&own("sasl_auth_soft_bounce"))?,
                dummy_mail_auth: params.bool(&own("send_dummy_mail_auth"))?,
            },
        })
    }

    /// Whether to introduce oneself with EHLO to a server that greets with or without `ESMTP`.
    pub fn says_ehlo(&self, esmtp: bool) -> bool {
        !self.never_ehlo && (self.always_ehlo || esmtp)
    }

    /// Whether an address is this host's own, as far as `inet_interfaces` and `proxy_interfaces`
    /// tell.
    pub fn is_own(&self, addr: IpAddr, host: &crate::host::Host) -> bool {
        self.proxies.contains(&addr)
            || match &self.interfaces {
                None => host.owns(addr),
                Some(listed) => listed.contains(&addr),
            }
    }
}

fn tls_level(params: &Params<'_>, lmtp: bool) -> Result<Level, Fatal> {
    let own = |name: &str| format_smolstr!("{}_{name}", if lmtp { "lmtp" } else { "smtp" });
    let name = params.get(&own("tls_security_level"));
    if !name.is_empty() {
        return Level::parse(&name).ok_or_else(|| Fatal(format!("Invalid TLS level \"{name}\"")));
    }
    if params.bool(&own("enforce_tls"))? {
        let by_name = params.bool(&own("tls_enforce_peername"))?;
        return Ok(if by_name { Level::Verify } else { Level::Encrypt });
    }
    Ok(if params.bool(&own("use_tls"))? { Level::May } else { Level::None })
}
