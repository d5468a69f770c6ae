//! `delist`, which asks a block list to test a host and to take it off, and `dnsbl-trap`, which
//! tells the list of its own host who sent mail to a trap.

use std::net::{IpAddr, Ipv4Addr};

use super::{PORT, USUAL_ZONE};
use crate::dns::{Hosts, Qtype};
use crate::host::dial::Dialer;
use crate::host::process::Input;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::vfs::Cred;
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket};

/// The token of the question for the address of the host that is to be taken off.
const WHOM: u64 = 1;
/// Octets of an answer that are kept.
const MAX_ANSWER: usize = 1 << 16;
/// `EX_TEMPFAIL` (sysexits.h): Postfix tries the delivery again.
const TRY_AGAIN: u8 = 75;

/// One request to the desk.
#[derive(Clone, Debug)]
struct Request {
    dialer: Dialer,
    target: String,
    sock: Option<Socket>,
    answer: Vec<u8>,
}

/// What became of a request.
enum Step {
    Wait,
    Failed(String),
    /// The status of HTTP and the text.
    Answered(u16, String),
}

impl Request {
    fn begin(server: &str, target: String, env: &mut Env<'_, '_>) -> Request {
        let mut dialer = Dialer::new(server, PORT);
        let sock = dialer.start(env.ctx);
        Request { dialer, target, sock, answer: Vec::new() }
    }

    fn handle(&mut self, input: Input, env: &mut Env<'_, '_>) -> Step {
        match input {
            Input::Resolved { token, lookup } => match self.dialer.resolved(token, &lookup, env.ctx) {
                Ok(sock) => self.sock = sock,
                Err(error) => return Step::Failed(error.to_string()),
            },
            Input::Net(NetInput::ConnectFailed { error, .. }) => match self.dialer.failed(error, env.ctx) {
                Ok(sock) => self.sock = Some(sock),
                Err(error) => return Step::Failed(error.to_string()),
            },
            Input::Net(NetInput::Connected { sock, .. }) => {
                env.ctx.send(sock, format!("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", self.target, self.dialer.host));
            }
            Input::Net(NetInput::Data { payload: Payload::Bytes(bytes), .. }) => {
                self.answer.extend_from_slice(&bytes);
                self.answer.truncate(MAX_ANSWER);
            }
            Input::Net(NetInput::Eof { sock }) => {
                env.ctx.close(sock);
                return self.answered();
            }
            Input::Net(NetInput::Reset { .. }) => return Step::Failed("Connection reset by peer".into()),
            _ => {}
        }
        Step::Wait
    }

    fn answered(&self) -> Step {
        let text = String::from_utf8_lossy(&self.answer);
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        match (status, text.split_once("\r\n\r\n")) {
            (Some(status), Some((_, body))) => Step::Answered(status, body.trim_end().to_owned()),
            _ => Step::Failed("the server did not answer as a web server does".into()),
        }
    }
}

/// `delist [-z ZONE] HOST`.
#[derive(Clone, Debug, Default)]
pub struct Delist {
    zone: String,
    host: String,
    request: Option<Request>,
}

impl Delist {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(Delist::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-z" => self.zone = args.next().cloned().unwrap_or_default(),
                option if option.starts_with('-') => self.host.clear(),
                host => host.clone_into(&mut self.host),
            }
        }
        if self.zone.is_empty() {
            USUAL_ZONE.clone_into(&mut self.zone);
        }
        if self.host.is_empty() {
            env.errln("usage: delist [-z zone] host");
            return Progress::Exit(2);
        }
        let hosts = env.ctx.host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default();
        let known =
            Hosts::parse(&hosts).by_name(&self.host).into_iter().find(|addr| addr.is_ipv4() && !addr.is_loopback());
        match self.host.parse().ok().or(known) {
            Some(IpAddr::V4(address)) => self.ask(address, env),
            Some(IpAddr::V6(address)) => {
                env.errln(format!("delist: {address}: the list knows IPv4 addresses only"));
                return Progress::Exit(2);
            }
            None => env.ctx.resolve(WHOM, self.host.trim_end_matches('.'), Qtype::A),
        }
        Progress::Wait
    }

    fn ask(&mut self, address: Ipv4Addr, env: &mut Env<'_, '_>) {
        self.request = Some(Request::begin(&self.zone.clone(), format!("/delist?address={address}"), env));
    }
}

impl Program for Delist {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let step = match (resume, &mut self.request) {
            (Resume::Start, _) => return self.begin(env),
            (Resume::Input(Input::Resolved { token: WHOM, lookup }), None) => {
                let address = lookup.addresses().find_map(|addr| match addr {
                    IpAddr::V4(addr) => Some(addr),
                    IpAddr::V6(_) => None,
                });
                let Some(address) = address else {
                    env.errln(format!("delist: {}: host not found", self.host));
                    return Progress::Exit(2);
                };
                self.ask(address, env);
                Step::Wait
            }
            (Resume::Input(input), Some(request)) => request.handle(input, env),
            _ => Step::Wait,
        };
        match step {
            Step::Wait => Progress::Wait,
            Step::Failed(text) => {
                env.errln(format!("delist: {text}"));
                Progress::Exit(2)
            }
            Step::Answered(status, text) => {
                env.outln(text);
                Progress::Exit(u8::from(status / 100 != 2))
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `dnsbl-trap`: reads a mail from standard input.
#[derive(Clone, Debug, Default)]
pub struct Trap {
    request: Option<Request>,
}

impl Trap {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(Trap::default())
    }
}

/// The host that handed a mail in: the address in the first `Received:` field that names one of
/// another host.
fn client(mail: &str) -> Option<Ipv4Addr> {
    let header = mail.split("\n\n").next()?.replace("\n\t", " ").replace("\n ", " ");
    let fields = header.lines().filter_map(|line| line.strip_prefix("Received: from "));
    fields
        .filter_map(|field| field.split_once('[')?.1.split(']').next()?.parse::<Ipv4Addr>().ok())
        .find(|addr| !addr.is_loopback())
}

impl Program for Trap {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        let Some(request) = &mut self.request else {
            if !env.stdin.eof {
                return Progress::Wait;
            }
            let mail = String::from_utf8_lossy(&std::mem::take(&mut env.stdin.buffer)).replace("\r\n", "\n");
            // A mail that no other host handed in tells of nobody.
            let Some(address) = client(&mail) else { return Progress::Exit(0) };
            self.request = Some(Request::begin("127.0.0.1", format!("/report?address={address}"), env));
            return Progress::Wait;
        };
        let Resume::Input(input) = resume else { return Progress::Wait };
        match request.handle(input, env) {
            Step::Wait => Progress::Wait,
            Step::Failed(text) => {
                env.errln(format!("dnsbl-trap: {text}"));
                Progress::Exit(TRY_AGAIN)
            }
            Step::Answered(status, _) if status / 100 == 2 => Progress::Exit(0),
            Step::Answered(_, text) => {
                env.errln(format!("dnsbl-trap: {text}"));
                Progress::Exit(TRY_AGAIN)
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
    fn the_host_that_handed_a_mail_in_stands_in_the_first_received_field() {
        let mail = "Return-Path: <x@y>\nReceived: from mx1.example.com (mx1.example.com [192.0.2.10])\n\tby trap (Postfix)\n\
                    Received: from a (a [203.0.113.66])\n\nReceived: from b (b [198.51.100.1])\n";
        assert_eq!(client(mail), Some(Ipv4Addr::new(192, 0, 2, 10)));
        assert_eq!(client("Received: by trap (Postfix, from userid 0)\n\nx\n"), None);
    }
}
