//! The dialogue: what is said next, and what each reply leads to.

use super::auth::{Auth, Said};
use super::options::{Point, Want};
use super::transcript::Line;
use super::{Step, Swaks, status};
use crate::host::tls;
use crate::host::{Env, Progress};
use crate::sim::{Duration, Socket};

impl Swaks {
    pub(super) fn hello(&mut self, sock: Socket, env: &mut Env<'_, '_>) -> Progress {
        self.in_handshake = true;
        let name = self.options.tls_sni.clone().unwrap_or_default();
        let name = if name.is_empty() {
            self.dialer.as_ref().map(|own| own.host.to_string()).unwrap_or_default()
        } else {
            name
        };
        tls::client_hello(sock, &name, env.ctx);
        Progress::Wait
    }

    pub(super) fn await_reply(&mut self, step: Step, env: &mut Env<'_, '_>) {
        self.awaited.push_back(step);
        self.arm(env);
    }

    pub(super) fn timeout(&self) -> u64 {
        self.options.timeout.unwrap_or(30)
    }

    pub(super) fn arm(&mut self, env: &mut Env<'_, '_>) {
        self.heard += 1;
        if self.timeout() > 0 {
            env.ctx.wake_at(env.ctx.now + Duration::from_secs(self.timeout()), self.heard, "swaks's time-out");
        }
    }

    /// Sends a command, together with those held back, unless it may wait itself.
    pub(super) fn transact(&mut self, said: Said, step: Step, may_wait: bool, env: &mut Env<'_, '_>) -> Progress {
        self.held.push((said, step));
        let pipelines = self.options.pipeline && self.offers.iter().any(|offer| offer == "PIPELINING");
        if may_wait && pipelines {
            return self.after(step, env);
        }
        let mut wire = String::new();
        for (said, step) in std::mem::take(&mut self.held) {
            let shown = match step {
                Step::Dot if self.options.show.brief_data => format!("{} lines sent", said.shown.split('\n').count()),
                _ => said.shown,
            };
            self.say(Line::Send, &shown, env);
            wire.push_str(&said.wire);
            wire.push_str("\r\n");
            self.awaited.push_back(step);
        }
        if let Some(sock) = self.sock {
            env.ctx.send(sock, wire);
        }
        self.arm(env);
        Progress::Wait
    }

    pub(super) fn command(&mut self, line: String, step: Step, may_wait: bool, env: &mut Env<'_, '_>) -> Progress {
        self.transact(Said { shown: line.clone(), wire: line }, step, may_wait, env)
    }

    pub(super) fn helo(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        let protocol = self.options.protocol.clone().unwrap_or_else(|| "ESMTP".into());
        let verb = match protocol.as_str() {
            name if name.starts_with("LMTP") => "LHLO",
            "SMTP" | "SSMTP" => "HELO",
            _ if self.plain_helo => "HELO",
            _ => "EHLO",
        };
        self.plain_helo |= verb == "HELO";
        let name = self.options.helo.clone().unwrap_or_default();
        self.command(format!("{verb} {name}"), step, false, env)
    }

    /// Ends the session with QUIT; `status` is what the program exits with.
    pub(super) fn quit(&mut self, status: u8, env: &mut Env<'_, '_>) -> Progress {
        if std::mem::replace(&mut self.quitting, true) {
            return Progress::Wait;
        }
        self.status = status;
        self.command("QUIT".into(), Step::Quit, false, env)
    }

    /// Whether the session ends at this point, as an option says.
    pub(super) fn stops(&mut self, point: Point, env: &mut Env<'_, '_>) -> Option<Progress> {
        if self.options.drop_after == Some(point) {
            self.say(Line::Info, "Dropping connection", env);
            self.hang_up(env);
            return Some(Progress::Exit(0));
        }
        (self.options.quit_after == Some(point)).then(|| self.quit(0, env))
    }

    /// A whole reply came.
    pub(super) fn replied(&mut self, text: &str, env: &mut Env<'_, '_>) -> Progress {
        let Some(step) = self.awaited.pop_front() else { return Progress::Wait };
        if self.options.show.time_lapse {
            self.say(Line::Info, "response in 0.000s", env);
        }
        let code = text.get(..3).unwrap_or_default().to_owned();
        let is_challenge = step == Step::Auth && code == "334";
        let good = code == step.expected() || is_challenge;
        let shown = match &self.auth {
            Some(auth) if is_challenge => auth.show(text.to_owned()),
            _ => text.to_owned(),
        };
        self.say(if good { Line::Receive } else { Line::Unexpected }, &shown, env);
        match step {
            Step::Mail => self.mail_refused |= !good,
            Step::Rcpt => self.refused += usize::from(!good),
            Step::FirstHelo | Step::Helo | Step::XclientHelo if good => {
                self.offers = text.lines().map(|line| line.get(4..).unwrap_or_default().to_owned()).collect();
            }
            _ => {}
        }
        if !self.awaited.is_empty() {
            self.arm(env);
            return Progress::Wait;
        }
        if step == Step::Quit {
            return self.closed(env);
        }
        if self.mail_refused {
            return self.quit(status::MAIL, env);
        }
        if self.total > 0 && self.refused == self.total {
            return self.quit(status::RCPT, env);
        }
        if is_challenge {
            let challenge = text.get(4..).unwrap_or_default().to_owned();
            return match self.auth.as_mut().and_then(|auth| auth.respond(&challenge)) {
                Some(said) => self.transact(said, Step::Auth, false, env),
                None => self.command("*".into(), Step::Auth, false, env),
            };
        }
        if good { self.after(step, env) } else { self.failed(step, env) }
    }

    /// An unexpected reply.
    pub(super) fn failed(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        match step {
            Step::Banner => self.quit(status::BANNER, env),
            Step::FirstHelo | Step::Helo | Step::XclientHelo if !self.plain_helo => {
                self.plain_helo = true;
                self.helo(step, env)
            }
            Step::FirstHelo => self.quit(status::HELO, env),
            Step::Helo => self.quit(status::HELO_AFTER_TLS, env),
            Step::XclientHelo => self.quit(status::HELO_AFTER_XCLIENT, env),
            Step::StartTls => self.tls_failed(None, env),
            Step::Xclient => {
                self.say(Line::Error, "XCLIENT attempted but failed.  Exiting", env);
                if self.options.xclient_optional { self.authenticate(env) } else { self.quit(status::XCLIENT, env) }
            }
            Step::Auth => self.next_mechanism(env),
            Step::Data => self.quit(status::DATA, env),
            Step::Dot => self.quit(status::DOT, env),
            Step::Mail | Step::Rcpt => self.after(step, env),
            Step::Quit => self.closed(env),
        }
    }

    /// Goes on after a step that went well, or was only held back.
    pub(super) fn after(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        match step {
            Step::Banner => match self.stops(Point::Connect, env) {
                Some(progress) => progress,
                None => self.helo(Step::FirstHelo, env),
            },
            Step::FirstHelo => match self.stops(Point::FirstHelo, env) {
                Some(progress) => progress,
                None => self.secure(env),
            },
            Step::StartTls => match self.sock {
                Some(sock) => self.hello(sock, env),
                None => Progress::Wait,
            },
            Step::Helo => match self.stops(Point::Helo, env) {
                Some(progress) => progress,
                None => self.claim(env),
            },
            Step::Xclient => match self.options.xclient.get(self.xclients).cloned() {
                Some(attributes) => {
                    self.xclients += 1;
                    self.command(format!("XCLIENT {attributes}"), Step::Xclient, false, env)
                }
                None => match self.stops(Point::Xclient, env) {
                    Some(progress) => progress,
                    None => self.helo(Step::XclientHelo, env),
                },
            },
            Step::XclientHelo => self.authenticate(env),
            Step::Auth => self.envelope(env),
            Step::Mail => match self.stops(Point::Mail, env) {
                Some(progress) => progress,
                None => self.recipient(env),
            },
            Step::Rcpt => self.recipient(env),
            Step::Data => {
                if self.options.drop_after == Some(Point::Data) {
                    return self.stops(Point::Data, env).unwrap_or(Progress::Wait);
                }
                let wire = self.message.clone();
                let shown = wire.replace("\r\n", "\n");
                self.transact(Said { wire, shown }, Step::Dot, false, env)
            }
            Step::Dot => self.quit(0, env),
            Step::Quit => self.closed(env),
        }
    }

    pub(super) fn offers(&self, keyword: &str) -> bool {
        self.offers.iter().any(|offer| {
            offer == keyword || offer.strip_prefix(keyword).is_some_and(|rest| rest.starts_with([' ', '=']))
        })
    }

    pub(super) fn envelope(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(progress) = self.stops(Point::Auth, env) {
            return progress;
        }
        let from = self.options.from.clone().unwrap_or_default();
        self.command(format!("MAIL FROM:<{from}>"), Step::Mail, true, env)
    }

    pub(super) fn recipient(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(to) = self.recipients.pop_front() {
            return self.command(format!("RCPT TO:<{to}>"), Step::Rcpt, true, env);
        }
        match self.stops(Point::Rcpt, env) {
            Some(progress) => progress,
            None => self.command("DATA".into(), Step::Data, false, env),
        }
    }

    pub(super) fn authenticate(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.auth == Want::No {
            return self.envelope(env);
        }
        let offer = self.offers.iter().find_map(|offer| offer.strip_prefix("AUTH"));
        let Some(offer) = offer else {
            return self.not_authenticated("Host did not advertise authentication", env);
        };
        let offered: Vec<String> = offer.split([' ', '=']).map(str::to_owned).collect();
        self.auth = Auth::new(&self.options, &offered);
        if self.auth.is_none() {
            return self.not_authenticated("Auth not attempted, requested type not available", env);
        }
        self.next_mechanism(env)
    }

    pub(super) fn next_mechanism(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match self.auth.as_mut().and_then(|auth| auth.next(&self.options)) {
            Some(said) => self.transact(said, Step::Auth, false, env),
            None => self.not_authenticated("No authentication type succeeded", env),
        }
    }

    pub(super) fn not_authenticated(&mut self, text: &str, env: &mut Env<'_, '_>) -> Progress {
        self.say(Line::Error, text, env);
        if self.options.auth == Want::Optional { self.envelope(env) } else { self.quit(status::AUTH, env) }
    }
}
