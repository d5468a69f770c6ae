//! host(1) of BIND.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::query::{Outcome, Query, configured, literal, qtype};
use crate::dns::{Qtype, Reply, reverse_name};
use crate::host::program::{Env, Program, Progress, Resume};

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct HostTool {
    name: String,
    explicit: bool,
    servers: Vec<SocketAddr>,
    rest: VecDeque<Qtype>,
    query: Option<(Query, Qtype)>,
}

impl HostTool {
    pub fn make() -> Box<dyn Program> {
        Box::new(HostTool::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut operands = Vec::new();
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-t" => match args.next().map(|text| (text, qtype(text))) {
                    Some((_, Some(found))) => self.rest.push_back(found),
                    other => {
                        let text = other.map_or("", |(text, _)| text).to_owned();
                        env.errln(format!("host: invalid type: {text}"));
                        return Progress::Exit(1);
                    }
                },
                "-a" => self.rest.push_back(Qtype::Any),
                option if option.starts_with('-') && option.len() > 1 => {}
                operand => operands.push(operand.to_owned()),
            }
        }
        let Some(name) = operands.first() else {
            env.errln("Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]");
            return Progress::Exit(1);
        };
        self.servers = configured(env.ctx);
        if let Some(server) = operands.get(1) {
            let Some(addr) = literal(server, env.ctx) else {
                env.errln(format!("host: couldn't get address for '{server}': not found"));
                return Progress::Exit(1);
            };
            self.servers = vec![SocketAddr::new(addr, 53)];
            env.outln(format!("Using domain server:\nName: {server}\nAddress: {addr}#53\nAliases: \n"));
        }
        self.explicit = !self.rest.is_empty();
        self.name = name.trim_end_matches('.').to_owned();
        if let Ok(addr) = name.parse::<IpAddr>() {
            self.name = reverse_name(addr).to_string();
            self.rest = [Qtype::Ptr].into();
            self.explicit = true;
        } else if !self.explicit {
            self.rest = [Qtype::A, Qtype::Aaaa, Qtype::Mx].into();
        }
        self.next(env)
    }

    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(qtype) = self.rest.pop_front() else { return Progress::Exit(0) };
        match Query::ask(&self.name, qtype, &self.servers, env.ctx) {
            Some(query) => {
                self.query = Some((query, qtype));
                Progress::Wait
            }
            None => {
                env.outln(format!("host: '{}' is not a legal name (empty label)", self.name));
                Progress::Exit(1)
            }
        }
    }

    fn show(&mut self, reply: &Reply, qtype: Qtype, env: &mut Env<'_, '_>) -> Progress {
        if reply.code != 0 {
            env.outln(format!("Host {} not found: {}({})", self.name, reply.code, reply.rcode));
            return Progress::Exit(1);
        }
        let mut shown = false;
        for line in &reply.answers {
            let (name, data) = (line.name.trim_end_matches('.'), &line.data);
            shown |= line.rtype == qtype.to_string().as_str() || qtype == Qtype::Any;
            // A chain of aliases is told once, with the first question.
            if line.rtype == "CNAME" && !self.explicit && qtype != Qtype::A {
                continue;
            }
            env.outln(match line.rtype.as_str() {
                "A" => format!("{name} has address {data}"),
                "AAAA" => format!("{name} has IPv6 address {data}"),
                "MX" => format!("{name} mail is handled by {data}"),
                "CNAME" => format!("{name} is an alias for {data}"),
                "PTR" => format!("{name} domain name pointer {data}"),
                "NS" => format!("{name} name server {data}"),
                "TXT" => format!("{name} descriptive text {data}"),
                "SOA" => format!("{name} has SOA record {data}"),
                "SRV" => format!("{name} has SRV record {data}"),
                other => format!("{name} has {other} record {data}"),
            });
        }
        if !shown && self.explicit {
            env.outln(format!("{} has no {qtype} record", self.name));
        }
        self.next(env)
    }
}

impl Program for HostTool {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let input = match resume {
            Resume::Start => return self.begin(env),
            Resume::Input(input) => input,
            _ => return Progress::Wait,
        };
        let Some((query, qtype)) = &mut self.query else { return Progress::Wait };
        match (query.handle(&input, env.ctx), *qtype) {
            (Outcome::Open, _) => Progress::Wait,
            (Outcome::Silence, _) => {
                env.outln(";; connection timed out; no servers could be reached");
                Progress::Exit(1)
            }
            (Outcome::Answered(reply, ..), qtype) => self.show(&reply, qtype, env),
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
