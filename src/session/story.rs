//! A trace as a story for an 80-column terminal.
//!
//! Each event is one line with the time since the beginning and the host; dialogue is indented,
//! and the reason of a decision stands below it. A summary closes the story.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::scenario::Scenario;
use crate::sim::{HostId, Time};
use crate::trace::{Agent, ConnectResult, Decision, DeliveryStatus, Event, Kind, Trace};
use crate::world::World;

/// Language of what mxlab itself says; machines speak English always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Narration, outcomes, and the summary.
    Quiet,
    /// Also dialogues and the steps that decided.
    #[default]
    Normal,
    /// Everything, with all steps of all decisions and log lines.
    Verbose,
}

/// How a story is written.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// Language of narration and headings.
    pub lang: Lang,
    /// How much is told.
    pub detail: Detail,
    /// Whether colours are used.
    pub colour: bool,
    /// Only events whose type begins with one of these; all if empty.
    pub events: Vec<String>,
}

/// Columns of the terminal that the story is written for.
const WIDTH: usize = 80;
/// Columns before the text of an event: time and host.
const MARGIN: usize = 21;

impl Style {
    fn say<'a>(&self, en: &'a str, de: &'a str) -> &'a str {
        match self.lang {
            Lang::En => en,
            Lang::De => de,
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Title and summary of a scenario.
pub fn heading(scenario: &Scenario, style: &Style) -> String {
    let title = style.say(&scenario.title.en, &scenario.title.de);
    let summary = style.say(&scenario.summary.en, &scenario.summary.de);
    let mut text = format!("{}\n{}\n", style.paint("1", title), "=".repeat(title.chars().count()));
    for line in wrap(summary, WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    for host in &scenario.hosts {
        let addrs: Vec<String> = host.addrs.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "  {:<10} {:<28} {}", host.name, host.fqdn, addrs.join(", "));
    }
    text
}

/// The events of a world's trace, one paragraph after the other.
pub fn events(world: &World, start: Time, style: &Style) -> String {
    let mut text = String::new();
    let trace = world.trace();
    for event in trace.iter() {
        if !style.events.is_empty() && !style.events.iter().any(|wanted| kind_name(trace, event).starts_with(wanted)) {
            continue;
        }
        tell(world, event, start, style, &mut text);
    }
    text
}

fn kind_name(trace: &Trace, event: &Event) -> String {
    let json = trace.json(event);
    let name = json.split("\"type\":\"").nth(1).and_then(|rest| rest.split('"').next());
    name.unwrap_or_default().to_owned()
}

fn tell(world: &World, event: &Event, start: Time, style: &Style, text: &mut String) {
    if let Kind::Narrate { en, de } = &event.kind {
        text.push('\n');
        for line in wrap(style.say(en, de), WIDTH - 2) {
            let _ = writeln!(text, "{}", style.paint("1;36", &format!("> {line}")));
        }
        return;
    }
    let Some((needed, line)) = sentence(world, event, style) else { return };
    // An explicit filter shows what it names, however detailed that is.
    if needed > style.detail && style.events.is_empty() {
        return;
    }
    let host = event.host.map_or("", |host| world.trace().host_name(host));
    let since = event.time.since(start);
    let mut first = format!("{:>9} {:<10}", clock(since.as_millis()), host);
    for part in wrap(&line, WIDTH - MARGIN) {
        let _ = writeln!(text, "{first:<MARGIN$}{part}");
        first = String::new();
    }
    if let Some(why) = event.why.as_deref().filter(|_| style.detail > Detail::Quiet) {
        reason(why, style, text);
    }
}

/// Milliseconds as `12.345`, `3:04.5` or `2h05:00`.
fn clock(millis: u128) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    match seconds {
        0..60 => format!("{seconds}.{millis:03}"),
        60..3600 => format!("{}:{:02}.{}", seconds / 60, seconds % 60, millis / 100),
        _ => format!("{}h{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// The steps that led to a verdict: those that applied, or all.
fn reason(why: &Decision, style: &Style, text: &mut String) {
    let mut line = |mark: &str, content: String| {
        let mut mark = mark;
        for part in wrap(&content, WIDTH - MARGIN - 4) {
            let shown = style.paint("2", &format!("{mark} {part}"));
            let _ = writeln!(text, "{:MARGIN$}  {shown}", "");
            mark = " ";
        }
    };
    if !why.question.is_empty() {
        line("?", why.question.to_string());
    }
    let steps = why.steps.iter().filter(|step| step.matched || style.detail == Detail::Verbose);
    for step in steps {
        let place = step.source.as_ref().map_or(String::new(), |source| format!(" ({source})"));
        let mark = if step.matched { "*" } else { "-" };
        let input = if step.input.is_empty() { String::new() } else { format!(" [{}]", step.input) };
        line(mark, format!("{}{place}{input}: {}", step.rule, step.outcome));
    }
    if !why.verdict.is_empty() {
        line("=", why.verdict.to_string());
    }
}

/// What an event says, and how much detail must be wanted for it.
fn sentence(world: &World, event: &Event, style: &Style) -> Option<(Detail, String)> {
    use Detail::{Normal, Quiet, Verbose};
    let name_of = |addr: std::net::IpAddr| world.host_of(addr).map(|host| world.name(host).to_string());
    let at = |addr: std::net::SocketAddr| {
        name_of(addr.ip()).map_or(addr.to_string(), |name| format!("{name}:{}", addr.port()))
    };
    let said = |detail: Detail, text: String| Some((detail, text));
    match &event.kind {
        Kind::DnsQuery { resolver, qname, qtype, .. } => {
            let server = name_of(*resolver).unwrap_or_else(|| resolver.to_string());
            said(Normal, format!("──▶ {server}  {qtype} {qname}?"))
        }
        Kind::DnsAnswer { to, qname, qtype, rcode, records, cached, .. } => {
            let asker = name_of(*to).unwrap_or_else(|| to.to_string());
            let records = if records.is_empty() { rcode.to_string() } else { records.join(", ") };
            let detail = if *cached { Verbose } else { Normal };
            said(detail, format!("──▶ {asker}  {qtype} {qname}: {records}"))
        }
        Kind::TcpConnect { to, result, .. } => {
            let result = match result {
                ConnectResult::Open => style.say("connected", "verbunden"),
                ConnectResult::Refused => style.say("connection refused", "Verbindung abgelehnt"),
                ConnectResult::Timeout => style.say("no answer", "keine Antwort"),
                ConnectResult::Unreachable => style.say("unreachable", "nicht erreichbar"),
            };
            said(Normal, format!("──▶ {}  {result}", at(*to)))
        }
        Kind::TcpClose { how, .. } => said(Verbose, format!("closes ({how})")),
        Kind::SmtpSession { client, server, .. } => {
            said(Verbose, format!("session {} ──▶ {}", at(*client), at(*server)))
        }
        Kind::SmtpCmd { line, .. } => said(Normal, format!("    C: {line}")),
        Kind::SmtpReply { code, enhanced, text, .. } => {
            let enhanced = enhanced.as_deref().filter(|code| !text.contains(*code));
            let enhanced = enhanced.map_or(String::new(), |code| format!("{code} "));
            let code = code.to_string();
            let text = text.strip_prefix(code.as_str()).map_or(text.as_str(), str::trim_start);
            said(Normal, format!("    S: {code} {enhanced}{text}"))
        }
        Kind::SmtpData { bytes, .. } => said(Normal, format!("    C: … {} octets", bytes.len())),
        Kind::SmtpTls { version, cipher, peer_name, verdict, .. } => {
            said(Normal, format!("    TLS: {version} {cipher} {peer_name}: {verdict}"))
        }
        Kind::SmtpAuth { mechanism, user, ok, .. } => {
            let result = if *ok { "ok" } else { style.say("refused", "abgelehnt") };
            said(Normal, format!("    AUTH {mechanism} {user}: {result}"))
        }
        Kind::PolicyStep { restriction, input, result, matched, .. } => {
            said(Verbose, format!("    {restriction} [{input}]: {}", if *matched { result } else { "-" }))
        }
        Kind::PolicyVerdict { list, restriction, action, text } => {
            said(Normal, format!("{list}: {restriction} {action} {text}"))
        }
        Kind::MuaCompose { user, subject, rcpts, .. } => {
            let writes = style.say("writes to", "schreibt an");
            said(Quiet, format!("{user} {writes} {}: \"{subject}\"", rcpts.join(", ")))
        }
        Kind::MuaSend { user, server, ok, text, .. } => {
            let result = if *ok {
                style.say("handed over to", "übergeben an")
            } else {
                style.say("refused by", "abgelehnt von")
            };
            said(Normal, format!("{user}: {result} {server}: {text}"))
        }
        Kind::MuaFetch { user, protocol, count, .. } => {
            let fetched = style.say("fetched over", "abgeholt über");
            said(Quiet, format!("{user}: {count} {fetched} {protocol}"))
        }
        Kind::QueueEnter { queue_id, queue, sender, rcpts, .. } => {
            said(Normal, format!("[{queue}] {queue_id}: <{sender}> ──▶ {}", rcpts.join(", ")))
        }
        Kind::QueueMove { queue_id, from, queue, reason } => {
            said(Verbose, format!("[{from} ──▶ {queue}] {queue_id}: {reason}"))
        }
        Kind::QueueLeave { queue_id, reason, .. } => said(Verbose, format!("{queue_id} leaves the queue: {reason}")),
        Kind::RouteDecide { rcpt, class, transport, nexthop } => {
            said(Normal, format!("{rcpt}: {class} ──▶ {transport}:{nexthop}"))
        }
        Kind::MxChoose { nexthop, candidates, .. } => said(Normal, format!("MX {nexthop}: {}", candidates.join(", "))),
        Kind::Rewrite { kind, field, from, to } => said(Normal, format!("{kind} {field}: {from} ──▶ {to}")),
        Kind::AliasExpand { name, source, results } => {
            said(Normal, format!("{name} ({source}) ──▶ {}", results.join(", ")))
        }
        Kind::Deliver { rcpt, agent, target, status, dsn, text, .. } => {
            let good = matches!(status, DeliveryStatus::Sent | DeliveryStatus::Deliverable);
            let mark = style.paint(if good { "32" } else { "31" }, if good { "✓" } else { "✗" });
            said(Quiet, format!("{mark} {rcpt}: {status:?} {agent:?} {target} {dsn} ({text})"))
        }
        Kind::Bounce { to, reason, .. } => {
            said(Quiet, format!("{} {to}: {reason}", style.say("bounce to", "Rückläufer an")))
        }
        Kind::DelayWarn { to, reason, .. } => {
            said(Quiet, format!("{} {to}: {reason}", style.say("warning to", "Warnung an")))
        }
        Kind::MapBuild { file, entries, .. } => {
            said(Normal, format!("{file}: {entries} {}", style.say("entries", "Einträge")))
        }
        Kind::ConfigLoad { how, .. } => said(Verbose, format!("configuration: {how}")),
        Kind::FilterVerdict { queue_id, result } => said(Normal, format!("{queue_id}: filter {result}")),
        Kind::SpfEval { queue_id, result } => said(Normal, format!("{queue_id}: SPF {result}")),
        Kind::DnsblQuery { name, result, .. } => said(Normal, format!("{name}: {result}")),
        Kind::PopCmd { line, reply, .. } | Kind::ImapCmd { line, reply, .. } => {
            said(Normal, format!("    C: {line}   S: {reply}"))
        }
        Kind::MraPoll { user, server, count } => {
            said(Quiet, format!("{user}: {count} {} {server}", style.say("fetched from", "abgeholt von")))
        }
        Kind::SieveAction { user, action } => said(Normal, format!("sieve {user}: {action}")),
        Kind::FileWrite { path, by } => said(Verbose, format!("{path} ({by})")),
        Kind::LogLine { text, .. } => said(Verbose, format!("log: {text}")),
        Kind::ShellCommand { user, line } => said(Quiet, format!("{user}$ {line}")),
        Kind::ShellExit { status } => said(if *status == 0 { Verbose } else { Normal }, format!("exit {status}")),
        Kind::Service { name, state } => said(Normal, format!("{name}: {state}")),
        Kind::Fault { what } => said(Quiet, format!("! {what}")),
        Kind::Expect { what, ok, found } => {
            let verdict = match ok {
                true => style.paint("32", "as expected"),
                false => style.paint("31", "NOT AS EXPECTED"),
            };
            said(if *ok { Normal } else { Quiet }, format!("{verdict}: {what} ({found})"))
        }
        Kind::ClockJump { .. } => said(Verbose, "the clock jumps".into()),
        Kind::Narrate { .. } => None,
    }
}

/// Who got what, what waits, and what bounced and why.
pub fn summary(world: &World, style: &Style) -> String {
    let trace = world.trace();
    let mut got = Vec::new();
    let mut bounced = Vec::new();
    let mut waiting: BTreeMap<(HostId, String), String> = BTreeMap::new();
    let mut last_reason: BTreeMap<(HostId, String), String> = BTreeMap::new();
    for event in trace.iter() {
        let Some(host) = event.host else { continue };
        let name = trace.host_name(host);
        match &event.kind {
            Kind::Deliver { queue_id, rcpt, agent, target, status, text, .. } => match status {
                DeliveryStatus::Sent if *agent != Agent::Smtp => {
                    got.push(format!("{rcpt}  {name}: {agent:?} {target}"))
                }
                DeliveryStatus::Bounced | DeliveryStatus::Expired => bounced.push(format!("{rcpt}  {name}: {text}")),
                DeliveryStatus::Deferred => {
                    last_reason.insert((host, queue_id.to_string()), text.to_string());
                }
                _ => {}
            },
            Kind::QueueEnter { queue_id, rcpts, .. } => {
                waiting.insert((host, queue_id.to_string()), rcpts.join(", "));
            }
            Kind::QueueLeave { queue_id, .. } => {
                waiting.remove(&(host, queue_id.to_string()));
            }
            _ => {}
        }
    }
    let waiting: Vec<String> = waiting
        .iter()
        .map(|(key, rcpts)| {
            let reason = last_reason.get(key).map_or(String::new(), |reason| format!(" ({reason})"));
            format!("{rcpts}  {}: {}{reason}", trace.host_name(key.0), key.1)
        })
        .collect();
    let mut text = format!("\n{}\n", style.paint("1", style.say("In the end", "Am Ende")));
    for (title, lines) in [
        (style.say("delivered", "zugestellt"), &got),
        (style.say("waiting", "wartet"), &waiting),
        (style.say("bounced", "zurückgeschickt"), &bounced),
    ] {
        let _ = writeln!(text, "  {title}: {}", lines.len());
        for line in lines {
            for part in wrap(line, WIDTH - 4) {
                let _ = writeln!(text, "    {part}");
            }
        }
    }
    text
}

/// Breaks a text at blanks into lines of at most `width` characters; longer words stay whole.
/// Blanks at its beginning indent all lines.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let indent: String = text.chars().take_while(|letter| *letter == ' ').collect();
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let free = line.is_empty() || indent.len() + line.chars().count() + 1 + word.chars().count() <= width;
        if !free {
            lines.push(format!("{indent}{line}"));
            line = String::new();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(format!("{indent}{line}"));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_keeps_its_indentation() {
        assert_eq!(wrap("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrap("", 9), [""]);
    }

    #[test]
    fn times_are_short() {
        assert_eq!(clock(1_234), "1.234");
        assert_eq!(clock(184_500), "3:04.5");
        assert_eq!(clock(7_500_000), "2h05:00");
    }
}
