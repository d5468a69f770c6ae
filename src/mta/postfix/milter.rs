//! Mail filters (MILTER_README). No program of this world is one; what is here is what Postfix does
//! when its filters do not answer (`milter_default_action`).

use std::net::IpAddr;

use smol_str::{SmolStr, ToSmolStr};

use super::config::Params;
use super::smtp::conf::port;
use crate::dns::Hosts;
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::sim::Listener;

/// The filters of one program.
#[derive(Clone, Debug, Default)]
pub struct Milters {
    services: Vec<SmolStr>,
    fallback: Option<Fallback>,
    /// Put before the paths of sockets.
    root: SmolStr,
}

/// What becomes of mail when a filter does not answer (`milter_default_action`), if it is not
/// simply taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// It is refused.
    Refuse(Refusal),
    /// It is taken and put on hold.
    Hold,
}

/// What the log says about mail that is held for want of a filter.
pub const HOLD: &str = "milter triggers HOLD action";

impl Fallback {
    /// Whether mail is refused for good.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Fallback::Refuse(refusal) if refusal.is_permanent())
    }
}

/// What clients are told when a filter does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// SMTP reply code.
    pub code: u16,
    /// Enhanced status code and text.
    pub text: &'static str,
}

impl Refusal {
    /// The whole reply.
    pub fn line(&self) -> String {
        format!("{} {}", self.code, self.text)
    }

    /// Whether it is for good.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }
}

impl Milters {
    /// Reads `smtpd_milters` or `non_smtpd_milters`.
    pub fn load(parameter: &str, params: &Params<'_>, chroot: bool) -> Milters {
        let fallback = match params.get("milter_default_action").as_str() {
            "accept" => None,
            "quarantine" => Some(Fallback::Hold),
            "reject" => Some(Fallback::Refuse(Refusal { code: 550, text: "5.5.0 Service unavailable" })),
            _ => Some(Fallback::Refuse(Refusal { code: 451, text: "4.7.1 Service unavailable - try again later" })),
        };
        let directory = params.get("queue_directory");
        Milters {
            services: params.list(parameter).iter().map(|word| word.trim_matches(['{', '}']).to_smolstr()).collect(),
            fallback,
            root: if chroot { directory } else { SmolStr::default() },
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// Calls the filters: a warning for each that does not answer, and what follows from it.
    pub fn call(&self, host: &Host) -> (Vec<String>, Option<Fallback>) {
        let mut warnings = Vec::new();
        for service in &self.services {
            warnings.push(match self.unreachable(service, host) {
                Some(error) => format!("connect to Milter service {service}: {error}"),
                None => {
                    format!("milter {service}: can't read SMFIC_OPTNEG reply packet header: Connection reset by peer")
                }
            });
            if self.fallback.is_some() {
                return (warnings, self.fallback.clone());
            }
        }
        (warnings, None)
    }

    fn unreachable(&self, service: &str, host: &Host) -> Option<&'static str> {
        let (kind, place) = service.split_once(':').unwrap_or(("unix", service));
        if !kind.starts_with("inet") {
            let path = format!("{}{}{place}", self.root, if place.starts_with('/') { "" } else { "/" });
            let exists = host.vfs.resolve(&path, &Cred::ROOT).is_ok();
            let listens = host.listeners.contains_key(&Listener::Unix(path.into()));
            return match (exists, listens) {
                (_, true) => None,
                (true, false) => Some("Connection refused"),
                (false, false) => Some("No such file or directory"),
            };
        }
        let (name, service_port) = place.rsplit_once(':').unwrap_or(("", place));
        let name = name.trim_matches(['[', ']']);
        let hosts = Hosts::parse(&host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default());
        let addr: Option<IpAddr> = name.parse().ok().or_else(|| hosts.by_name(name).next());
        let number = port(service_port);
        let listens = host.listeners.keys().any(|listener| match listener {
            Listener::Tcp { addr: at, port } => Some(*port) == number && at.is_none_or(|at| Some(at) == addr),
            Listener::Unix(_) => false,
        });
        let here = addr.is_some_and(|addr| host.owns(addr));
        (!here || !listens).then_some("Connection refused")
    }
}
