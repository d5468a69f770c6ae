//! ping(8) of iputils. There is no ICMP in the world: a probe is a TCP connection to the echo port,
//! and a host that refuses it is as alive as one that answers.

use std::net::{IpAddr, SocketAddr};

use crate::host::dial::{DialError, Dialer};
use crate::host::process::Input;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::sim::net::NetInput;
use crate::sim::{ConnectError, Duration, Socket, Time};

/// The port of the echo service (RFC 862).
const ECHO: u16 = 7;
/// Timers: the next probe, and the end of the wait for the last answer.
const NEXT: u64 = 1;
const LAST: u64 = 2;

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Ping {
    target: String,
    count: Option<u64>,
    /// Seconds that the last answer is waited for.
    wait: u64,
    quiet: bool,
    dialer: Option<Dialer>,
    addr: Option<IpAddr>,
    started: Time,
    sent: u64,
    /// Probes under way: number, socket, time.
    open: Vec<(u64, Socket, Time)>,
    /// Round-trip times in microseconds.
    times: Vec<u64>,
    errors: u64,
}

impl Ping {
    pub fn make() -> Box<dyn Program> {
        Box::new(Ping::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.wait = 10;
        // `-c1` is `-c 1`.
        let takes_value = |arg: &str| arg.len() > 2 && ["-c", "-W", "-w", "-i", "-s", "-t"].contains(&&arg[..2]);
        let args: Vec<String> = env.args[1..]
            .iter()
            .flat_map(|arg| match arg {
                arg if arg.is_char_boundary(2) && takes_value(arg) => vec![arg[..2].to_owned(), arg[2..].to_owned()],
                arg => vec![arg.clone()],
            })
            .collect();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-q" => self.quiet = true,
                "-4" | "-6" | "-n" => {}
                "-c" | "-W" | "-w" | "-i" | "-s" | "-t" => {
                    let Some(value) = args.next() else {
                        env.errln(format!("ping: option requires an argument -- '{}'", &arg[1..]));
                        return Progress::Exit(1);
                    };
                    match (arg.as_str(), value.parse::<u64>()) {
                        ("-c", Ok(count)) if count > 0 => self.count = Some(count),
                        ("-W", Ok(seconds)) => self.wait = seconds,
                        ("-c" | "-W", _) => {
                            env.errln(format!("ping: invalid argument: '{value}'"));
                            return Progress::Exit(1);
                        }
                        _ => {}
                    }
                }
                option if option.starts_with('-') => {
                    let letter = option.trim_start_matches('-');
                    env.errln(format!("ping: invalid option -- '{letter}'\n\nUsage\n  ping [options] <destination>"));
                    return Progress::Exit(2);
                }
                target => target.clone_into(&mut self.target),
            }
        }
        if self.target.is_empty() {
            env.errln("ping: usage error: Destination address required");
            return Progress::Exit(1);
        }
        let mut dialer = Dialer::to(&self.target, ECHO);
        let sock = dialer.start(env.ctx);
        let addr = dialer.trying();
        self.dialer = Some(dialer);
        match (sock, addr) {
            (Some(sock), Some(addr)) => self.first(sock, addr.ip(), env),
            _ => Progress::Wait,
        }
    }

    fn first(&mut self, sock: Socket, addr: IpAddr, env: &mut Env<'_, '_>) -> Progress {
        self.addr = Some(addr);
        self.started = env.ctx.now;
        let sizes = if addr.is_ipv4() { "56(84) bytes of data." } else { "56 data bytes" };
        env.outln(format!("PING {} ({addr}) {sizes}", self.target));
        self.probe(sock, env);
        Progress::Wait
    }

    fn probe(&mut self, sock: Socket, env: &mut Env<'_, '_>) {
        self.sent += 1;
        self.open.push((self.sent, sock, env.ctx.now));
        let is_last = self.count.is_some_and(|count| self.sent >= count);
        let (token, seconds) = if is_last { (LAST, self.wait) } else { (NEXT, 1) };
        env.ctx.wake_at(env.ctx.now + Duration::from_secs(seconds), token, "ping");
    }

    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(addr) = self.addr else { return Progress::Wait };
        let sock = env.ctx.connect(None, SocketAddr::new(addr, ECHO));
        self.probe(sock, env);
        Progress::Wait
    }

    fn answered(&mut self, sock: Socket, error: Option<ConnectError>, env: &mut Env<'_, '_>) -> Progress {
        let Some(at) = self.open.iter().position(|(_, own, _)| *own == sock) else { return Progress::Wait };
        let (number, _, sent) = self.open.remove(at);
        let addr = self.addr.map(|addr| addr.to_string()).unwrap_or_default();
        let place = if self.target == addr { addr.clone() } else { format!("{} ({addr})", self.target) };
        match error {
            None | Some(ConnectError::Refused) => {
                let micros = u64::try_from(env.ctx.now.since(sent).as_micros()).unwrap_or(u64::MAX);
                self.times.push(micros);
                if !self.quiet {
                    env.outln(format!("64 bytes from {place}: icmp_seq={number} ttl=64 time={} ms", millis(micros)));
                }
            }
            Some(ConnectError::NetworkUnreachable) => {
                env.errln("ping: connect: Network is unreachable");
                return Progress::Exit(2);
            }
            Some(ConnectError::Unreachable) => {
                self.errors += 1;
                let own = env.ctx.host.addrs.first().map(ToString::to_string).unwrap_or_default();
                env.outln(format!("From {own} icmp_seq={number} Destination Host Unreachable"));
            }
            Some(ConnectError::Timeout | ConnectError::NoSuchFile) => return Progress::Wait,
        }
        if self.open.is_empty() && self.count.is_some_and(|count| self.sent >= count) {
            return self.finish(env);
        }
        Progress::Wait
    }

    fn finish(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let received = self.times.len() as u64;
        let lost = 100 * self.sent.saturating_sub(received) / self.sent.max(1);
        let errors = if self.errors > 0 { format!("+{} errors, ", self.errors) } else { String::new() };
        let time = env.ctx.now.since(self.started).as_millis();
        env.outln(format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {received} received, {errors}{lost}% packet loss, time {time}ms",
            self.target, self.sent
        ));
        let total: u64 = self.times.iter().sum();
        let Some(mean) = total.checked_div(received) else {
            env.stdout.push(b'\n');
            return Progress::Exit(1);
        };
        let (least, most) = (self.times.iter().min().copied(), self.times.iter().max().copied());
        let squares: u64 = self.times.iter().map(|time| time.abs_diff(mean).saturating_pow(2)).sum();
        let deviation = squares.checked_div(received).unwrap_or(0).isqrt();
        let three = |micros: u64| format!("{}.{:03}", micros / 1000, micros % 1000);
        env.outln(format!(
            "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
            three(least.unwrap_or(0)),
            three(mean),
            three(most.unwrap_or(0)),
            three(deviation)
        ));
        Progress::Exit(0)
    }
}

/// Milliseconds with as many digits as ping shows.
fn millis(micros: u64) -> String {
    match micros {
        0..1_000 => format!("0.{micros:03}"),
        1_000..10_000 => format!("{}.{:02}", micros / 1000, micros % 1000 / 10),
        10_000..100_000 => format!("{}.{}", micros / 1000, micros % 1000 / 100),
        _ => (micros / 1000).to_string(),
    }
}

impl Program for Ping {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Input(Input::Resolved { token, lookup }) => {
                let Some(dialer) = &mut self.dialer else { return Progress::Wait };
                match (dialer.resolved(token, &lookup, env.ctx), dialer.trying()) {
                    (Ok(Some(sock)), Some(addr)) => self.first(sock, addr.ip(), env),
                    (Err(DialError::NoSuchHost { host }), _) => {
                        env.errln(format!("ping: {host}: Name or service not known"));
                        Progress::Exit(2)
                    }
                    _ => Progress::Wait,
                }
            }
            Resume::Input(Input::Net(NetInput::Connected { sock, .. })) => {
                env.ctx.close(sock);
                self.answered(sock, None, env)
            }
            Resume::Input(Input::Net(NetInput::ConnectFailed { sock, error, .. })) => {
                self.answered(sock, Some(error), env)
            }
            Resume::Input(Input::Wake(NEXT)) => self.next(env),
            Resume::Input(Input::Wake(LAST)) => self.finish(env),
            Resume::Input(Input::Signal(_)) => self.finish(env),
            _ => Progress::Wait,
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
    fn times_have_three_digits() {
        for (micros, text) in [(57, "0.057"), (1_234, "1.23"), (20_480, "20.4"), (123_456, "123")] {
            assert_eq!(millis(micros), text);
        }
    }
}
