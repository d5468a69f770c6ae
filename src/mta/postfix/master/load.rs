//! Reading the configuration, at the start and for `postfix reload`.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Owner, Running, TAG, VERSION, owners};
use crate::host::{Ctx, Exit, Host, Priority};
use crate::mta::postfix::config::{Config, Fatal, Params, ServiceKind};
use crate::mta::postfix::log::priority_of;
use crate::mta::postfix::pickup::Pickup;
use crate::mta::postfix::qmgr::Qmgr;
use crate::mta::postfix::services::{self, LastWords, Services};
use crate::sim::Time;
use crate::trace::Kind;

impl Running {
    /// `postfix reload`: everything is read again; `inet_interfaces` only counts at a start.
    pub(super) fn reload(&mut self, ctx: &mut Ctx<'_>) {
        let directory = self.services.config.directory.clone();
        self.services.log.log(
            ctx,
            Priority::Info,
            TAG,
            format_args!("reload -- version {VERSION}, configuration {directory}"),
        );
        self.services.anvil.end(&mut self.services.log, ctx);
        if let Err(fatal) = self.take_config(&directory, ctx) {
            self.services.log.log(ctx, Priority::Error, TAG, format_args!("fatal: {fatal}"));
            ctx.exit(Exit { status: 1, ..Exit::default() });
        }
    }

    pub(super) fn take_config(&mut self, directory: &str, ctx: &mut Ctx<'_>) -> Result<(), Fatal> {
        let mut notes = Vec::new();
        let config = Arc::new(Config::load_noting(ctx.host, directory, &mut notes)?);
        for note in &notes {
            self.services.log.log(ctx, priority_of(note), TAG, format_args!("{note}"));
        }
        let changed = self.services.config.main.changes(&config.main);
        ctx.emit(Kind::ConfigLoad { how: "reload".into(), changed });
        let interfaces = config.global().get("inet_interfaces");
        let (queue, mut log) = (self.services.queue.clone(), self.services.log.clone());
        log.restart();
        log.set_pid(TAG, ctx.proc.0);
        log.startup = startup_lines(&config, notes, ctx.host);
        self.services = Services::load(Arc::clone(&config), queue, log, ctx.host)?;
        let (qmgr, fault) = load_qmgr(&config, ctx.now)?;
        let started = self.qmgr_fault.is_none();
        self.qmgr_fault = fault;
        match started {
            true => self.qmgr.reload(qmgr, &config),
            false => self.qmgr = qmgr,
        }
        (self.pickup, self.pickup_fault) = load_pickup(&config)?;
        self.agents.reload(&config, ctx.host, owners());
        self.smtpd.reload();
        if started && self.qmgr_fault.is_some() {
            self.start_qmgr(ctx);
        }
        if interfaces == self.interfaces {
            return self.listen(ctx);
        }
        for entry in config.master.entries.iter().filter(|entry| entry.kind == ServiceKind::Inet) {
            let name = &entry.name;
            self.services.log.warn(ctx, TAG, format_args!("service {name}: ignoring inet_interfaces change"));
            self.services.log.warn(ctx, TAG, format_args!("to change inet_interfaces, stop and start Postfix"));
        }
        Ok(())
    }
}

/// `maillog_file`, when it is a file.
pub(super) fn maillog_file(params: &Params<'_>) -> Option<SmolStr> {
    let file = params.get("maillog_file");
    (!file.is_empty() && file != "/dev/stdout").then_some(file)
}

/// What every daemon logs as it starts: what was said about `main.cf`, and what opening the tables
/// of `mydestination` says.
pub(super) fn startup_lines(config: &Config, mut notes: Vec<String>, host: &Host) -> Arc<[String]> {
    // master.cf is the master's alone.
    notes.retain(|note| !note.contains("/master.cf"));
    if let Ok(list) = config.global().match_list("mydestination") {
        notes.extend(list.problems(host));
    }
    notes.into()
}

/// The queue manager; if it cannot start, one with the defaults that is never asked.
pub(super) fn load_qmgr(config: &Arc<Config>, now: Time) -> Result<(Qmgr, Option<LastWords>), Fatal> {
    let base = Owner::Qmgr.base();
    match services::start("qmgr", &config.of("qmgr"), || Qmgr::load(base, config, now)) {
        Ok(qmgr) => Ok((qmgr, None)),
        Err(words) => Ok((Qmgr::load(base, &Arc::new(config.defaults()), now)?, Some(words))),
    }
}

/// pickup(8), in the same way.
pub(super) fn load_pickup(config: &Config) -> Result<(Pickup, Option<LastWords>), Fatal> {
    match services::start("pickup", &config.of("pickup"), || Pickup::load(&config.of("pickup"))) {
        Ok(pickup) => Ok((pickup, None)),
        Err(words) => Ok((Pickup::load(&config.defaults().global())?, Some(words))),
    }
}

/// How often pickup(8) is woken, in seconds.
pub(super) fn pickup_wakeup(config: &Config) -> Option<u64> {
    config.of("pickup").entry().map(|entry| u64::from(entry.wakeup.secs)).filter(|secs| *secs > 0)
}
