//! dig(1) of BIND.

use std::net::SocketAddr;
use std::time::Duration;

use super::query::{Outcome, Query, configured, literal, qtype};
use crate::dns::reply::Line;
use crate::dns::{Qtype, Reply, reverse_name};
use crate::host::program::{Env, Program, Progress, Resume};

/// The version that is imitated.
const VERSION: &str = "9.18.33-1~deb12u2-Debian";

/// The running command.
#[derive(Clone, Debug)]
pub struct Dig {
    short: bool,
    comments: bool,
    answer: bool,
    question: bool,
    query: Option<Query>,
}

impl Dig {
    pub fn make() -> Box<dyn Program> {
        Box::new(Dig { short: false, comments: true, answer: true, question: true, query: None })
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let (mut name, mut wanted, mut servers) = (None, None, configured(env.ctx));
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-t" => wanted = args.next().and_then(|text| qtype(text)),
                "-x" => {
                    name = args.next().and_then(|text| text.parse().ok()).map(|addr| reverse_name(addr).to_string());
                    wanted = Some(Qtype::Ptr);
                }
                "+short" => self.short = true,
                "+noall" => (self.comments, self.answer, self.question) = (false, false, false),
                "+answer" => self.answer = true,
                "+nocomments" => self.comments = false,
                "IN" => {}
                option if option.starts_with('+') || (option.starts_with('-') && option.len() > 1) => {}
                server if server.starts_with('@') => {
                    let Some(addr) = literal(&server[1..], env.ctx) else {
                        env.errln(format!("dig: couldn't get address for '{}': not found", &server[1..]));
                        return Progress::Exit(10);
                    };
                    servers = vec![SocketAddr::new(addr, 53)];
                }
                word => match qtype(word) {
                    Some(found) => wanted = Some(found),
                    None => name = Some(word.to_owned()),
                },
            }
        }
        if !self.short && (self.comments || self.question) {
            let args = env.args[1..].join(" ");
            env.outln(format!("\n; <<>> DiG {VERSION} <<>> {args}\n;; global options: +cmd"));
        }
        let wanted = wanted.unwrap_or(if name.is_some() { Qtype::A } else { Qtype::Ns });
        let name = name.unwrap_or_else(|| ".".into());
        self.query = Query::ask(&name, wanted, &servers, env.ctx);
        if self.query.is_none() {
            env.errln(format!("dig: '{name}' is not a legal name (empty label)"));
            return Progress::Exit(10);
        }
        Progress::Wait
    }

    fn show(&self, reply: &Reply, server: SocketAddr, took: Duration, env: &mut Env<'_, '_>) {
        if self.short {
            reply.answers.iter().for_each(|line| env.outln(&line.data));
            return;
        }
        if self.comments {
            let (questions, extra) = (u8::from(reply.question.is_some()), usize::from(reply.udp.is_some()));
            env.outln(";; Got answer:");
            env.outln(format!(";; ->>HEADER<<- opcode: QUERY, status: {}, id: {}", reply.rcode, reply.id));
            env.outln(format!(
                ";; flags: {}; QUERY: {questions}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}",
                reply.flags,
                reply.answers.len(),
                reply.authority.len(),
                reply.additional.len() + extra
            ));
            if !reply.recursion {
                env.outln(";; WARNING: recursion requested but not available");
            }
            env.outln("");
            if let Some(udp) = reply.udp {
                env.outln(format!(";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: {udp}"));
            }
        }
        if let (true, Some((name, qtype))) = (self.question, &reply.question) {
            let name = format!(";{name}");
            env.outln(format!(";; QUESTION SECTION:\n{name}{}IN\t{qtype}\n", indent(name.len(), 32)));
        }
        let all = self.comments && self.question;
        for (title, lines, wanted) in [
            ("ANSWER", &reply.answers, self.answer),
            ("AUTHORITY", &reply.authority, all),
            ("ADDITIONAL", &reply.additional, all),
        ] {
            if !wanted || lines.is_empty() {
                continue;
            }
            if self.comments {
                env.outln(format!(";; {title} SECTION:"));
            }
            lines.iter().for_each(|line| env.outln(record(line)));
            if self.comments {
                env.outln("");
            }
        }
        if self.comments {
            let when = env.ctx.now.zoned(&env.ctx.host.zone).strftime("%a %b %d %H:%M:%S %Z %Y").to_string();
            let (addr, port) = (server.ip(), server.port());
            env.outln(format!(";; Query time: {} msec\n;; SERVER: {addr}#{port}({addr}) (UDP)", took.as_millis()));
            env.outln(format!(";; WHEN: {when}\n;; MSG SIZE  rcvd: {}\n", reply.size));
        }
    }
}

/// White space from one column to another, as in BIND's master files.
fn indent(from: usize, to: usize) -> String {
    let to = to.max(from + 1);
    let tabs = to / 8 - from / 8;
    let spaces = if tabs > 0 { to % 8 } else { to - from };
    "\t".repeat(tabs) + &" ".repeat(spaces)
}

/// A record in columns: the time to live at 24, class at 32, type at 40, data at 48.
fn record(line: &Line) -> String {
    let mut text = format!("{}{}{}", line.name, indent(line.name.len(), 24), line.ttl);
    let column = line.name.len().max(23) + 1 + line.ttl.to_string().len();
    text.push_str(&indent(column, 32));
    format!("{text}IN\t{}\t{}", line.rtype, line.data)
}

impl Program for Dig {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let input = match resume {
            Resume::Start => return self.begin(env),
            Resume::Input(input) => input,
            _ => return Progress::Wait,
        };
        let Some(query) = &mut self.query else { return Progress::Wait };
        match query.handle(&input, env.ctx) {
            Outcome::Open => Progress::Wait,
            Outcome::Silence => {
                env.outln(";; no servers could be reached");
                Progress::Exit(9)
            }
            Outcome::Answered(reply, server, took) => {
                self.show(&reply, server, took, env);
                Progress::Exit(0)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_stand_in_columns() {
        let line = |name: &str| Line { name: name.into(), ttl: 3600, rtype: "MX".into(), data: "10 mx.test.".into() };
        assert_eq!(record(&line("example.org.")), "example.org.\t\t3600\tIN\tMX\t10 mx.test.");
        let long = "a-very-long-name-indeed.example.org.";
        assert_eq!(record(&line(long)), format!("{long} 3600 IN\tMX\t10 mx.test."));
    }
}
