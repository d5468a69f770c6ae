//! A session on standard input and output (`sendmail -bs`). Whoever runs it may send mail: no
//! restriction holds, and the mail goes by way of the `maildrop` queue.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use super::conf::SmtpdConf;
use super::peer::{NameStatus, Peer};
use super::session::Session;
use super::tls::Level;
use super::{Event, OWNER};
use crate::host::Ctx;
use crate::host::process::Effect;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::{Config, Fatal, MasterCf};
use crate::mta::postfix::log::{Logger, priority_of};
use crate::mta::postfix::queue::Queue;
use crate::mta::postfix::queue::id::Form;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::showq;
use crate::sim::Payload;

/// What the daemon would be started with, if it were in `master.cf`.
const SERVICE: &str = "smtpd unix - n n - - smtpd\n";

/// A running session.
#[derive(Clone, Debug)]
pub struct StandAlone {
    services: Box<Services>,
    session: Box<Session>,
}

impl StandAlone {
    /// Begins a session on behalf of a user; the greeting is appended to `stdout`.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn start(directory: &str, user: &Cred, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) -> Result<StandAlone, Fatal> {
        let mut notes = Vec::new();
        let mut config = Config::load_main(ctx.host, directory, &mut notes)?;
        config.master = MasterCf::parse("", SERVICE, &mut notes)?;
        let config = Arc::new(config);
        let params = config.global();
        let layout = showq::layout(&params, ctx.host);
        let form = if params.bool("enable_long_queue_ids")? { Form::Long } else { Form::Short };
        let queue = Queue::open(layout, form, &mut ctx.host.vfs)
            .map_err(|error| Fatal(format!("open {}: {error}", params.get("queue_directory"))))?;
        let entry = config.master.unix("smtpd").ok_or_else(|| Fatal("no smtpd service".into()))?;
        let mut conf = SmtpdConf::load(&config, entry, ctx.host, &mut notes)?;
        conf.tls.level = Level::None;
        conf.tls.wrapper_mode = false;
        conf.sasl.enabled = false;
        let mut log = Logger::default();
        for note in &notes {
            log.log(ctx, priority_of(note), &conf.tag, format_args!("{note}"));
        }
        let mut services = Box::new(Services::load(Arc::clone(&config), queue, log, ctx.host)?);
        let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let sock = ctx.new_socket();
        let mut session = Box::new(Session::new(Arc::new(conf), sock, here, here, ctx));
        let before = ctx.out.len();
        session.start_alone(localhost(here), user.clone(), &mut services, ctx);
        let mut alone = StandAlone { services, session };
        alone.take_output(before, ctx, stdout);
        Ok(alone)
    }

    /// What was typed or read: whole lines.
    pub fn input(&mut self, lines: impl Into<Bytes>, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) {
        let payload = Payload::Bytes(lines.into());
        self.handle(Event::Data(self.session.sock, payload), ctx, stdout);
    }

    /// The input has ended.
    pub fn end(&mut self, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) {
        self.handle(Event::Lost(self.session.sock), ctx, stdout);
    }

    /// A time that the session waited for has come.
    pub fn wake(&mut self, token: u64, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) {
        self.handle(Event::Wake(token & (OWNER - 1)), ctx, stdout);
    }

    /// Whether all is said.
    pub fn is_over(&self) -> bool {
        self.session.is_over()
    }

    fn handle(&mut self, event: Event, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) {
        if self.is_over() {
            return;
        }
        let before = ctx.out.len();
        self.session.handle(event, &mut self.services, ctx);
        self.take_output(before, ctx, stdout);
    }

    /// What the session sends goes to standard output: its connection is none.
    fn take_output(&mut self, before: usize, ctx: &mut Ctx<'_>, stdout: &mut Vec<u8>) {
        let sock = self.session.sock;
        for (effect, cause) in ctx.out.split_off(before) {
            match effect {
                Effect::Send { sock: to, payload: Payload::Bytes(bytes) } if to == sock => {
                    stdout.extend_from_slice(&bytes);
                }
                Effect::Close { sock: other } | Effect::Abort { sock: other } if other == sock => {}
                Effect::IdleAt { sock: other, time, token, reason } if other == sock => {
                    ctx.out.push((Effect::WakeAt { time, token, reason }, cause));
                }
                other => ctx.out.push((other, cause)),
            }
        }
    }
}

fn localhost(address: SocketAddr) -> Peer {
    let addr: SmolStr = "127.0.0.1".into();
    Peer {
        name: "localhost".into(),
        reverse_name: "localhost".into(),
        ip: address.ip(),
        rfc_addr: addr.clone(),
        addr,
        port: 0,
        namaddr: "localhost[127.0.0.1]".into(),
        status: NameStatus::Ok,
        reverse_status: NameStatus::Ok,
        forward_status: NameStatus::Ok,
    }
}
