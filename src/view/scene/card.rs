//! What stands on the cards of hosts.

use smol_str::SmolStr;

use super::picture::{Card, Scene};
use super::{Painter, text};
use crate::scenario::Scenario;
use crate::scenario::written::{Preset, Service};
use crate::sim::HostId;
use crate::trace::{EventId, Kind};
use crate::view::standing::Standing;

impl Painter<'_> {
    pub(super) fn cards(&self, standing: &Standing, before: EventId, scene: &mut Scene) {
        let trace = self.session.world().trace();
        for place in &self.index.layout.places {
            let Some(host) = standing.host(place.host) else { continue };
            let waiting = host.queued.iter().filter(|(_, mail)| mail.queue == "deferred");
            let next = waiting
                .clone()
                .filter_map(|(id, _)| self.index.next_attempt(trace, &(place.host, id.clone()), EventId(before.0 - 1)));
            let log = host.last_log.and_then(|id| trace.get(id)).map(|event| &event.kind);
            scene.cards.push(Card {
                down: host.down,
                queued: host.queued.values().filter(|mail| mail.queue != "deferred").count() as u64,
                deferred: waiting.clone().count() as u64,
                next_attempt: next.min(),
                delivered: host.mailboxes.values().sum(),
                services: services(self.session.cast(), place.host)
                    .map(|name| (name, !(host.down || host.stopped && name == "postfix")))
                    .collect(),
                log: match log {
                    Some(Kind::LogLine { text, .. }) => text::gist(text).into(),
                    _ => SmolStr::default(),
                },
                active: false,
            });
        }
    }
}

/// The services that a host was set up with.
fn services(scenario: &Scenario, host: HostId) -> impl Iterator<Item = &'static str> {
    let host = scenario.hosts.get(host.0 as usize);
    let preset = host.and_then(|host| match host.preset {
        Preset::Workstation | Preset::NoConfiguration => None,
        Preset::DnsServer => Some("named"),
        _ => Some("postfix"),
    });
    let further = host.into_iter().flat_map(|host| &host.services).map(|service| match service {
        Service::Postfix => "postfix",
        Service::Named => "named",
        Service::Dovecot => "dovecot",
        Service::Lmtp | Service::LmtpNetwork => "lmtp",
        Service::Resolver => "unbound",
    });
    let further: Vec<&'static str> = further.filter(|name| Some(*name) != preset).collect();
    preset.into_iter().chain(further)
}
