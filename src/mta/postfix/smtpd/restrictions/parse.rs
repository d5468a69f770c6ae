//! From the text of a restriction list to rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::{AccessKey, Rbl, RblKey, Restriction, Rule};
use crate::mta::postfix::maps::{MapFlags, Maps};
use crate::mta::postfix::smtpd::policy::PolicyService;
use crate::trace::Source;

/// Restriction classes by name (`smtpd_restriction_classes`), with where each is set.
pub type Classes = BTreeMap<SmolStr, (Vec<SmolStr>, Option<Source>)>;

/// Classes may use each other to this depth (`SMTPD_MAX_RECURSION` in spirit).
const MAX_DEPTH: usize = 100;

/// Compiles a list. Mistakes become rules that are reported when they are reached, as in Postfix.
pub fn parse_list(words: &[SmolStr], source: Option<&Source>, classes: &Classes) -> Vec<Rule> {
    Parser { classes, depth: 0 }.list(words, source)
}

struct Parser<'a> {
    classes: &'a Classes,
    depth: usize,
}

impl Parser<'_> {
    fn list(&mut self, words: &[SmolStr], source: Option<&Source>) -> Vec<Rule> {
        let mut rules = Vec::with_capacity(words.len());
        let mut words = words.iter();
        let mut warn_if_reject = false;
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case("warn_if_reject") {
                warn_if_reject = true;
                continue;
            }
            let name = word.to_ascii_lowercase();
            // `type:name` alone means the access table of the list itself.
            let argument = if takes_argument(&name) { words.next() } else { None };
            let text = match argument {
                Some(argument) => format_smolstr!("{word} {argument}"),
                None => word.clone(),
            };
            let restriction = self.restriction(&name, word, argument);
            rules.push(Rule { restriction, text, source: source.cloned(), warn_if_reject });
            warn_if_reject = false;
        }
        rules
    }

    fn restriction(&mut self, name: &str, word: &SmolStr, argument: Option<&SmolStr>) -> Restriction {
        if let Some(simple) = simple(name) {
            return simple;
        }
        if let Some((members, source)) = self.classes.get(word) {
            if self.depth >= MAX_DEPTH {
                return Restriction::Mistake(format!("restriction class {word} is nested too deeply"));
            }
            self.depth += 1;
            let rules = self.list(members, source.as_ref());
            self.depth -= 1;
            return Restriction::Class(rules.into());
        }
        if !takes_argument(name) {
            return Restriction::Mistake(format!("unknown smtpd restriction: \"{word}\""));
        }
        let Some(argument) = argument else {
            return Restriction::Mistake(format!("restriction {word} requires argument"));
        };
        with_argument(name, word, argument)
    }
}

/// Whether a restriction has an argument behind it.
fn takes_argument(name: &str) -> bool {
    access_key(name).is_some()
        || rbl_key(name).is_some()
        || matches!(name, "check_policy_service" | "sleep" | "check_ccert_access" | "check_sasl_access")
}

fn with_argument(name: &str, word: &str, argument: &SmolStr) -> Restriction {
    if let Some(key) = access_key(name) {
        let spec = argument.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(argument).trim();
        if !spec.contains(':') {
            return Restriction::Mistake(format!(
                "restriction {word}: bad argument \"{argument}\": need maptype:mapname"
            ));
        }
        return match Maps::parse(word, spec, MapFlags::FOLDED) {
            Ok(maps) => Restriction::CheckAccess(key, maps),
            Err(error) => Restriction::Mistake(error.to_string()),
        };
    }
    if let Some((key, permit)) = rbl_key(name) {
        let (zone, filter) = argument.split_once('=').unwrap_or((argument, ""));
        let rbl = Rbl { zone: zone.to_lowercase().into(), filter: filter.into(), text: argument.clone() };
        return if permit { Restriction::PermitDnswl(key, rbl) } else { Restriction::RejectRbl(key, rbl) };
    }
    match name {
        "sleep" => match argument.parse() {
            Ok(secs) => Restriction::Sleep(secs),
            Err(_) => Restriction::Mistake(format!("restriction {word}: bad argument \"{argument}\"")),
        },
        _ => Restriction::CheckPolicyService(PolicyService::parse(argument).map(Arc::new)),
    }
}

fn access_key(name: &str) -> Option<AccessKey> {
    Some(match name {
        "check_client_access" => AccessKey::Client,
        "check_reverse_client_hostname_access" => AccessKey::ReverseClient,
        "check_helo_access" => AccessKey::Helo,
        "check_sender_access" => AccessKey::Sender,
        "check_recipient_access" => AccessKey::Recipient,
        "check_etrn_access" => AccessKey::Etrn,
        "check_sasl_access" => AccessKey::Login,
        "check_ccert_access" => AccessKey::Certificate,
        "check_client_a_access" => AccessKey::ClientA,
        "check_client_mx_access" => AccessKey::ClientMx,
        "check_client_ns_access" => AccessKey::ClientNs,
        "check_reverse_client_hostname_a_access" => AccessKey::ReverseClientA,
        "check_reverse_client_hostname_mx_access" => AccessKey::ReverseClientMx,
        "check_reverse_client_hostname_ns_access" => AccessKey::ReverseClientNs,
        "check_helo_a_access" => AccessKey::HeloA,
        "check_helo_mx_access" => AccessKey::HeloMx,
        "check_helo_ns_access" => AccessKey::HeloNs,
        "check_sender_a_access" => AccessKey::SenderA,
        "check_sender_mx_access" => AccessKey::SenderMx,
        "check_sender_ns_access" => AccessKey::SenderNs,
        "check_recipient_a_access" => AccessKey::RecipientA,
        "check_recipient_mx_access" => AccessKey::RecipientMx,
        "check_recipient_ns_access" => AccessKey::RecipientNs,
        _ => return None,
    })
}

/// The key of a block list, and whether it is a list of the good.
fn rbl_key(name: &str) -> Option<(RblKey, bool)> {
    Some(match name {
        "reject_rbl_client" | "reject_rbl" => (RblKey::Address, false),
        "reject_rhsbl_client" => (RblKey::Client, false),
        "reject_rhsbl_reverse_client" => (RblKey::ReverseClient, false),
        "reject_rhsbl_helo" => (RblKey::Helo, false),
        "reject_rhsbl_sender" => (RblKey::Sender, false),
        "reject_rhsbl_recipient" => (RblKey::Recipient, false),
        "permit_dnswl_client" => (RblKey::Address, true),
        "permit_rhswl_client" => (RblKey::Client, true),
        _ => return None,
    })
}

fn simple(name: &str) -> Option<Restriction> {
    Some(match name {
        "permit" => Restriction::Permit,
        "reject" => Restriction::Reject,
        "defer" => Restriction::Defer,
        "defer_if_permit" => Restriction::DeferIfPermit,
        "defer_if_reject" => Restriction::DeferIfReject,
        "permit_mynetworks" => Restriction::PermitMynetworks,
        "permit_inet_interfaces" => Restriction::PermitInetInterfaces,
        "permit_sasl_authenticated" => Restriction::PermitSaslAuthenticated,
        "permit_tls_clientcerts" | "permit_tls_all_clientcerts" => Restriction::PermitTlsClientcerts,
        "permit_auth_destination" => Restriction::PermitAuthDestination,
        "permit_mx_backup" => Restriction::PermitMxBackup,
        "permit_naked_ip_address" => Restriction::PermitNakedIpAddress,
        "reject_unknown_client_hostname" | "reject_unknown_client" => Restriction::RejectUnknownClientHostname,
        "reject_unknown_reverse_client_hostname" => Restriction::RejectUnknownReverseClientHostname,
        "reject_plaintext_session" => Restriction::RejectPlaintextSession,
        "reject_unauth_pipelining" => Restriction::RejectUnauthPipelining,
        "reject_invalid_helo_hostname" | "reject_invalid_hostname" => Restriction::RejectInvalidHelo,
        "reject_non_fqdn_helo_hostname" | "reject_non_fqdn_hostname" => Restriction::RejectNonFqdnHelo,
        "reject_unknown_helo_hostname" | "reject_unknown_hostname" => Restriction::RejectUnknownHelo,
        "reject_non_fqdn_sender" => Restriction::RejectNonFqdnSender,
        "reject_unknown_sender_domain" | "reject_unknown_address" => Restriction::RejectUnknownSenderDomain,
        "reject_unlisted_sender" => Restriction::RejectUnlistedSender,
        "reject_unverified_sender" => Restriction::RejectUnverifiedSender,
        "reject_sender_login_mismatch" => Restriction::RejectSenderLoginMismatch,
        "reject_authenticated_sender_login_mismatch" => Restriction::RejectAuthenticatedSenderLoginMismatch,
        "reject_unauthenticated_sender_login_mismatch" => Restriction::RejectUnauthenticatedSenderLoginMismatch,
        "reject_known_sender_login_mismatch" => Restriction::RejectKnownSenderLoginMismatch,
        "reject_non_fqdn_recipient" => Restriction::RejectNonFqdnRecipient,
        "reject_unknown_recipient_domain" => Restriction::RejectUnknownRecipientDomain,
        "reject_unlisted_recipient" | "check_recipient_maps" => Restriction::RejectUnlistedRecipient,
        "reject_unverified_recipient" => Restriction::RejectUnverifiedRecipient,
        "reject_unauth_destination" | "check_relay_domains" => Restriction::RejectUnauthDestination,
        "defer_unauth_destination" => Restriction::DeferUnauthDestination,
        "reject_multi_recipient_bounce" => Restriction::RejectMultiRecipientBounce,
        _ => return None,
    })
}

/// Whether a list can keep strangers from relaying: smtpd(8) refuses to run without one that can.
/// What it says about rules that are never reached is appended to `notes`.
pub fn guards_relaying(rules: &[Rule], notes: &mut Vec<String>) -> bool {
    for (at, rule) in rules.iter().enumerate() {
        let guards = match &rule.restriction {
            Restriction::Permit => {
                if let Some(next) = rules.get(at + 1) {
                    let word = next.text.split(' ').next().unwrap_or_default();
                    notes.push(format!("warning: restriction `{word}' after `{}' is ignored", rule.text));
                }
                return false;
            }
            Restriction::Reject
            | Restriction::Defer
            | Restriction::DeferIfPermit
            | Restriction::RejectUnauthDestination
            | Restriction::DeferUnauthDestination => !rule.warn_if_reject,
            Restriction::Class(rules) => guards_relaying(rules, notes),
            _ => false,
        };
        if guards {
            return true;
        }
    }
    false
}

/// Why smtpd(8) cannot run with a list at all, if so.
pub fn fault(rules: &[Rule]) -> Option<&str> {
    rules.iter().find_map(|rule| match &rule.restriction {
        Restriction::CheckPolicyService(Err(text)) => Some(text.as_str()),
        Restriction::Class(rules) => fault(rules),
        _ => None,
    })
}

/// The tables of a list, for the messages when they are opened.
pub fn tables<'a>(rules: &'a [Rule], found: &mut Vec<&'a Maps>) {
    for rule in rules {
        match &rule.restriction {
            Restriction::CheckAccess(_, maps) => found.push(maps),
            Restriction::Class(rules) => tables(rules, found),
            _ => {}
        }
    }
}

/// Compiles the restrictions that stand on the right-hand side of an access table.
pub fn parse_inline(value: &str, classes: &Classes) -> Arc<[Rule]> {
    let words: Vec<SmolStr> =
        value.split([' ', '\t', ',']).filter(|word| !word.is_empty()).map(|word| word.to_smolstr()).collect();
    parse_list(&words, None, classes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<Rule> {
        let classes = Classes::from([("strict".into(), (vec!["reject".into()], None))]);
        let words: Vec<SmolStr> = text.split_whitespace().map(SmolStr::from).collect();
        parse_list(&words, None, &classes)
    }

    #[test]
    fn arguments_belong_to_their_restriction() {
        let rules =
            parse("permit_mynetworks check_sender_access hash:/etc/x warn_if_reject reject_rbl_client a.b=127.0.0.2");
        let texts: Vec<_> = rules.iter().map(|rule| rule.text.as_str()).collect();
        assert_eq!(texts, ["permit_mynetworks", "check_sender_access hash:/etc/x", "reject_rbl_client a.b=127.0.0.2"]);
        assert!(rules[2].warn_if_reject && !rules[1].warn_if_reject);
    }

    #[test]
    fn mistakes_keep_postfix_words() {
        for (text, warning) in [
            ("reject_everything", "unknown smtpd restriction: \"reject_everything\""),
            (
                "check_client_access permit_mynetworks",
                "restriction check_client_access: bad argument \"permit_mynetworks\": need maptype:mapname",
            ),
            ("check_client_access", "restriction check_client_access requires argument"),
        ] {
            let rules = parse(text);
            let Restriction::Mistake(found) = &rules[0].restriction else { panic!("{text}") };
            assert_eq!(found, warning);
        }
    }

    #[test]
    fn a_class_guards_if_a_member_does() {
        assert!(guards_relaying(&parse("permit_mynetworks strict"), &mut Vec::new()));
        assert!(!guards_relaying(&parse("permit_mynetworks warn_if_reject reject"), &mut Vec::new()));
        let mut notes = Vec::new();
        assert!(!guards_relaying(&parse("permit reject_unauth_destination"), &mut notes));
        assert_eq!(notes, ["warning: restriction `reject_unauth_destination' after `permit' is ignored"]);
    }
}
