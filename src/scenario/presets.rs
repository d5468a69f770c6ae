//! Presets: what Debian's configuration dialogue would write, and some roles beyond it.
//!
//! A preset writes real files of the host and starts services; nothing else knows of it.

use std::fmt::Write as _;

use super::checked::Host;
use super::written::{Preset, Service};
use crate::host::layout::Layout;
use crate::host::packages;

/// The services of a preset, and those that the scenario adds.
pub(super) fn services(preset: Preset, further: &[Service]) -> Vec<Service> {
    let mut services = match preset {
        Preset::Workstation | Preset::NoConfiguration => vec![],
        Preset::DnsServer => vec![Service::Named],
        _ => vec![Service::Postfix],
    };
    services.extend(further);
    services.dedup();
    services
}

/// Whether Postfix is installed.
pub(super) fn has_postfix(preset: Preset) -> bool {
    !matches!(preset, Preset::Workstation | Preset::DnsServer)
}

/// The text of `/etc/postfix/main.cf`, if the preset writes one.
pub(super) fn main_cf(host: &Host) -> Option<String> {
    let Host { fqdn, mail, .. } = host;
    let name = mail.name.as_deref().unwrap_or(fqdn);
    let (_, domain) = fqdn.split_once('.').unwrap_or(("", fqdn));
    let local = format!("$myhostname, {name}, localhost.{domain}, localhost");
    let (destination, smarthost, interfaces, networks) = match host.preset {
        Preset::Workstation | Preset::NoConfiguration | Preset::DnsServer => return None,
        Preset::InternetSite | Preset::SubmissionServer | Preset::BackupMx => (local.as_str(), false, "all", true),
        Preset::InternetWithSmarthost => (local.as_str(), true, "all", true),
        Preset::SatelliteSystem => ("$myhostname, localhost", true, "loopback-only", true),
        Preset::LocalOnly => (local.as_str(), false, "loopback-only", true),
        Preset::NullClient => ("", true, "loopback-only", true),
    };
    let mut destinations = destination.to_owned();
    for further in &mail.domains {
        let _ = write!(destinations, ", {further}");
    }
    let mut nets = "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128".to_owned();
    for further in mail.networks.iter().filter(|_| networks) {
        let _ = write!(nets, " {further}");
    }
    let relay = mail.smarthost.as_deref().filter(|_| smarthost).unwrap_or_default();
    let protocols = if host.addrs.iter().any(std::net::IpAddr::is_ipv6) { "all" } else { "ipv4" };
    if host.layout == Layout::RedHat && host.preset == Preset::InternetSite {
        return Some(red_hat_main_cf(host));
    }
    let mut parameters: Vec<(&str, String)> = vec![
        ("smtpd_banner", banner(host.layout).into()),
        ("biff", "no".into()),
        ("append_dot_mydomain", "no".into()),
        ("readme_directory", "no".into()),
        ("compatibility_level", "3.6".into()),
        ("smtpd_relay_restrictions", "permit_mynetworks permit_sasl_authenticated defer_unauth_destination".into()),
        ("myhostname", fqdn.clone()),
        ("alias_maps", "hash:/etc/aliases".into()),
        ("alias_database", "hash:/etc/aliases".into()),
        ("myorigin", "/etc/mailname".into()),
        ("mydestination", destinations),
        ("relayhost", relay.into()),
        ("mynetworks", nets),
        ("mailbox_size_limit", "0".into()),
        ("recipient_delimiter", "+".into()),
        ("inet_interfaces", interfaces.into()),
        ("inet_protocols", protocols.into()),
    ];
    if !mail.relay_domains.is_empty() {
        parameters.push(("relay_domains", mail.relay_domains.join(", ")));
    }
    if host.preset == Preset::LocalOnly {
        parameters.push(("default_transport", "error:outside mail is not deliverable".into()));
    }
    if host.preset == Preset::SubmissionServer {
        parameters.push(("smtpd_sasl_auth_enable", "yes".into()));
    }
    for (name, value) in &mail.parameters {
        match parameters.iter_mut().find(|(known, _)| known == name) {
            Some(entry) => entry.1.clone_from(value),
            None => parameters.push((name, value.clone())),
        }
    }
    let mut text = "# See /usr/share/postfix/main.cf.dist for a commented, more complete version\n\n".to_owned();
    for (name, value) in parameters {
        let _ = writeln!(text, "{name} = {value}");
    }
    Some(text)
}

fn banner(layout: Layout) -> &'static str {
    match layout {
        Layout::Debian => "$myhostname ESMTP $mail_name (Debian/GNU)",
        Layout::RedHat => "$myhostname ESMTP $mail_name",
    }
}

/// The `main.cf` that Red Hat's package brings, with what the scenario says.
fn red_hat_main_cf(host: &Host) -> String {
    let Host { mail, .. } = host;
    let mut parameters: Vec<(&str, String)> =
        packages::RED_HAT_MAIN.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    if let Some((_, destinations)) = parameters.iter_mut().find(|(name, _)| *name == "mydestination") {
        mail.domains.iter().for_each(|further| _ = write!(destinations, ", {further}"));
    }
    if !mail.networks.is_empty() {
        parameters.push(("mynetworks", format!("127.0.0.0/8 [::1]/128 {}", mail.networks.join(" "))));
    }
    if !mail.relay_domains.is_empty() {
        parameters.push(("relay_domains", mail.relay_domains.join(", ")));
    }
    if let Some(relay) = &mail.smarthost {
        parameters.push(("relayhost", relay.clone()));
    }
    for (name, value) in &mail.parameters {
        match parameters.iter_mut().find(|(known, _)| known == name) {
            Some(entry) => entry.1.clone_from(value),
            None => parameters.push((name, value.clone())),
        }
    }
    packages::red_hat_main_cf(parameters)
}

/// The text of `/etc/postfix/master.cf`: Debian's, with the submission service where it is wanted.
/// Red Hat's daemons run without a chroot.
pub(super) fn master_cf(preset: Preset, layout: Layout) -> String {
    const DEBIAN: &str = include_str!("../../tests/golden/template/master.cf");
    if layout == Layout::RedHat {
        return packages::without_chroot(&master_cf(preset, Layout::Debian));
    }
    if preset != Preset::SubmissionServer {
        return DEBIAN.to_owned();
    }
    let submission = "submission inet n       -       y       -       -       smtpd\n  \
                      -o syslog_name=postfix/submission\n  -o smtpd_sasl_auth_enable=yes\n  \
                      -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n";
    format!("{DEBIAN}{submission}")
}

/// A zone's records as a complete master file: SOA and NS are added if there are none.
pub(super) fn master_file(origin: &str, text: &str) -> String {
    let mut file = format!("$ORIGIN {origin}\n");
    if !text.contains("$TTL") {
        file.push_str("$TTL 3600\n");
    }
    if !text.split_whitespace().any(|word| word == "SOA") {
        let _ = writeln!(file, "@ IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 300");
        let _ = writeln!(file, "@ IN NS ns.invalid.");
    }
    // Indentation of the scenario file means nothing; a line that begins with a blank would
    // otherwise belong to the name before it.
    for line in text.lines() {
        let _ = writeln!(file, "{}", line.trim());
    }
    file
}

/// The path of a zone's master file.
pub(super) fn zone_file(origin: &str) -> String {
    match origin.trim_end_matches('.') {
        "" => "/etc/bind/db.root".into(),
        name => format!("/etc/bind/db.{name}"),
    }
}

/// The text of `/etc/bind/named.conf.local` for these zones.
pub(super) fn named_conf<'a>(origins: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for origin in origins {
        let name = match origin.trim_end_matches('.') {
            "" => ".",
            name => name,
        };
        let _ = writeln!(text, "zone \"{name}\" {{\n\ttype master;\n\tfile \"{}\";\n}};\n", zone_file(origin));
    }
    text
}
