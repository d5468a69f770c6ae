//! One delivery request on its way from server to server (`smtp_connect.c`, `smtp_state.c`).

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::SmolStr;

use super::address::{Search, Target};
use super::conf::SmtpConf;
use super::trouble::Trouble;
use crate::mta::postfix::delivery::{Outcome, Request, Times};
use crate::sim::{Socket, Time};
use crate::trace::{Agent, DeliveryStatus};

/// What the agent tells the queue manager.
#[derive(Clone, Debug)]
pub enum Report {
    /// Something is known about a recipient.
    Outcome(Arc<Request>, Outcome),
    /// `best_mx_transport`: another transport takes these recipients.
    Passed(Request),
    /// The agent is done with a request.
    Done {
        /// The request's number.
        job: u64,
        /// Why the next hop itself is to blame; the queue manager pauses deliveries to it.
        hop: Option<Trouble>,
    },
    /// The agent died with a `fatal: ` line in the log.
    Fatal {
        /// The request's number.
        job: u64,
        /// Its service in master.cf.
        service: SmolStr,
    },
}

/// What the present server made of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Nothing yet.
    Open,
    /// The next server may take it.
    Kept,
    /// Its outcome was reported.
    Dropped,
}

/// A request in progress.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub conf: Arc<SmtpConf>,
    pub request: Arc<Request>,
    pub started: Time,
    /// The next hop's words, then the fallback relays.
    pub sites: Vec<SmolStr>,
    pub site: usize,
    /// Where in `sites` the fallback relays begin.
    pub fallback_from: usize,
    pub port: u16,
    pub search: Option<Search>,
    pub targets: VecDeque<Target>,
    pub best: u32,
    pub addresses_tried: u64,
    pub sessions: u64,
    pub socket: Option<Socket>,
    pub connected: Time,
    /// The present server was given the wishes for reports.
    pub dsn_passed: bool,
    pub trouble: Option<Trouble>,
    pub hop: Option<Trouble>,
    marks: Vec<Mark>,
}

impl Job {
    pub fn new(conf: Arc<SmtpConf>, request: Arc<Request>, now: Time) -> Job {
        let words = request.nexthop.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
        let mut sites: Vec<SmolStr> = words.map(SmolStr::from).collect();
        let fallback_from = sites.len();
        sites.extend(conf.fallback.iter().cloned());
        let marks = vec![Mark::Open; request.recipients.len()];
        Job {
            conf,
            request,
            started: now,
            sites,
            site: 0,
            fallback_from,
            port: 25,
            search: None,
            targets: VecDeque::new(),
            best: 0,
            addresses_tried: 0,
            sessions: 0,
            socket: None,
            connected: now,
            dsn_passed: false,
            trouble: None,
            hop: None,
            marks,
        }
    }

    /// The next hop or fallback relay being tried.
    pub fn site_name(&self) -> &SmolStr {
        self.sites.get(self.site).unwrap_or(&self.request.nexthop)
    }

    /// Whether no other server remains to be tried after the present one.
    pub fn is_final_server(&self) -> bool {
        self.site + 1 >= self.sites.len() && self.targets.is_empty()
    }

    /// Positions in the request of the recipients to offer to the present server.
    pub fn open(&self) -> Vec<usize> {
        self.marks.iter().enumerate().filter(|(_, mark)| **mark == Mark::Open).map(|(at, _)| at).collect()
    }

    /// Whether anybody is left to deliver to, by this server or another.
    pub fn has_recipients(&self) -> bool {
        self.marks.iter().any(|mark| *mark != Mark::Dropped)
    }

    /// Whether the present server has said nothing yet about a recipient.
    pub fn is_open(&self, at: usize) -> bool {
        self.marks.get(at) == Some(&Mark::Open)
    }

    /// Kept recipients become open for the next server.
    pub fn next_server(&mut self) {
        self.marks.iter_mut().filter(|mark| **mark == Mark::Kept).for_each(|mark| *mark = Mark::Open);
    }

    /// Leaves a recipient to the next server.
    pub fn keep(&mut self, at: usize) {
        if let Some(mark) = self.marks.get_mut(at) {
            *mark = Mark::Kept;
        }
    }

    /// Reports what became of a recipient.
    pub fn report(
        &mut self,
        at: usize,
        status: DeliveryStatus,
        trouble: &Trouble,
        relay: &SmolStr,
        now: Time,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(mark) = self.marks.get_mut(at) else { return };
        *mark = Mark::Dropped;
        let Some((recipient, _)) = self.request.recipients.get(at) else { return };
        let connected = if relay == "none" { now } else { self.connected };
        let outcome = Outcome {
            relay: relay.clone(),
            dsn: trouble.dsn.clone(),
            target: trouble.remote_mta.clone(),
            remote_mta: trouble.remote_mta.clone(),
            remote_reply: trouble.remote_reply.clone(),
            relayed: status == DeliveryStatus::Sent && !self.dsn_passed,
            ..Outcome::new(
                *recipient,
                if self.conf.lmtp { Agent::Lmtp } else { Agent::Smtp },
                status,
                "",
                trouble.reason.as_str(),
                Times { started: self.started, connected, done: now },
            )
        };
        reports.push_back(Report::Outcome(Arc::clone(&self.request), outcome));
    }

    /// Defers or bounces a recipient.
    pub fn fail(&mut self, at: usize, trouble: &Trouble, relay: &SmolStr, now: Time, reports: &mut VecDeque<Report>) {
        let status = if trouble.is_soft() { DeliveryStatus::Deferred } else { DeliveryStatus::Bounced };
        self.report(at, status, trouble, relay, now, reports);
    }

    /// Blames the next hop, once.
    pub fn blame(&mut self, trouble: &Trouble) {
        if (trouble.is_soft() || self.conf.soft_bounce) && self.hop.is_none() {
            self.hop = Some(trouble.clone());
        }
    }
}
