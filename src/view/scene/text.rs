//! Texts of machines in the length that pictures have room for.

/// The first line of a reply, without a code that is shown apart.
pub(super) fn first_line(text: &str, code: Option<u16>) -> &str {
    let line = text.lines().next().unwrap_or_default().trim_end();
    let Some(code) = code else { return line };
    line.strip_prefix(&code.to_string()).map_or(line, |rest| rest.trim_start_matches(['-', ' ']))
}

/// A MAIL or RCPT line without the parameters after its path; other lines as they are.
pub(super) fn without_parameters(line: &str) -> String {
    match line.split_once("> ") {
        Some((path, _)) if path.contains(":<") => format!("{path}> …"),
        _ => line.to_owned(),
    }
}

/// What a log line says, in its own words: without date, host, process number, queue id and details.
pub(super) fn gist(text: &str) -> String {
    let line = without_date(text);
    let Some((program, message)) = line.split_once(": ") else { return line.to_owned() };
    let program = program.split('[').next().unwrap_or_default();
    let program = program.strip_prefix("postfix/").unwrap_or(program);
    // A queue id names the mail; here only one is meant.
    let message = match message.split_once(": ") {
        Some((id, rest)) if id.len() >= 6 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => rest,
        _ => message,
    };
    let field = |name: &str| message.split(", ").find(|part| part.starts_with(name));
    let gist = match (field("to="), field("status=")) {
        (Some(to), Some(status)) => {
            let status = status.split(" (").next().unwrap_or(status);
            format!("{status}, {to}")
        }
        _ => {
            let ends = [" (", ", ", " -- ", "[", " ehlo=", " helo="];
            let end = ends.iter().filter_map(|mark| message.find(mark)).min().unwrap_or(message.len());
            without_domain(&message[..end])
        }
    };
    format!("{program}: {gist}")
}

/// A message that ends with the full name of a host, with its first label only.
fn without_domain(message: &str) -> String {
    match message.rsplit_once(' ') {
        Some((rest, host)) if rest.ends_with("from") || rest.ends_with("to") => {
            format!("{rest} {}", host.split('.').next().unwrap_or(host))
        }
        _ => message.to_owned(),
    }
}

/// A log line without date and host name.
fn without_date(text: &str) -> &str {
    // `Mar  2 08:00:00 mx1 postfix/smtpd[726]: …`
    let mut rest = text;
    for _ in 0..4 {
        rest = rest.trim_start();
        rest = rest.find(' ').map_or("", |at| &rest[at + 1..]);
    }
    if rest.is_empty() { text } else { rest }
}

/// The data of a record: `10 mx1.example.org`.
pub(super) fn short_record(record: &str, qtype: &str) -> String {
    let fields: Vec<&str> = record.split_whitespace().collect();
    match fields.as_slice() {
        [_, _, kind, data @ ..] if *kind == qtype => data.join(" "),
        [name, _, kind, data @ ..] => format!("{name} {kind} {}", data.join(" ")),
        _ => record.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_shown_by_what_they_say() {
        let cases = [
            ("postfix/smtpd[726]: connect from a.example[192.0.2.1]", "smtpd: connect from a"),
            ("postfix/smtpd[726]: disconnect from a.example[192.0.2.1] ehlo=1 quit=1", "smtpd: disconnect from a"),
            ("postfix/qmgr[9]: 493E11162: removed", "qmgr: removed"),
            (
                "postfix/qmgr[9]: 493E11162: from=<a@b.example>, size=9, nrcpt=1 (queue active)",
                "qmgr: from=<a@b.example>",
            ),
            (
                "postfix/smtp[9]: 493E11162: to=<b@c.example>, relay=none, delay=1, status=deferred (connect to)",
                "smtp: status=deferred, to=<b@c.example>",
            ),
            (
                "postfix/master[5]: daemon started -- version 3.7.11, configuration /etc/postfix",
                "master: daemon started",
            ),
            ("named[33]: all zones loaded", "named: all zones loaded"),
        ];
        for (line, gist) in cases {
            assert_eq!(super::gist(&format!("Mar  2 08:00:00 mx1 {line}")), gist);
        }
        assert_eq!(gist("odd"), "odd");
    }

    #[test]
    fn records_are_shown_by_their_data() {
        assert_eq!(short_record("example.org 3600 MX 10 fks1.example.org", "MX"), "10 fks1.example.org");
        assert_eq!(short_record("w.example.org 3600 CNAME example.org", "A"), "w.example.org CNAME example.org");
    }

    #[test]
    fn commands_are_shown_without_their_parameters() {
        assert_eq!(without_parameters("RCPT TO:<a@b.example> ORCPT=rfc822;a@b.example"), "RCPT TO:<a@b.example> …");
        assert_eq!(without_parameters("RCPT TO:<a@b.example>"), "RCPT TO:<a@b.example>");
        assert_eq!(without_parameters("EHLO a.example"), "EHLO a.example");
    }

    #[test]
    fn replies_are_shown_by_their_first_line() {
        assert_eq!(first_line("250-mx1\n250 SIZE", Some(250)), "mx1");
        assert_eq!(first_line("2.1.0 Ok", Some(250)), "2.1.0 Ok");
    }
}
