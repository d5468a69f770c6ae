//! anvil(8): counts what each client of each service does, for the limits of smtpd(8), and logs the
//! peaks now and then.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use smol_str::SmolStr;

use super::config::{Fatal, Params};
use super::log::Logger;
use super::master::Owner;
use crate::host::Ctx;
use crate::mail::date;
use crate::sim::Time;

const TAG: &str = "postfix/anvil";

/// What is counted per unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named by the texts below")]
pub enum Rate {
    Connection,
    Message,
    Recipient,
    NewTls,
    Auth,
}

impl Rate {
    const ALL: [Rate; 5] = [Rate::Connection, Rate::Message, Rate::Recipient, Rate::NewTls, Rate::Auth];

    fn label(self) -> &'static str {
        match self {
            Rate::Connection => "connection",
            Rate::Message => "message",
            Rate::Recipient => "recipient",
            Rate::NewTls => "newtls",
            Rate::Auth => "auth",
        }
    }
}

/// A client of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Client {
    service: SmolStr,
    addr: IpAddr,
}

/// What a client did in the present unit of time.
#[derive(Clone, Debug, Default)]
struct Counts {
    since: Time,
    rates: [u64; Rate::ALL.len()],
    connections: u64,
    /// When the last connection ended.
    left: Time,
    /// Whether it stands among those who are leaving.
    leaving: bool,
}

/// The highest value since the last report.
#[derive(Clone, Debug)]
struct Peak {
    value: u64,
    client: Client,
    time: Time,
}

impl Peak {
    fn raise(peak: &mut Option<Peak>, value: u64, client: &Client, time: Time) {
        if peak.as_ref().is_none_or(|peak| peak.value < value) {
            *peak = Some(Peak { value, client: client.clone(), time });
        }
    }
}

/// The counts of all clients.
#[derive(Clone, Debug, Default)]
pub struct Anvil {
    unit: Duration,
    report_interval: Duration,
    /// How long it stays when nobody is connected.
    idle: Duration,
    clients: BTreeMap<Client, Counts>,
    /// Clients that have left, and when they may be forgotten.
    leaving: VecDeque<(Time, Client)>,
    rate_peaks: [Option<Peak>; Rate::ALL.len()],
    count_peak: Option<Peak>,
    size_peak: Option<(usize, Time)>,
    /// When the last client left.
    last_left: Time,
    connected: u64,
    report_due: Option<Time>,
}

impl Anvil {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>) -> Result<Anvil, Fatal> {
        let unit = params.time("anvil_rate_time_unit")?;
        let max_idle = params.time("max_idle")?;
        Ok(Anvil {
            unit,
            report_interval: params.time("anvil_status_update_time")?,
            // First smtpd(8) ends, and then anvil(8) has no clients.
            idle: max_idle + max_idle.max(unit),
            ..Anvil::default()
        })
    }

    /// A client has connected: its connections now, and how many it made in this unit of time.
    pub fn connect(&mut self, service: &SmolStr, addr: IpAddr, ctx: &mut Ctx<'_>) -> (u64, u64) {
        self.forget_leaving(ctx.now);
        let client = Client { service: service.clone(), addr };
        let rate = self.count(Rate::Connection, &client, ctx.now);
        let size = self.clients.len();
        if self.size_peak.is_none_or(|(peak, _)| peak < size) {
            self.size_peak = Some((size, ctx.now));
        }
        let connections = match self.clients.get_mut(&client) {
            Some(counts) => {
                counts.connections += 1;
                counts.connections
            }
            None => 1,
        };
        Peak::raise(&mut self.count_peak, connections, &client, ctx.now);
        self.connected += 1;
        if self.report_due.is_none() {
            self.arm(ctx.now + self.report_interval, ctx);
        }
        (connections, rate)
    }

    /// Forgets clients that have been away for a unit of time.
    fn forget_leaving(&mut self, now: Time) {
        while let Some((_, client)) = self.leaving.pop_front_if(|(time, _)| *time <= now) {
            let Some(counts) = self.clients.get_mut(&client) else { continue };
            counts.leaving = false;
            let until = counts.left + self.unit;
            if counts.connections > 0 {
                continue;
            }
            if until <= now {
                self.clients.remove(&client);
            } else {
                counts.leaving = true;
                self.leaving.push_back((until, client));
            }
        }
    }

    /// A client has left.
    pub fn disconnect(&mut self, service: &SmolStr, addr: IpAddr, now: Time) {
        let client = Client { service: service.clone(), addr };
        self.connected = self.connected.saturating_sub(1);
        self.last_left = now;
        let Some(counts) = self.clients.get_mut(&client) else { return };
        counts.connections = counts.connections.saturating_sub(1);
        counts.left = now;
        if counts.connections == 0 && !std::mem::replace(&mut counts.leaving, true) {
            self.leaving.push_back((now + self.unit, client));
        }
    }

    /// A client does something: how often it did so in this unit of time.
    pub fn event(&mut self, rate: Rate, service: &SmolStr, addr: IpAddr, now: Time) -> u64 {
        self.count(rate, &Client { service: service.clone(), addr }, now)
    }

    /// How often a client did something in this unit of time, without counting.
    pub fn current(&self, rate: Rate, service: &SmolStr, addr: IpAddr, now: Time) -> u64 {
        let client = Client { service: service.clone(), addr };
        let counts = self.clients.get(&client).filter(|counts| counts.since + self.unit >= now);
        counts.map_or(0, |counts| counts.rates[rate as usize])
    }

    fn count(&mut self, rate: Rate, client: &Client, now: Time) -> u64 {
        let unit = self.unit;
        if !self.clients.contains_key(client) {
            self.clients.insert(client.clone(), Counts { since: now, ..Counts::default() });
        }
        let Some(counts) = self.clients.get_mut(client) else { return 1 };
        if counts.since + unit < now {
            counts.since = now;
            counts.rates = Default::default();
        }
        let count = &mut counts.rates[rate as usize];
        *count += 1;
        let value = *count;
        Peak::raise(&mut self.rate_peaks[rate as usize], value, client, now);
        value
    }

    fn arm(&mut self, report: Time, ctx: &mut Ctx<'_>) {
        self.report_due = Some(report);
        ctx.wake_at(report.min(ctx.now + self.idle), Owner::Anvil.base(), "anvil reports, or ends");
    }

    /// A timer: the report is due, or it has had nothing to do for long enough to end.
    pub fn wake(&mut self, log: &mut Logger, ctx: &mut Ctx<'_>) {
        let Some(due) = self.report_due else { return };
        let ends = self.connected == 0 && ctx.now >= self.last_left + self.idle;
        if ends || ctx.now >= due {
            self.report(log, ctx);
        }
        if ends {
            self.report_due = None;
            self.clients.clear();
            self.leaving.clear();
            log.forget(TAG);
            return;
        }
        let due = if ctx.now >= due { ctx.now + self.report_interval } else { due };
        let end = self.last_left + self.idle;
        self.report_due = Some(due);
        let next = if self.connected == 0 { due.min(end) } else { due.min(ctx.now + self.idle) };
        ctx.wake_at(next, Owner::Anvil.base(), "anvil reports, or ends");
    }

    /// The instance is reloaded: it reports, and another one takes its place.
    pub fn end(&mut self, log: &mut Logger, ctx: &mut Ctx<'_>) {
        if self.report_due.take().is_some() {
            self.report(log, ctx);
            log.forget(TAG);
        }
    }

    fn report(&mut self, log: &mut Logger, ctx: &mut Ctx<'_>) {
        let unit = self.unit.as_secs();
        let zone = ctx.host.zone.clone();
        let at = |time: Time| date::mbox(time, &zone).get(4..19).unwrap_or_default().to_owned();
        let named = |peak: &Peak| format!("({}:{}) at {}", peak.client.service, peak.client.addr, at(peak.time));
        for rate in Rate::ALL {
            if let Some(peak) = self.rate_peaks[rate as usize].take() {
                let (label, value) = (rate.label(), peak.value);
                let text = format!("statistics: max {label} rate {value}/{unit}s for {}", named(&peak));
                log.info(ctx, TAG, format_args!("{text}"));
            }
            if rate == Rate::Connection
                && let Some(peak) = self.count_peak.take()
            {
                let text = format!("statistics: max connection count {} for {}", peak.value, named(&peak));
                log.info(ctx, TAG, format_args!("{text}"));
            }
        }
        if let Some((size, time)) = self.size_peak.take() {
            log.info(ctx, TAG, format_args!("statistics: max cache size {size} at {}", at(time)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anvil() -> Anvil {
        Anvil { unit: Duration::from_secs(60), ..Anvil::default() }
    }

    #[test]
    fn rates_begin_anew_after_a_unit_of_time() {
        let mut anvil = anvil();
        let (service, addr) = (SmolStr::new_static("smtp"), IpAddr::from([192, 0, 2, 1]));
        let mut rates = Vec::new();
        for second in [0, 30, 60, 61, 62] {
            rates.push(anvil.event(Rate::Message, &service, addr, Time::from_secs(second)));
        }
        assert_eq!(rates, [1, 2, 3, 1, 2]);
        assert_eq!(anvil.current(Rate::Message, &service, addr, Time::from_secs(63)), 2);
        assert_eq!(anvil.current(Rate::Auth, &service, addr, Time::from_secs(63)), 0);
        assert_eq!(anvil.current(Rate::Message, &service, addr, Time::from_secs(200)), 0);
    }

    #[test]
    fn services_and_clients_are_counted_apart() {
        let mut anvil = anvil();
        let addr = IpAddr::from([192, 0, 2, 1]);
        let (smtp, submission) = (SmolStr::new_static("smtp"), SmolStr::new_static("submission"));
        assert_eq!(anvil.event(Rate::Recipient, &smtp, addr, Time::default()), 1);
        assert_eq!(anvil.event(Rate::Recipient, &submission, addr, Time::default()), 1);
        assert_eq!(anvil.event(Rate::Recipient, &smtp, IpAddr::from([192, 0, 2, 2]), Time::default()), 1);
        assert_eq!(anvil.rate_peaks[Rate::Recipient as usize].as_ref().map(|peak| peak.value), Some(1));
    }
}
