//! The delivery agents of one instance, and the way from the queue manager to them and back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::config::Config;
use super::delivery::{Done, Request, Step};
use super::delivery_filter::StatusFilters;
use super::error::{self, Program};
use super::local::{Local, LocalConf};
use super::pipe::{Pipe, PipeConf};
use super::qmgr::Qmgr;
use super::services::{self, LastWords, Services};
use super::smtp::conf::SmtpConf;
use super::smtp::{Report, SmtpClient};
use super::virtual_::{Virtual, VirtualConf};
use crate::dns::Lookup;
use crate::host::{Ctx, Exit, Host, Priority};
use crate::sim::net::NetInput;
use crate::sim::{ProcId, Socket};

/// Which kind of program serves a transport.
#[derive(Clone, Debug)]
enum Agent {
    Smtp,
    Local(Box<Local>),
    Virtual(Box<Virtual>),
    Pipe(Box<Pipe>),
    Error(Program),
    /// It can not start. Requests wait for it.
    Broken(LastWords),
    /// It finds out at the first request that its arguments make no sense, and dies with this text.
    Doomed(String),
}

/// What happened to an agent that master(8) has to say something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Died {
    /// The service in master.cf.
    pub service: SmolStr,
    /// The program: `smtp`.
    pub program: SmolStr,
}

/// The owner's bits of the tokens of each agent's timers and questions.
#[derive(Clone, Copy, Debug)]
pub struct Owners {
    /// smtp(8) and lmtp(8).
    pub smtp: u64,
    /// local(8).
    pub local: u64,
    /// pipe(8).
    pub pipe: u64,
}

/// All services of master.cf that deliver.
#[derive(Clone, Debug)]
pub struct Agents {
    smtp: SmtpClient,
    agents: BTreeMap<SmolStr, Agent>,
    programs: BTreeMap<SmolStr, SmolStr>,
    tags: BTreeMap<SmolStr, SmolStr>,
    filters: StatusFilters,
    /// Requests for agents that can not start now.
    waiting: Vec<Arc<Request>>,
    /// Services whose agent died; also a reload does not start it before its time.
    resting: BTreeSet<SmolStr>,
    died: Vec<Died>,
}

impl Agents {
    /// Reads the services of a configuration.
    pub fn load(config: &Config, host: &Host, owners: Owners) -> Agents {
        let Owners { smtp: smtp_owner, local: local_owner, pipe: pipe_owner } = owners;
        let mut agents = Agents {
            smtp: SmtpClient::default(),
            agents: BTreeMap::new(),
            programs: BTreeMap::new(),
            tags: BTreeMap::new(),
            filters: StatusFilters::default(),
            waiting: Vec::new(),
            resting: BTreeSet::new(),
            died: Vec::new(),
        };
        let mut clients = Vec::new();
        for entry in &config.master.entries {
            let params = config.service(entry);
            let program = entry.command.clone();
            let tag = format_smolstr!("{}/{program}", params.get("syslog_name"));
            let filters = &mut agents.filters;
            let load = || {
                filters.load(&entry.name, &program, &tag, &params)?;
                Ok(Some(match program.as_str() {
                    "smtp" | "lmtp" => {
                        clients.push(SmtpConf::load(entry, &params)?);
                        Agent::Smtp
                    }
                    "local" => {
                        Agent::Local(Box::new(Local::new(LocalConf::load(&params, host)?, tag.clone(), local_owner)))
                    }
                    "virtual" => Agent::Virtual(Box::new(Virtual::new(VirtualConf::load(&params)?, tag.clone()))),
                    "pipe" => match PipeConf::load(&params, entry, host) {
                        Ok(conf) => Agent::Pipe(Box::new(Pipe::new(conf, pipe_owner))),
                        Err(fatal) => Agent::Doomed(fatal.0),
                    },
                    name => match Program::from_command(name) {
                        Some(program) => Agent::Error(program),
                        None => return Ok(None),
                    },
                }))
            };
            let agent = match services::start(&program, &params, load) {
                Ok(Some(agent)) => agent,
                Ok(None) => continue,
                Err(words) => Agent::Broken(words),
            };
            agents.agents.insert(entry.name.clone(), agent);
            agents.programs.insert(entry.name.clone(), program);
            agents.tags.insert(entry.name.clone(), tag);
        }
        agents.smtp = SmtpClient::new(smtp_owner, clients);
        agents
    }

    /// Takes a changed configuration; deliveries under way go on.
    pub fn reload(&mut self, config: &Config, host: &Host, owners: Owners) {
        let mut fresh = Agents::load(config, host, owners);
        for (service, agent) in &mut fresh.agents {
            match (self.agents.remove(service), &mut *agent) {
                (Some(Agent::Local(mut old)), Agent::Local(new)) => {
                    old.take_over((**new).clone());
                    *agent = Agent::Local(old);
                }
                (Some(Agent::Pipe(mut old)), Agent::Pipe(new)) => {
                    old.take_over((**new).clone());
                    *agent = Agent::Pipe(old);
                }
                _ => {}
            }
        }
        std::mem::swap(&mut fresh.smtp, &mut self.smtp);
        fresh.smtp.take_over(&self.smtp);
        fresh.waiting = std::mem::take(&mut self.waiting);
        fresh.resting = std::mem::take(&mut self.resting);
        fresh.died = std::mem::take(&mut self.died);
        *self = fresh;
    }

    /// Gives the queue manager's requests to their agents until there are none, and tells it what
    /// they report. To be called after every input.
    pub fn pump(&mut self, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        loop {
            let mut moved = false;
            while let Some(request) = qmgr.next_request(services, ctx) {
                moved = true;
                self.start(request, qmgr, services, ctx);
            }
            while let Some(report) = self.smtp.take_report() {
                moved = true;
                self.report(report, qmgr, services, ctx);
            }
            if !moved {
                return;
            }
        }
    }

    fn start(&mut self, request: Arc<Request>, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let number = request.job;
        if !self.resting.is_empty() && self.resting.contains(&request.transport) {
            return self.waiting.push(request);
        }
        match self.agents.get_mut(&request.transport) {
            Some(Agent::Smtp) => self.smtp.start(request, services, ctx),
            Some(Agent::Local(local)) => {
                if let Step::Done(done) = local.start((*request).clone(), services, ctx) {
                    finished(&self.filters, &request, done, qmgr, services, ctx);
                }
            }
            Some(Agent::Virtual(agent)) => {
                if let Step::Done(done) = agent.start(&request, services, ctx) {
                    finished(&self.filters, &request, done, qmgr, services, ctx);
                }
            }
            Some(Agent::Pipe(agent)) => {
                if let Step::Done(done) = agent.start((*request).clone(), services, ctx) {
                    finished(&self.filters, &request, done, qmgr, services, ctx);
                }
            }
            Some(Agent::Error(program)) => {
                let done = error::deliver(*program, &request, ctx.now);
                finished(&self.filters, &request, done, qmgr, services, ctx);
            }
            Some(Agent::Broken(words)) => {
                let (words, service) = (Arc::clone(words), request.transport.clone());
                let tag = self.tags.get(&service).cloned().unwrap_or_default();
                services.log.start(ctx, &tag);
                services.log.opened(ctx, &tag, &words);
                self.resting.insert(service.clone());
                self.note_death(service);
                self.waiting.push(request);
            }
            Some(Agent::Doomed(text)) => {
                let (text, service) = (text.clone(), request.transport.clone());
                let tag = self.tags.get(&service).cloned().unwrap_or_default();
                services.log.log(ctx, Priority::Error, &tag, format_args!("fatal: {text}"));
                self.note_death(service);
                qmgr.agent_died(number, services, ctx);
            }
            None => {
                let service = &request.transport;
                let text = format!("connect to transport private/{service}: No such file or directory");
                services.log.warn(ctx, "postfix/qmgr", format_args!("{text}"));
                qmgr.unavailable(number, services, ctx);
            }
        }
    }

    fn note_death(&mut self, service: SmolStr) {
        let program = self.programs.get(&service).cloned().unwrap_or_default();
        self.died.push(Died { service, program });
    }

    /// Agents that ended with status 1 since the last call, for master(8)'s warnings.
    pub fn take_died(&mut self) -> Vec<Died> {
        std::mem::take(&mut self.died)
    }

    /// Starts agents again that could not start: master(8) lets them try once a minute.
    pub fn retry(&mut self, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.resting.clear();
        for request in std::mem::take(&mut self.waiting) {
            self.start(request, qmgr, services, ctx);
        }
    }

    fn report(&mut self, report: Report, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        match report {
            Report::Outcome(request, mut outcome) => {
                self.filters.apply(&request.transport, &mut outcome, services, ctx);
                qmgr.outcome(request.job, outcome, services, ctx);
            }
            Report::Passed(request) => qmgr.pass(request),
            Report::Done { job, hop } => qmgr.done(job, hop.as_ref(), services, ctx),
            Report::Fatal { job, service } => {
                self.note_death(service);
                qmgr.agent_died(job, services, ctx);
            }
        }
    }

    /// Whether a socket belongs to an agent.
    pub fn owns(&self, sock: Socket) -> bool {
        self.smtp.owns(sock)
    }

    /// Something on an agent's socket.
    pub fn net(&mut self, input: NetInput, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.smtp.net(input, services, ctx);
    }

    /// A DNS answer for the SMTP client.
    pub fn resolved(&mut self, token: u64, lookup: Arc<Lookup>, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.smtp.resolved(token, lookup, services, ctx);
    }

    /// A timer of the SMTP client.
    pub fn wake_smtp(&mut self, token: u64, services: &mut Services, ctx: &mut Ctx<'_>) {
        self.smtp.wake(token, services, ctx);
    }

    /// A timer of local(8); `number` is the token without the owner's bits.
    pub fn wake_local(&mut self, number: u64, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        for agent in self.agents.values_mut() {
            if let Agent::Local(local) = agent
                && let Some((request, done)) = local.wake(number, services, ctx)
            {
                return finished(&self.filters, &request, done, qmgr, services, ctx);
            }
        }
    }

    /// A timer of pipe(8); `number` is the token without the owner's bits.
    pub fn wake_pipe(&mut self, number: u64, qmgr: &mut Qmgr, services: &mut Services, ctx: &mut Ctx<'_>) {
        for agent in self.agents.values_mut() {
            if let Agent::Pipe(agent) = agent
                && let Some((request, done)) = agent.wake(number, ctx)
            {
                return finished(&self.filters, &request, done, qmgr, services, ctx);
            }
        }
    }

    /// A command of an agent has ended.
    pub fn child_exited(
        &mut self,
        child: ProcId,
        exit: &Exit,
        qmgr: &mut Qmgr,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        for agent in self.agents.values_mut() {
            let ended = match agent {
                Agent::Local(agent) => agent.child_exited(child, exit, services, ctx),
                Agent::Pipe(agent) => agent.child_exited(child, exit, ctx),
                _ => None,
            };
            if let Some((request, done)) = ended {
                return finished(&self.filters, &request, done, qmgr, services, ctx);
            }
        }
    }
}

fn finished(
    filters: &StatusFilters,
    request: &Request,
    done: Done,
    qmgr: &mut Qmgr,
    services: &mut Services,
    ctx: &mut Ctx<'_>,
) {
    let number = request.job;
    for mut outcome in done.outcomes {
        filters.apply(&request.transport, &mut outcome, services, ctx);
        qmgr.outcome(number, outcome, services, ctx);
    }
    if done.traced {
        qmgr.traced(number);
    }
    for request in done.passed {
        qmgr.pass(request);
    }
    qmgr.done(number, None, services, ctx);
}
