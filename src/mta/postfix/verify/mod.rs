//! verify(8): are addresses deliverable? Probes are messages that are never delivered; their
//! outcome is kept (ADDRESS_VERIFICATION_README).

use std::collections::BTreeMap;
use std::time::Duration;

use smol_str::SmolStr;

use super::cleanup::{Notice, post_mail};
use super::config::{Fatal, Params};
use super::services::Services;
use crate::host::Ctx;
use crate::sim::Time;

/// What is known about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing yet: a probe is under way.
    Unknown,
    /// Mail would be delivered.
    Deliverable,
    /// A probe failed for now.
    Deferred,
    /// Mail would bounce.
    Undeliverable,
}

#[derive(Clone, Debug)]
struct Entry {
    status: Status,
    text: SmolStr,
    /// When the last probe was sent, if its outcome is still awaited.
    probed: Option<Time>,
    updated: Time,
}

/// The service: its times and its cache.
#[derive(Clone, Debug)]
pub struct Verify {
    cache: BTreeMap<SmolStr, Entry>,
    positive: (Duration, Duration),
    negative: (Duration, Duration),
    /// Whether failures are kept at all (`address_verify_negative_cache`).
    negative_cache: bool,
    /// Sender of probes (`address_verify_sender`).
    pub sender: SmolStr,
    /// How often smtpd(8) asks before it gives up for now.
    pub poll_count: u64,
    /// How long it waits between.
    pub poll_delay: Duration,
    announced: bool,
    /// `address_verify_map`, for the log.
    table: SmolStr,
}

/// An answer to a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What is known.
    pub status: Status,
    /// Why; with an enhanced status code in front when a probe gave one.
    pub text: SmolStr,
    /// Whether a probe is to be sent now.
    pub probe: bool,
}

/// Without an outcome a probe is repeated after this time (`PROBE_TTL`).
const PROBE_TTL: Duration = Duration::from_secs(1000);

impl Verify {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A parameter has no valid value.
    pub fn load(params: &Params<'_>) -> Result<Verify, Fatal> {
        let time = |name: &str| params.time(name);
        Ok(Verify {
            cache: BTreeMap::new(),
            positive: (time("address_verify_positive_expire_time")?, time("address_verify_positive_refresh_time")?),
            negative: (time("address_verify_negative_expire_time")?, time("address_verify_negative_refresh_time")?),
            negative_cache: params.bool("address_verify_negative_cache")?,
            sender: params.get("address_verify_sender"),
            poll_count: params.int("address_verify_poll_count")?,
            poll_delay: time("address_verify_poll_delay")?,
            announced: false,
            table: match params.get("address_verify_map") {
                table if table.is_empty() => "internal:verify".into(),
                table => table,
            },
        })
    }

    /// True the first time: the service then says that it looked its cache over.
    pub fn announce(&mut self) -> bool {
        !std::mem::replace(&mut self.announced, true)
    }

    /// Asks about an address.
    pub fn query(&mut self, address: &str, now: Time) -> Answer {
        const TODO: SmolStr = SmolStr::new_static("Address verification in progress");
        let entry = self.cache.entry(address.into()).or_insert(Entry {
            status: Status::Unknown,
            text: TODO,
            probed: None,
            updated: now,
        });
        let age = now.since(entry.updated);
        let (expire, refresh) = if entry.status == Status::Deliverable { self.positive } else { self.negative };
        if age > expire && entry.status != Status::Unknown {
            *entry = Entry { status: Status::Unknown, text: TODO, probed: None, updated: now };
        }
        let due = entry.status == Status::Unknown || age >= refresh;
        let probe = due && entry.probed.is_none_or(|sent| now.since(sent) > PROBE_TTL);
        if probe {
            entry.probed = Some(now);
        }
        Answer { status: entry.status, text: entry.text.clone(), probe }
    }

    /// Keeps the outcome of a probe. The text may have an enhanced status code in front.
    pub fn update(&mut self, address: &str, status: Status, text: impl Into<SmolStr>, now: Time) {
        if status != Status::Deliverable && !self.negative_cache {
            return;
        }
        let new = Entry { status, text: text.into(), probed: None, updated: now };
        match self.cache.get_mut(address) {
            // A failed refresh does not take away what was good, until that expires.
            Some(old) if old.status == Status::Deliverable && status != Status::Deliverable => old.probed = None,
            Some(old) => *old = new,
            None => {
                self.cache.insert(address.into(), new);
            }
        }
    }
}

/// Asks about an address and sends a probe if one is due.
pub fn query(address: &str, services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
    if services.verify.announce() {
        let text = format!("cache {} full cleanup: retained=0 dropped=0 entries", services.verify.table);
        services.log.info(ctx, "postfix/verify", format_args!("{text}"));
    }
    let answer = services.verify.query(address, ctx.now);
    if answer.probe {
        let sender = services.verify.sender.clone();
        // A probe that is not taken is sent again when the address is asked for again.
        let _ = post_mail(
            Notice { sender, recipient: address.into(), verify_probe: true, ..Notice::default() },
            services,
            ctx,
        );
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify() -> Verify {
        let day = Duration::from_secs(86_400);
        Verify {
            cache: BTreeMap::new(),
            positive: (31 * day, 7 * day),
            negative: (3 * day, Duration::from_secs(10_800)),
            sender: SmolStr::default(),
            negative_cache: true,
            poll_count: 3,
            poll_delay: Duration::from_secs(3),
            announced: false,
            table: "internal:verify".into(),
        }
    }

    #[test]
    fn one_probe_answers_all_who_ask() {
        let mut verify = verify();
        let at = Time::from_secs;
        assert!(verify.query("a@b", at(0)).probe);
        assert!(!verify.query("a@b", at(1)).probe);
        verify.update("a@b", Status::Undeliverable, "5.1.1 unknown", at(2));
        let answer = verify.query("a@b", at(3));
        assert_eq!(
            (answer.status, answer.text.as_str(), answer.probe),
            (Status::Undeliverable, "5.1.1 unknown", false)
        );
        assert!(verify.query("a@b", at(3 + 10_800)).probe);
        assert_eq!(verify.query("a@b", at(4 * 86_400)).status, Status::Unknown);
    }
}
