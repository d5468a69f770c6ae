//! ufw(8), the uncomplicated firewall: its rules are the tuples in `/etc/ufw/user.rules` and
//! `user6.rules`; while it is enabled they make up the host's packet filter.

use std::net::IpAddr;

use bytes::Bytes;

use super::iptables::{network, ports};
use crate::host::program::Env;
use crate::host::vfs::{Cred, Vfs};
use crate::sim::firewall::{Chain, Filter, Firewall, Network, Protocol, Table, Verdict};

const CONF: &str = "/etc/ufw/ufw.conf";
const DEFAULTS: &str = "/etc/default/ufw";
const RULES: &str = "/etc/ufw/user.rules";
const RULES6: &str = "/etc/ufw/user6.rules";
/// Services that packages describe under `/etc/ufw/applications.d`.
const PROFILES: [(&str, &str); 4] =
    [("Postfix", "25/tcp"), ("Postfix SMTPS", "465/tcp"), ("Postfix Submission", "587/tcp"), ("OpenSSH", "22/tcp")];

/// A rule as its tuple has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// `allow`, `deny`, `reject` or `limit`.
    action: String,
    /// `tcp`, `udp` or `any`.
    protocol: String,
    /// A port, `FIRST:LAST`, or `any`.
    port: String,
    /// Where to and where from; `any` is the whole Internet of the family.
    to: String,
    from: String,
    /// `in` or `out`.
    way: String,
}

impl Rule {
    fn tuple(&self, six: bool) -> String {
        let all = if six { "::/0" } else { "0.0.0.0/0" };
        let place = |text: &str| if text == "any" { all.to_owned() } else { text.to_owned() };
        format!(
            "### tuple ### {} {} {} {} any {} {}",
            self.action,
            self.protocol,
            self.port,
            place(&self.to),
            place(&self.from),
            self.way
        )
    }

    fn parse(line: &str) -> Option<Rule> {
        let words: Vec<String> = line.strip_prefix("### tuple ### ")?.split_whitespace().map(str::to_owned).collect();
        let place = |text: &str| if matches!(text, "0.0.0.0/0" | "::/0") { "any" } else { text }.to_owned();
        match words.as_slice() {
            [action, protocol, port, to, _, from, way, ..] => Some(Rule {
                action: action.clone(),
                protocol: protocol.clone(),
                port: port.clone(),
                to: place(to),
                from: place(from),
                way: way.clone(),
            }),
            _ => None,
        }
    }

    /// Whether it is one of this family's; one without addresses is of both.
    fn is_for(&self, six: bool) -> bool {
        [&self.to, &self.from].into_iter().all(|place| *place == "any" || place.contains(':') == six)
    }

    fn filters(&self, six: bool, vfs: &Vfs) -> Vec<Filter> {
        let place = |text: &str| if text == "any" { None } else { network(text, six).ok().flatten() };
        let protocols: &[Option<Protocol>] = match (self.protocol.as_str(), self.port.as_str()) {
            ("tcp", _) => &[Some(Protocol::Tcp)],
            ("udp", _) => &[Some(Protocol::Udp)],
            (_, "any") => &[None],
            _ => &[Some(Protocol::Tcp), Some(Protocol::Udp)],
        };
        let ports = if self.port == "any" { None } else { ports(&self.port, vfs).ok() };
        let verdict = match self.action.as_str() {
            "deny" => Verdict::Drop,
            "reject" => Verdict::Reject,
            _ => Verdict::Accept,
        };
        let (source, destination): (Option<Network>, Option<Network>) = (place(&self.from), place(&self.to));
        protocols
            .iter()
            .map(|protocol| Filter { protocol: *protocol, source, destination, ports, verdict, ..Filter::default() })
            .collect()
    }

    /// The columns of `ufw status`.
    fn row(&self, six: bool, with_way: bool) -> String {
        let mark = if six { " (v6)" } else { "" };
        let port = match (self.port.as_str(), self.protocol.as_str()) {
            ("any", _) => String::new(),
            (port, "any") => port.to_owned(),
            (port, protocol) => format!("{port}/{protocol}"),
        };
        let to = match (self.to.as_str(), port.as_str()) {
            ("any", "") => format!("Anywhere{mark}"),
            ("any", port) => format!("{port}{mark}"),
            (to, "") => to.to_owned(),
            (to, port) => format!("{to} {port}"),
        };
        let from = if self.from == "any" { format!("Anywhere{mark}") } else { self.from.clone() };
        let way = if with_way || self.way == "out" { format!(" {}", self.way.to_uppercase()) } else { String::new() };
        format!("{to:<26} {:<11} {from:<26}", format!("{}{way}", self.action.to_uppercase()))
    }
}

/// What the files say.
struct Settings {
    enabled: bool,
    incoming: String,
    outgoing: String,
    rules: [Vec<Rule>; 2],
}

impl Settings {
    fn read(vfs: &Vfs) -> Settings {
        let text = |path: &str| vfs.read_text(path, &Cred::ROOT).unwrap_or_default();
        let value = |path: &str, name: &str| {
            let text = text(path);
            let line = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(|value| value.trim_matches('"').to_lowercase())
        };
        let policy = |name: &str, usual: &str| match value(DEFAULTS, name).as_deref() {
            Some("accept") => "allow".to_owned(),
            Some("drop") => "deny".to_owned(),
            Some("reject") => "reject".to_owned(),
            _ => usual.to_owned(),
        };
        let rules = [RULES, RULES6].map(|path| text(path).lines().filter_map(Rule::parse).collect());
        Settings {
            enabled: value(CONF, "ENABLED").as_deref() == Some("yes"),
            incoming: policy("DEFAULT_INPUT_POLICY", "deny"),
            outgoing: policy("DEFAULT_OUTPUT_POLICY", "allow"),
            rules,
        }
    }

    /// Writes the files, and the filter if that is or was in force.
    fn apply(&self, was_enabled: bool, env: &mut Env<'_, '_>) -> Result<(), String> {
        let word = |policy: &str| match policy {
            "allow" => "ACCEPT",
            "reject" => "REJECT",
            _ => "DROP",
        };
        let enabled = if self.enabled { "yes" } else { "no" };
        let defaults = format!(
            "IPV6=yes\nDEFAULT_INPUT_POLICY=\"{}\"\nDEFAULT_OUTPUT_POLICY=\"{}\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\n",
            word(&self.incoming),
            word(&self.outgoing)
        );
        let list = |six: bool| {
            let rules: String = self.rules[usize::from(six)].iter().map(|rule| rule.tuple(six) + "\n").collect();
            format!("*filter\n### RULES ###\n{rules}### END RULES ###\nCOMMIT\n")
        };
        let files = [
            (CONF, format!("ENABLED={enabled}\nLOGLEVEL=low\n")),
            (DEFAULTS, defaults),
            (RULES, list(false)),
            (RULES6, list(true)),
        ];
        let vfs = &mut env.ctx.host.vfs;
        for directory in ["/etc/ufw", "/etc/default"] {
            vfs.mkdir_all(directory).map_err(|error| format!("{directory}: {error}"))?;
        }
        for (path, text) in files {
            vfs.write(path, text, 0o644, &Cred::ROOT).map_err(|error| format!("Couldn't write '{path}': {error}"))?;
        }
        if self.enabled {
            let firewall = self.firewall(&env.ctx.host.vfs);
            env.ctx.set_firewall(firewall);
        } else if was_enabled {
            env.ctx.set_firewall(Firewall::default());
        }
        Ok(())
    }

    fn firewall(&self, vfs: &Vfs) -> Firewall {
        let verdict = |policy: &str| if policy == "allow" { Verdict::Accept } else { Verdict::Drop };
        let mut firewall = Firewall::default();
        for six in [false, true] {
            let table: &mut Table = if six { &mut firewall.v6 } else { &mut firewall.v4 };
            for (chain, way, policy) in [(Chain::Input, "in", &self.incoming), (Chain::Output, "out", &self.outgoing)] {
                let rules = table.rules_mut(chain);
                rules.push(Filter { loopback: Some(true), ..Filter::default() });
                rules.push(Filter { established: Some(true), ..Filter::default() });
                if way == "in" {
                    rules.push(Filter { protocol: Some(Protocol::Icmp), ..Filter::default() });
                }
                let own = self.rules[usize::from(six)].iter().filter(|rule| rule.way == way);
                rules.extend(own.flat_map(|rule| rule.filters(six, vfs)));
                table.set_policy(chain, verdict(policy));
            }
            table.set_policy(Chain::Forward, Verdict::Drop);
        }
        firewall
    }

    fn status(&self, verbose: bool, numbered: bool, env: &mut Env<'_, '_>) {
        if !self.enabled {
            return env.outln("Status: inactive");
        }
        env.outln("Status: active");
        if verbose {
            env.outln("Logging: on (low)");
            let text =
                format!("Default: {} (incoming), {} (outgoing), disabled (routed)", self.incoming, self.outgoing);
            env.outln(text);
            env.outln("New profiles: skip");
        }
        let all: Vec<(bool, &Rule)> = self.rules[0]
            .iter()
            .map(|rule| (false, rule))
            .chain(self.rules[1].iter().map(|rule| (true, rule)))
            .collect();
        if all.is_empty() {
            return;
        }
        let indent = if numbered { "     " } else { "" };
        env.outln("");
        env.outln(format!("{indent}{:<26} {:<11} From", "To", "Action"));
        env.outln(format!("{indent}{:<26} {:<11} ----", "--", "------"));
        for (nth, (six, rule)) in all.into_iter().enumerate() {
            let number = if numbered { format!("[{:2}] ", nth + 1) } else { String::new() };
            env.outln(format!("{number}{}", rule.row(six, verbose || numbered)));
        }
        env.outln("");
    }
}

/// `ufw`.
pub fn ufw(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let words: Vec<String> = env.args.iter().skip(1).filter(|arg| *arg != "--force").cloned().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["version" | "--version"] = words.as_slice() {
        env.outln("ufw 0.36.2\nCopyright 2008-2023 Canonical Ltd.");
        return 0;
    }
    if env.cred.uid != 0 {
        env.errln("ERROR: You need to be root to run this script");
        return 1;
    }
    match run(&words, env) {
        Ok(()) => 0,
        Err(text) => {
            env.errln(format!("ERROR: {text}"));
            1
        }
    }
}

fn run(words: &[&str], env: &mut Env<'_, '_>) -> Result<(), String> {
    let mut settings = Settings::read(&env.ctx.host.vfs);
    let was_enabled = settings.enabled;
    match words {
        ["status"] => settings.status(false, false, env),
        ["status", "verbose"] => settings.status(true, false, env),
        ["status", "numbered"] => settings.status(false, true, env),
        ["enable"] => {
            settings.enabled = true;
            settings.apply(was_enabled, env)?;
            env.outln("Firewall is active and enabled on system startup");
        }
        ["disable"] => {
            settings.enabled = false;
            settings.apply(was_enabled, env)?;
            env.outln("Firewall stopped and disabled on system startup");
        }
        ["reload"] if was_enabled => {
            settings.apply(was_enabled, env)?;
            env.outln("Firewall reloaded");
        }
        ["reload"] => env.outln("Firewall not enabled (skipping reload)"),
        ["reset"] => {
            settings.enabled = false;
            settings.rules = [Vec::new(), Vec::new()];
            settings.apply(was_enabled, env)?;
        }
        ["logging", ..] => env.outln("Logging enabled"),
        ["app", "list"] => {
            env.outln("Available applications:");
            PROFILES.iter().for_each(|(name, _)| env.outln(format!("  {name}")));
        }
        ["default", policy @ ("allow" | "deny" | "reject"), rest @ ..] => {
            let way = rest.first().copied().unwrap_or("incoming");
            match way {
                "incoming" => (*policy).clone_into(&mut settings.incoming),
                "outgoing" => (*policy).clone_into(&mut settings.outgoing),
                _ => return Err("Invalid syntax".into()),
            }
            settings.apply(was_enabled, env)?;
            env.outln(format!(
                "Default {way} policy changed to '{policy}'\n(be sure to update your rules accordingly)"
            ));
        }
        ["delete", number] if number.parse::<usize>().is_ok() => {
            let number = number.parse::<usize>().unwrap_or(0);
            let first = settings.rules[0].len();
            let (list, place) = if number <= first { (0, number) } else { (1, number - first) };
            if place == 0 || place > settings.rules[list].len() {
                return Err(format!("Could not find rule '{number}'"));
            }
            settings.rules[list].remove(place - 1);
            settings.apply(was_enabled, env)?;
            env.outln(if list == 1 { "Rule deleted (v6)" } else { "Rule deleted" });
        }
        ["delete", action @ ("allow" | "deny" | "reject" | "limit"), rest @ ..] => {
            let rule = parse(action, rest, &env.ctx.host.vfs)?;
            change(&mut settings, &rule, Change::Delete, env)?;
        }
        ["insert", place, action @ ("allow" | "deny" | "reject" | "limit"), rest @ ..] => {
            let place = place.parse::<usize>().ok().filter(|place| *place > 0);
            let place = place.ok_or_else(|| "Invalid position".to_owned())?;
            let rule = parse(action, rest, &env.ctx.host.vfs)?;
            change(&mut settings, &rule, Change::Insert(place), env)?;
        }
        [action @ ("allow" | "deny" | "reject" | "limit"), rest @ ..] => {
            let rule = parse(action, rest, &env.ctx.host.vfs)?;
            change(&mut settings, &rule, Change::Add, env)?;
        }
        [] => return Err("not enough args".into()),
        _ => return Err("Invalid syntax".into()),
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Insert(usize),
    Delete,
}

/// Changes the rules of the families that a rule is for, and says what became of each.
fn change(settings: &mut Settings, rule: &Rule, change: Change, env: &mut Env<'_, '_>) -> Result<(), String> {
    let active = settings.enabled;
    let mut said = Vec::new();
    for six in [false, true].into_iter().filter(|six| rule.is_for(*six)) {
        let rules = &mut settings.rules[usize::from(six)];
        let place = rules.iter().position(|own| own == rule);
        // A rule that differs only in its action takes the other's place.
        let same = rules.iter().position(|own| Rule { action: rule.action.clone(), ..own.clone() } == *rule);
        let text = match (change, place, same) {
            (Change::Delete, None, _) => "Could not delete non-existent rule",
            (Change::Delete, Some(place), _) => {
                rules.remove(place);
                if active { "Rule deleted" } else { "Rules updated" }
            }
            (_, Some(_), _) => "Skipping adding existing rule",
            (Change::Add, None, Some(same)) => {
                rules[same] = rule.clone();
                if active { "Rule updated" } else { "Rules updated" }
            }
            (Change::Insert(at), None, _) => {
                rules.insert((at - 1).min(rules.len()), rule.clone());
                if active { "Rule inserted" } else { "Rules updated" }
            }
            (Change::Add, None, None) => {
                rules.push(rule.clone());
                if active { "Rule added" } else { "Rules updated" }
            }
        };
        said.push(if six { format!("{text} (v6)") } else { text.to_owned() });
    }
    settings.apply(active, env)?;
    said.into_iter().for_each(|line| env.outln(line));
    Ok(())
}

/// Reads `[in|out] PORT[/PROTOCOL]`, a service or profile, or
/// `[proto P] [from ADDRESS] [to ADDRESS] [port PORT]`.
fn parse(action: &str, words: &[&str], vfs: &Vfs) -> Result<Rule, String> {
    let any = || "any".to_owned();
    let mut rule =
        Rule { action: action.to_owned(), protocol: any(), port: any(), to: any(), from: any(), way: "in".to_owned() };
    let mut words = words;
    if let [way @ ("in" | "out"), rest @ ..] = words {
        (*way).clone_into(&mut rule.way);
        words = rest;
    }
    let mut described = false;
    while let [word, rest @ ..] = words {
        let value = rest.first().copied().ok_or("Invalid syntax");
        match *word {
            "from" => {
                rule.from = address(value?)?;
                words = &rest[1..];
                described = true;
                continue;
            }
            "to" => {
                rule.to = address(value?)?;
                words = &rest[1..];
                described = true;
                continue;
            }
            "port" => {
                rule.port = port(value?, vfs)?;
                words = &rest[1..];
                continue;
            }
            "proto" => {
                rule.protocol = match value? {
                    protocol @ ("tcp" | "udp" | "any") => protocol.to_owned(),
                    other => return Err(format!("Unsupported protocol '{other}'")),
                };
                words = &rest[1..];
                described = true;
                continue;
            }
            "comment" => {
                words = rest.get(1..).unwrap_or_default();
                continue;
            }
            word if !described && rule.port == "any" => {
                let profile = PROFILES.iter().find(|(name, _)| *name == word).map(|(_, port)| *port);
                let (text, protocol) = profile.unwrap_or(word).split_once('/').map_or((word, "any"), |both| both);
                rule.port = port(text, vfs)?;
                rule.protocol = match (protocol, text.parse::<u16>().is_err() && !text.contains(':')) {
                    ("tcp" | "udp", _) => protocol.to_owned(),
                    // A service by name has the protocols of /etc/services.
                    ("any", true) => "tcp".to_owned(),
                    ("any", false) => any(),
                    (other, _) => return Err(format!("Unsupported protocol '{other}'")),
                };
            }
            _ => return Err("Invalid syntax".into()),
        }
        words = rest;
    }
    if rule.port == "any" && !described && rule.from == "any" && rule.to == "any" {
        return Err("Invalid syntax".into());
    }
    if rule.port.contains(':') && rule.protocol == "any" {
        return Err("Must specify 'tcp' or 'udp' with multiple ports".into());
    }
    Ok(rule)
}

fn port(text: &str, vfs: &Vfs) -> Result<String, String> {
    let is_number = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    if text.split(':').all(is_number) {
        return Ok(text.to_owned());
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("Bad port".into());
    }
    match ports(text, vfs) {
        Ok((port, _)) => Ok(port.to_string()),
        Err(_) => Err(format!("Could not find a profile matching '{text}'")),
    }
}

fn address(text: &str) -> Result<String, String> {
    let host = text.split('/').next().unwrap_or_default();
    match (text, host.parse::<IpAddr>()) {
        ("any", _) => Ok("any".to_owned()),
        (_, Ok(addr)) if network(text, addr.is_ipv6()).is_ok() => Ok(text.to_owned()),
        _ => Err("Bad source or destination address".into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, run_as, text};

    #[test]
    fn rules_are_kept_and_take_effect_once_it_is_enabled() {
        let mut host = host();
        let shown = text(&run(
            &mut host,
            "ufw status; ufw allow 25/tcp; ufw allow smtp; ufw allow from 192.0.2.0/24 to any port 587 proto tcp",
        ))
        .0;
        let first = "Status: inactive\nRules updated\nRules updated (v6)\nSkipping adding existing rule\n\
                     Skipping adding existing rule (v6)\nRules updated\n";
        assert_eq!(shown, first);
        assert!(host.firewall.is_open());
        let shown = text(&run(&mut host, "ufw enable; ufw status; iptables -S INPUT")).0;
        let expected = "Firewall is active and enabled on system startup\nStatus: active\n\n\
            To                         Action      From\n\
            --                         ------      ----\n\
            25/tcp                     ALLOW       Anywhere                  \n\
            587/tcp                    ALLOW       192.0.2.0/24              \n\
            25/tcp (v6)                ALLOW       Anywhere (v6)             \n\n";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(
            shown.contains("-P INPUT DROP\n") && shown.contains("-A INPUT -p tcp -m tcp --dport 25 -j ACCEPT\n"),
            "{shown}"
        );
        let shown = text(&run(
            &mut host,
            "ufw deny 25/tcp; ufw status numbered | grep 25/tcp; ufw delete deny 25/tcp; ufw disable",
        ))
        .0;
        let expected = "Rule updated\nRule updated (v6)\n[ 1] 25/tcp                     DENY IN     Anywhere                  \n\
            [ 3] 25/tcp (v6)                DENY IN     Anywhere (v6)             \nRule deleted\nRule deleted (v6)\n\
            Firewall stopped and disabled on system startup\n";
        assert_eq!(shown, expected);
        assert!(host.firewall.is_open());
    }

    #[test]
    fn what_is_wrong_is_said_as_by_the_real_one() {
        let mut host = host();
        for (line, error) in [
            ("ufw allow 99999", "ERROR: Bad port\n"),
            ("ufw allow nosuch", "ERROR: Could not find a profile matching 'nosuch'\n"),
            ("ufw allow from nowhere", "ERROR: Bad source or destination address\n"),
            ("ufw delete 7", "ERROR: Could not find rule '7'\n"),
            ("ufw", "ERROR: not enough args\n"),
        ] {
            let got = text(&run(&mut host, line));
            assert_eq!((got.1.as_str(), got.2), (error, 1), "{line}");
        }
        let got = text(&run_as(&mut host, "alice", "ufw status", "", false));
        assert_eq!(got.1, "ERROR: You need to be root to run this script\n");
    }
}
