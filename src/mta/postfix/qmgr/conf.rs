//! Parameters of qmgr(8).

use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::mta::postfix::config::{Config, Fatal, Params};

/// Parameters of the queue manager itself.
#[derive(Clone, Debug)]
pub struct QmgrConf {
    /// `queue_run_delay`.
    pub queue_run_delay: Duration,
    /// `minimal_backoff_time`.
    pub minimal_backoff: Duration,
    /// `maximal_backoff_time`.
    pub maximal_backoff: Duration,
    /// `maximal_queue_lifetime`.
    pub lifetime: Duration,
    /// `bounce_queue_lifetime`.
    pub bounce_lifetime: Duration,
    /// `defer_transports`.
    pub defer_transports: Vec<SmolStr>,
    /// `qmgr_message_active_limit`.
    pub active_limit: u64,
    /// `soft_bounce`.
    pub soft_bounce: bool,
    /// `disable_verp_bounces`.
    pub disable_verp_bounces: bool,
}

impl QmgrConf {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A value is not what the parameter wants.
    pub fn load(params: &Params<'_>) -> Result<QmgrConf, Fatal> {
        Ok(QmgrConf {
            queue_run_delay: params.time("queue_run_delay")?.max(Duration::from_secs(1)),
            minimal_backoff: params.time("minimal_backoff_time")?,
            maximal_backoff: params.time("maximal_backoff_time")?,
            lifetime: params.time("maximal_queue_lifetime")?,
            bounce_lifetime: params.time("bounce_queue_lifetime")?,
            defer_transports: params.list("defer_transports"),
            active_limit: params.int("qmgr_message_active_limit")?,
            soft_bounce: params.bool("soft_bounce")?,
            disable_verp_bounces: params.bool("disable_verp_bounces")?,
        })
    }
}

/// Parameters of one transport.
#[derive(Clone, Debug)]
pub struct TransportConf {
    /// Tag of its log lines.
    pub tag: SmolStr,
    /// `TRANSPORT_destination_recipient_limit`; 0 for none.
    pub recipient_limit: u64,
    /// `TRANSPORT_initial_destination_concurrency`.
    pub initial_concurrency: u64,
    /// `TRANSPORT_destination_concurrency_limit`; 0 for none.
    pub concurrency_limit: u64,
    /// `TRANSPORT_destination_concurrency_failed_cohort_limit`.
    pub failed_cohort_limit: u64,
    /// Most deliveries at a time; 0 for no limit.
    pub process_limit: u64,
    /// Whether master.cf has such a service.
    pub exists: bool,
}

impl TransportConf {
    /// Reads the parameters of a transport.
    pub fn load(config: &Config, transport: &str) -> TransportConf {
        let params = config.global();
        let number = |name: &str| {
            let own = params.get(&format!("{transport}_{name}"));
            own.parse().unwrap_or_else(|_| params.int(&format!("default_{name}")).unwrap_or(0))
        };
        let entry = config.master.unix(transport);
        let (tag, exists, limit) = match entry {
            Some(entry) => {
                let own = config.service(entry);
                let program = entry.command.rsplit('/').next().unwrap_or_default();
                let tag = format_smolstr!("{}/{program}", own.get("syslog_name"));
                (tag, true, entry.maxproc.map(u64::from))
            }
            None => (format_smolstr!("postfix/{transport}"), false, None),
        };
        let initial = params.get(&format!("{transport}_initial_destination_concurrency"));
        let initial = initial.parse().or_else(|_| params.int("initial_destination_concurrency")).unwrap_or(5);
        TransportConf {
            tag,
            recipient_limit: number("destination_recipient_limit"),
            initial_concurrency: initial,
            concurrency_limit: number("destination_concurrency_limit"),
            failed_cohort_limit: number("destination_concurrency_failed_cohort_limit"),
            process_limit: limit.unwrap_or_else(|| params.int("default_process_limit").unwrap_or(100)),
            exists,
        }
    }
}
