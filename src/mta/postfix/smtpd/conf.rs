//! The parameters of one smtpd(8) service, read once and compiled.

use std::sync::Arc;
use std::time::Duration;

use smol_str::{SmolStr, ToSmolStr};

use super::limits::LimitsConf;
use super::policy::PolicyDefaults;
use super::restrictions::{
    Checks, Classes, Codes, List, Restriction, Rule, fault, guards_relaying, parse_list, tables,
};
use super::sasl::SaslConf;
use super::tls::TlsConf;
use crate::dns::Qtype;
use crate::host::Host;
use crate::mta::postfix::cleanup::ReceiveOverrides;
use crate::mta::postfix::config::{Config, Fatal, MasterEntry, Params, limits};
use crate::mta::postfix::maps::{AddressFinder, MapFlags, Maps, MatchList, Stamps, Table};
use crate::mta::postfix::milter::Milters;
use crate::mta::postfix::notice::{NOTIFY_CLASSES, Notices};
use crate::smtp::framing::{BareNewline, Limits};
use crate::smtp::server::Settings;

/// A service's configuration.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the parameters")]
pub struct SmtpdConf {
    pub tag: SmolStr,
    pub myhostname: SmolStr,
    pub mail_name: SmolStr,
    pub banner: SmolStr,
    pub peername_lookup: bool,
    pub settings: Settings,
    pub bare_newline_exclusions: MatchList,
    pub bare_newline_reject_code: u16,
    pub forbid_unauth_pipelining: bool,
    pub junk_limit: u64,
    pub recipient_limit: u64,
    pub recipient_overshoot_limit: u64,
    pub message_size_limit: u64,
    pub queue_minfree: u64,
    pub helo_required: bool,
    pub disable_vrfy: bool,
    pub strict_rfc821: bool,
    pub smtputf8: bool,
    pub strict_smtputf8: bool,
    pub discard_ehlo: Arc<[SmolStr]>,
    pub discard_ehlo_maps: Maps,
    pub delay_open: bool,
    pub history_flush: u64,
    pub reject_footer: SmolStr,
    pub reject_footer_maps: Maps,
    pub forbidden_commands: MatchList,
    pub noop_commands: MatchList,
    pub fast_flush_domains: MatchList,
    pub local_rewrite_clients: Arc<[LocalClients]>,
    pub limits: LimitsConf,
    /// `inet_protocols` names IPv6.
    pub ipv6: bool,
    pub xclient_hosts: MatchList,
    pub milters: Milters,
    /// `smtpd_authorized_verp_clients`.
    pub verp_clients: MatchList,
    /// `default_verp_delimiters`.
    pub verp_delimiters: SmolStr,
    /// `verp_delimiter_filter`.
    pub verp_filter: SmolStr,
    pub xforward_hosts: MatchList,
    pub command_filter: Option<Table>,
    pub policy: PolicyDefaults,
    pub authenticated_header: bool,
    pub client_port_logging: bool,
    pub notices: Notices,
    pub content_filter: SmolStr,
    pub no_address_mappings: bool,
    pub no_header_body_checks: bool,
    pub checks: Checks,
    pub tls: TlsConf,
    pub sasl: SaslConf,
    /// When the files of its tables last changed.
    stamps: Vec<Stamps>,
}

fn code(params: &Params<'_>, name: &str) -> Result<u16, Fatal> {
    params.get(name).parse().map_err(|_| Fatal(format!("bad string length: {name} = {}", params.get(name))))
}

/// Whose headers are completed like those of mail from this host (`local_header_rewrite_clients`).
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the values of the parameter")]
pub enum LocalClients {
    PermitInetInterfaces,
    PermitMynetworks,
    PermitSaslAuthenticated,
    CheckAddressMap(Maps),
    /// A word that is none of these.
    Unknown(SmolStr),
}

fn local_rewrite_clients(params: &Params<'_>) -> Result<Vec<LocalClients>, Fatal> {
    const NAME: &str = "local_header_rewrite_clients";
    let mut found = Vec::new();
    let mut words = params.list(NAME).into_iter();
    while let Some(word) = words.next() {
        found.push(match word.as_str() {
            "permit_inet_interfaces" => LocalClients::PermitInetInterfaces,
            "permit_mynetworks" => LocalClients::PermitMynetworks,
            "permit_sasl_authenticated" => LocalClients::PermitSaslAuthenticated,
            "check_address_map" => {
                let table = words.next().unwrap_or_default();
                LocalClients::CheckAddressMap(Maps::parse(NAME, &table, MapFlags::FOLDED)?)
            }
            // Certificates of clients are unknown here.
            "permit_tls_clientcerts" | "permit_tls_all_clientcerts" => continue,
            table if table.contains(':') => LocalClients::CheckAddressMap(Maps::parse(NAME, table, MapFlags::FOLDED)?),
            unknown => LocalClients::Unknown(unknown.into()),
        });
    }
    Ok(found)
}

impl SmtpdConf {
    /// Reads the parameters of a service of `master.cf`; what the program logs meanwhile is
    /// appended to `startup`.
    ///
    /// # Errors
    /// A parameter has no valid value, or nothing keeps strangers from relaying.
    pub fn load(
        config: &Config,
        entry: &MasterEntry,
        host: &Host,
        startup: &mut Vec<String>,
    ) -> Result<SmtpdConf, Fatal> {
        let params = &config.service(entry);
        // Options of the program itself may stand there, but no other words.
        let word = entry.args.iter().find(|word| !word.starts_with('-'));
        if let Some(word) = word.filter(|_| entry.bad_option.is_none()) {
            return Err(Fatal(format!("unexpected command-line argument: {word}")));
        }
        limits::check("smtpd", params, startup)?;
        params.mask("notify_classes", &NOTIFY_CLASSES)?;
        let kind = params.get("smtpd_sasl_type");
        if params.bool("smtpd_sasl_auth_enable")? && !matches!(kind.as_str(), "cyrus" | "dovecot") {
            startup.push(format!("warning: unsupported SASL server implementation: {kind}"));
            return Err(Fatal("SASL per-process initialization failed".into()));
        }
        let mut checks = load_checks(params)?;
        let overrides = ReceiveOverrides::load(params)?;
        if let Some(text) = List::ALL.into_iter().find_map(|list| fault(checks.rules(list))) {
            return Err(Fatal(text.into()));
        }
        if overrides.no_unknown_recipient_checks {
            checks.reject_unlisted_recipient = false;
        }
        let client_limits = LimitsConf::load(params, &entry.name)?;
        startup.extend(client_limits.exceptions.problems(host).into_iter().chain(checks.mynetworks.problems(host)));
        let opened = tables_of(&checks);
        startup.extend(opened.iter().flat_map(|maps| maps.problems(host)));
        let filter = params.get("smtpd_command_filter");
        let command_filter = (!filter.is_empty()).then(|| Table::new(&filter, MapFlags::FOLDED));
        startup.extend(command_filter.iter().flat_map(|table| table.problems(host)));
        let reject_footer_maps = params.maps("smtpd_reject_footer_maps")?;
        startup.extend(reject_footer_maps.problems(host));
        let stamps = opened.iter().map(|maps| maps.stamps(host)).collect();
        let relay_guarded = guards_relaying(&checks.relay, startup) || guards_relaying(&checks.recipient, startup);
        if !relay_guarded {
            return Err(Fatal(
                "in parameter smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one working \
                 instance of: reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit or \
                 check_relay_domains"
                    .into(),
            ));
        }
        let message_size_limit = params.int("message_size_limit")?;
        let queue_minfree = params.int("queue_minfree")?;
        let tls = TlsConf::load(params, host)?;
        let sasl = SaslConf::load(params, entry.chroot, host).inspect_err(|fatal| {
            if fatal.0.starts_with("SASL ") {
                startup.push(format!("warning: {fatal}: error when parsing configuration file"));
            }
        })?;
        if queue_minfree > 0 && message_size_limit > 0 && queue_minfree < message_size_limit + message_size_limit / 2 {
            startup.push(format!(
                "warning: queue_minfree({queue_minfree}) should be at least 1.5*message_size_limit({message_size_limit})"
            ));
        }
        startup.extend(tls.problems.iter().cloned());
        let bare_newline = match params.get("smtpd_forbid_bare_newline").as_str() {
            "yes" | "normalize" => BareNewline::Normalize,
            "reject" => BareNewline::Reject,
            _ => BareNewline::Accept,
        };
        let syslog_name = params.get("syslog_name");
        Ok(SmtpdConf {
            tag: format!("{syslog_name}/smtpd").into(),
            myhostname: params.get("myhostname"),
            mail_name: params.get("mail_name"),
            banner: params.get("smtpd_banner"),
            peername_lookup: params.bool("smtpd_peername_lookup")?,
            settings: Settings {
                limits: Limits {
                    line: usize::try_from(params.int("line_length_limit")?).unwrap_or(2048),
                    response: usize::try_from(params.int("smtpd_sasl_response_limit")?).unwrap_or(12_288),
                    bare_newline,
                },
                timeout: params.time("smtpd_timeout")?,
                tls_timeout: params.time("smtpd_starttls_timeout")?,
                soft_errors: params.int("smtpd_soft_error_limit")?,
                hard_errors: params.int("smtpd_hard_error_limit")?,
                error_delay: params.time("smtpd_error_sleep_time")?,
            },
            bare_newline_exclusions: params.match_list("smtpd_forbid_bare_newline_exclusions")?,
            bare_newline_reject_code: code(params, "smtpd_forbid_bare_newline_reject_code")?,
            forbid_unauth_pipelining: params.bool("smtpd_forbid_unauth_pipelining")?,
            junk_limit: params.int("smtpd_junk_command_limit")?,
            recipient_limit: params.int("smtpd_recipient_limit")?,
            recipient_overshoot_limit: params.int("smtpd_recipient_overshoot_limit")?,
            message_size_limit,
            queue_minfree,
            helo_required: params.bool("smtpd_helo_required")?,
            disable_vrfy: params.bool("disable_vrfy_command")?,
            strict_rfc821: params.bool("strict_rfc821_envelopes")?,
            smtputf8: params.bool("smtputf8_enable")?,
            strict_smtputf8: params.bool("strict_smtputf8")?,
            discard_ehlo: super::lists::words(&params.list("smtpd_discard_ehlo_keywords")).into(),
            discard_ehlo_maps: params.maps("smtpd_discard_ehlo_keyword_address_maps")?,
            delay_open: params.bool("smtpd_delay_open_until_valid_rcpt")?,
            reject_footer: params.raw("smtpd_reject_footer").unwrap_or_default(),
            reject_footer_maps,
            history_flush: params.int("smtpd_history_flush_threshold")?,
            forbidden_commands: params.match_list("smtpd_forbidden_commands")?,
            noop_commands: params.match_list("smtpd_noop_commands")?,
            fast_flush_domains: params.match_list("fast_flush_domains")?,
            local_rewrite_clients: local_rewrite_clients(params)?.into(),
            limits: client_limits,
            ipv6: params.list("inet_protocols").iter().any(|name| name == "all" || name == "ipv6"),
            milters: Milters::load("smtpd_milters", params, entry.chroot),
            xclient_hosts: params.match_list("smtpd_authorized_xclient_hosts")?,
            verp_clients: params.match_list("smtpd_authorized_verp_clients")?,
            verp_delimiters: params.get("default_verp_delimiters"),
            verp_filter: params.get("verp_delimiter_filter"),
            xforward_hosts: params.match_list("smtpd_authorized_xforward_hosts")?,
            command_filter,
            policy: PolicyDefaults::load(params)?,
            authenticated_header: params.bool("smtpd_sasl_authenticated_header")?,
            client_port_logging: params.bool("smtpd_client_port_logging")?,
            notices: Notices::load(params),
            content_filter: params.get("content_filter"),
            no_address_mappings: overrides.no_address_mappings,
            no_header_body_checks: overrides.no_header_body_checks,
            checks,
            tls,
            sasl,
            stamps,
        })
    }

    /// How long an address is probed at most before smtpd(8) answers without.
    pub fn timeout(&self) -> Duration {
        self.settings.timeout
    }
}

/// The rule that a `yes` stands for without being in a list.
fn standing(restriction: Restriction, parameter: &str, params: &Params<'_>) -> Rule {
    let text = format!("{parameter} = {}", params.get(parameter)).into();
    Rule { restriction, text, source: params.source(parameter), warn_if_reject: false }
}

fn load_checks(params: &Params<'_>) -> Result<Checks, Fatal> {
    let mut classes = Classes::new();
    for name in params.list("smtpd_restriction_classes") {
        let members = params.list(&name);
        if members.is_empty() && params.raw(&name).is_none() {
            return Err(Fatal(format!("restriction class `{name}' needs a definition")));
        }
        classes.insert(name.clone(), (members, params.source(&name)));
    }
    let rules = |list: List| -> Arc<[Rule]> {
        let source = params.source(list.parameter());
        parse_list(&params.list(list.parameter()), source.as_ref(), &classes).into()
    };
    let code = |name: &str| code(params, name);
    let networks = params.get("permit_mx_backup_networks");
    let parents = params.list("parent_domain_matches_subdomains");
    Ok(Checks {
        client: rules(List::Client),
        helo: rules(List::Helo),
        sender: rules(List::Sender),
        relay: rules(List::Relay),
        recipient: rules(List::Recipient),
        data: rules(List::Data),
        end_of_data: rules(List::EndOfData),
        etrn: rules(List::Etrn),
        delay_reject: params.bool("smtpd_delay_reject")?,
        sasl: params.bool("smtpd_sasl_auth_enable")?,
        asks_certificate: params.bool("smtpd_tls_ask_ccert")?,
        relay_before_recipient: params.get("smtpd_relay_before_recipient_restrictions") != "no",
        soft_bounce: params.bool("soft_bounce")?,
        mynetworks: params.match_list("mynetworks")?,
        codes: Codes {
            access_map_reject: code("access_map_reject_code")?,
            access_map_defer: code("access_map_defer_code")?,
            defer: code("defer_code")?,
            reject: code("reject_code")?,
            invalid_hostname: code("invalid_hostname_reject_code")?,
            maps_rbl: code("maps_rbl_reject_code")?,
            multi_recipient_bounce: code("multi_recipient_bounce_reject_code")?,
            non_fqdn: code("non_fqdn_reject_code")?,
            plaintext: code("plaintext_reject_code")?,
            relay_domains: code("relay_domains_reject_code")?,
            unknown_address: code("unknown_address_reject_code")?,
            unknown_client: code("unknown_client_reject_code")?,
            unknown_hostname: code("unknown_hostname_reject_code")?,
            unknown_local_recipient: code("unknown_local_recipient_reject_code")?,
            unknown_relay_recipient: code("unknown_relay_recipient_reject_code")?,
            unknown_virtual_alias: code("unknown_virtual_alias_reject_code")?,
            unknown_virtual_mailbox: code("unknown_virtual_mailbox_reject_code")?,
            unverified_recipient_reject: code("unverified_recipient_reject_code")?,
            unverified_recipient_defer: code("unverified_recipient_defer_code")?,
            unverified_sender_reject: code("unverified_sender_reject_code")?,
            unverified_sender_defer: code("unverified_sender_defer_code")?,
        },
        parents_match: parents.iter().any(|name| name == "smtpd_access_maps"),
        null_access_key: params.get("smtpd_null_access_lookup_key"),
        finder: AddressFinder::load(params)?,
        allow_untrusted_routing: params.bool("allow_untrusted_routing")?,
        reject_unlisted_recipient: params.bool("smtpd_reject_unlisted_recipient")?,
        reject_unlisted_sender: params.bool("smtpd_reject_unlisted_sender")?,
        unlisted_recipient_rule: standing(
            Restriction::RejectUnlistedRecipient,
            "smtpd_reject_unlisted_recipient",
            params,
        ),
        unlisted_sender_rule: standing(Restriction::RejectUnlistedSender, "smtpd_reject_unlisted_sender", params),
        show_table: params.bool("show_user_unknown_table_name")?,
        canonical_maps: params.maps("canonical_maps")?,
        sender_canonical_maps: params.maps("sender_canonical_maps")?,
        recipient_canonical_maps: params.maps("recipient_canonical_maps")?,
        virtual_alias_maps: params.maps("virtual_alias_maps")?,
        local_recipient_maps: params.maps("local_recipient_maps")?,
        relay_recipient_maps: params.maps("relay_recipient_maps")?,
        virtual_mailbox_maps: params.maps("virtual_mailbox_maps")?,
        sender_login_maps: params.maps("smtpd_sender_login_maps")?,
        double_bounce_sender: params.get("double_bounce_sender"),
        myhostname: params.get("myhostname").to_ascii_lowercase().to_smolstr(),
        permit_mx_backup_networks: match networks.is_empty() {
            true => None,
            false => Some(params.match_list("permit_mx_backup_networks")?),
        },
        unverified_recipient_reason: params.get("unverified_recipient_reject_reason"),
        unverified_sender_reason: params.get("unverified_sender_reject_reason"),
        default_rbl_reply: params.raw("default_rbl_reply").unwrap_or_default(),
        rbl_reply_maps: params.maps("rbl_reply_maps")?,
        log_permit: params.match_list("smtpd_log_access_permit_actions")?,
        address_types: {
            let protocols = params.list("inet_protocols");
            let speaks = |name: &str| protocols.iter().any(|known| known == "all" || known == name);
            let types = [(Qtype::A, "ipv4"), (Qtype::Aaaa, "ipv6")];
            types.into_iter().filter(|(_, name)| speaks(name)).map(|(qtype, _)| qtype).collect()
        },
        classes,
    })
}

impl SmtpdConf {
    /// The first table whose file has changed since it was opened: smtpd(8) then starts anew.
    pub fn changed_table(&self, host: &Host) -> Option<String> {
        let tables = tables_of(&self.checks);
        tables.iter().zip(&self.stamps).find_map(|(maps, stamps)| maps.changed(stamps, host))
    }
}

/// The tables in the order in which smtpd(8) opens them.
fn tables_of(checks: &Checks) -> Vec<&Maps> {
    let mut maps = vec![
        &checks.local_recipient_maps,
        &checks.sender_canonical_maps,
        &checks.recipient_canonical_maps,
        &checks.canonical_maps,
        &checks.virtual_alias_maps,
        &checks.virtual_mailbox_maps,
        &checks.relay_recipient_maps,
        &checks.sender_login_maps,
        &checks.rbl_reply_maps,
    ];
    for list in List::ALL {
        tables(checks.rules(list), &mut maps);
    }
    maps
}
