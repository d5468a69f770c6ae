//! nslookup(1) of BIND: one question from the command line, or several at its prompt.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::query::{Outcome, Query, configured, literal, qtype};
use crate::dns::{Qtype, Reply, reverse_name};
use crate::host::program::{Env, Program, Progress, Resume};

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Nslookup {
    servers: Vec<SocketAddr>,
    /// The server as it was named.
    server_name: Option<String>,
    /// The record type that is asked for; addresses of both families if none.
    wanted: Option<Qtype>,
    interactive: bool,
    name: String,
    rest: VecDeque<Qtype>,
    query: Option<(Query, Qtype)>,
    /// Whether something was shown for the present name.
    answered: bool,
    status: u8,
}

impl Nslookup {
    pub fn make() -> Box<dyn Program> {
        Box::new(Nslookup::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.servers = configured(env.ctx);
        let mut operands = Vec::new();
        for arg in env.args.iter().skip(1).cloned().collect::<Vec<_>>() {
            match arg.strip_prefix('-') {
                Some("") => self.interactive = true,
                Some(option) => self.set(option, env),
                None => operands.push(arg),
            }
        }
        if let Some(server) = operands.get(1).cloned()
            && !self.use_server(&server, env)
        {
            return Progress::Exit(1);
        }
        match operands.first().cloned() {
            Some(name) if !self.interactive => self.look_up(&name, env),
            _ => {
                self.interactive = true;
                self.prompt(env);
                self.commands(env)
            }
        }
    }

    fn use_server(&mut self, name: &str, env: &mut Env<'_, '_>) -> bool {
        let Some(addr) = literal(name, env.ctx) else {
            env.outln(format!("nslookup: couldn't get address for '{name}': not found"));
            return false;
        };
        self.servers = vec![SocketAddr::new(addr, 53)];
        self.server_name = Some(name.to_owned());
        true
    }

    /// An option like `type=mx`, with or without `set`.
    fn set(&mut self, option: &str, env: &mut Env<'_, '_>) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "type" | "ty" | "t" | "query" | "querytype" | "q" => match qtype(value) {
                Some(found) => self.wanted = Some(found),
                None => env.outln(format!("unknown query type: {value}")),
            },
            "all" | "debug" | "nodebug" | "d2" | "nod2" | "recurse" | "norecurse" | "search" | "nosearch" | "vc"
            | "novc" | "timeout" | "retry" | "port" | "domain" | "class" | "fail" | "nofail" => {}
            other => env.outln(format!("*** Invalid option: {other}")),
        }
    }

    fn prompt(&self, env: &mut Env<'_, '_>) {
        if env.tty {
            env.stdout.extend_from_slice(b"> ");
        }
    }

    /// Takes what was typed until a question is under way.
    fn commands(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while self.query.is_none() {
            let Some(line) = env.stdin.take_line() else {
                return if env.stdin.eof { Progress::Exit(0) } else { Progress::Wait };
            };
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (None, _) => {}
                (Some("exit"), None) => return Progress::Exit(0),
                (Some("set"), Some(option)) => self.set(option, env),
                (Some("server" | "lserver"), Some(server)) => {
                    if self.use_server(server, env) {
                        env.outln(format!("Default server: {server}"));
                        for server in &self.servers {
                            env.outln(format!("Address: {}#{}", server.ip(), server.port()));
                        }
                    }
                }
                (Some(name), server) => {
                    if let Some(server) = server
                        && !self.use_server(server, env)
                    {
                        continue;
                    }
                    return self.look_up(name, env);
                }
            }
            self.prompt(env);
        }
        Progress::Wait
    }

    fn look_up(&mut self, name: &str, env: &mut Env<'_, '_>) -> Progress {
        self.answered = false;
        match name.parse::<IpAddr>() {
            Ok(addr) => {
                self.name = reverse_name(addr).to_string();
                self.rest = [Qtype::Ptr].into();
            }
            Err(_) => {
                self.name = name.trim_end_matches('.').to_owned();
                self.rest = self.wanted.map_or_else(|| [Qtype::A, Qtype::Aaaa].into(), |wanted| [wanted].into());
            }
        }
        self.next(env)
    }

    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(qtype) = self.rest.pop_front() else {
            env.stdout.push(b'\n');
            return self.finished(env);
        };
        match Query::ask(&self.name, qtype, &self.servers, env.ctx) {
            Some(query) => {
                self.query = Some((query, qtype));
                Progress::Wait
            }
            None => {
                env.outln(format!("nslookup: '{}' is not a legal name (empty label)", self.name));
                self.status = 1;
                self.finished(env)
            }
        }
    }

    fn finished(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.query = None;
        if !self.interactive {
            return Progress::Exit(self.status);
        }
        self.prompt(env);
        self.commands(env)
    }

    fn show(&mut self, reply: &Reply, server: SocketAddr, qtype: Qtype, env: &mut Env<'_, '_>) -> Progress {
        let is_second = qtype == Qtype::Aaaa && self.wanted.is_none();
        if !is_second {
            let name = self.server_name.clone().unwrap_or_else(|| server.ip().to_string());
            env.outln(format!("Server:\t\t{name}\nAddress:\t{}#{}\n", server.ip(), server.port()));
        }
        if reply.code != 0 {
            if !is_second {
                env.outln(format!("** server can't find {}: {}\n", self.name, reply.rcode));
                self.status = 1;
            }
            return self.finished(env);
        }
        let authoritative = reply.flags.split(' ').any(|flag| flag == "aa");
        if is_second && reply.answers.iter().all(|line| line.rtype == "CNAME") {
            return self.no_second(env);
        }
        if !authoritative && !is_second {
            env.outln("Non-authoritative answer:");
        }
        for line in &reply.answers {
            if line.rtype == "CNAME" && is_second && self.answered {
                continue;
            }
            env.outln(answer(line.name.trim_end_matches('.'), &line.rtype, &line.data));
        }
        self.answered |= !reply.answers.is_empty();
        if reply.answers.is_empty() && self.rest.is_empty() {
            env.outln(format!("*** Can't find {}: No answer", self.name));
        }
        if !authoritative && !matches!(qtype, Qtype::A | Qtype::Aaaa) {
            env.outln("\nAuthoritative answers can be found from:");
            for line in reply.authority.iter().chain(&reply.additional).filter(|line| line.rtype != "OPT") {
                let name = line.name.trim_end_matches('.');
                env.outln(match line.rtype.as_str() {
                    "A" => format!("{name}\tinternet address = {}", line.data),
                    "AAAA" => format!("{name}\thas AAAA address {}", line.data),
                    rtype => answer(name, rtype, &line.data),
                });
            }
        }
        self.next(env)
    }

    /// The answer without IPv6 addresses, which counts only if there was none with others.
    fn no_second(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if !self.answered {
            env.outln(format!("*** Can't find {}: No answer", self.name));
        }
        self.next(env)
    }
}

/// A record as nslookup prints it.
fn answer(name: &str, rtype: &str, data: &str) -> String {
    match rtype {
        "A" | "AAAA" => format!("Name:\t{name}\nAddress: {data}"),
        "CNAME" => format!("{name}\tcanonical name = {data}"),
        "MX" => format!("{name}\tmail exchanger = {data}"),
        "NS" => format!("{name}\tnameserver = {data}"),
        "PTR" => format!("{name}\tname = {data}"),
        "TXT" => format!("{name}\ttext = {data}"),
        "SOA" => {
            let names = ["origin", "mail addr", "serial", "refresh", "retry", "expire", "minimum"];
            let values = data.split(' ').map(|value| value.trim_end_matches('.'));
            let lines: Vec<String> =
                names.iter().zip(values).map(|(name, value)| format!("\t{name} = {value}")).collect();
            format!("{name}\n{}", lines.join("\n"))
        }
        other => format!("{name}\trdata_{other} = {data}"),
    }
}

impl Program for Nslookup {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let input = match resume {
            Resume::Start => return self.begin(env),
            Resume::Stdin if self.interactive => return self.commands(env),
            Resume::Input(input) => input,
            _ => return Progress::Wait,
        };
        let Some((query, qtype)) = &mut self.query else { return Progress::Wait };
        let qtype = *qtype;
        match query.handle(&input, env.ctx) {
            Outcome::Open => Progress::Wait,
            Outcome::Silence => {
                env.outln(";; connection timed out; no servers could be reached\n");
                self.status = 1;
                self.finished(env)
            }
            Outcome::Answered(reply, server, _) => {
                self.query = None;
                self.show(&reply, server, qtype, env)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
