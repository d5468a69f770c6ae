//! `smtp_delivery_status_filter` and its kin: a table that changes what became of a recipient
//! (`dsn_filter(3)` of Postfix).

use std::collections::BTreeMap;

use smol_str::{SmolStr, format_smolstr};

use super::config::{Fatal, Params};
use super::delivery::Outcome;
use super::maps::Maps;
use super::services::Services;
use crate::host::Ctx;
use crate::mail::dsn;
use crate::trace::DeliveryStatus;

/// The filter of one delivery agent.
#[derive(Clone, Debug)]
struct Filter {
    parameter: SmolStr,
    table: Maps,
    tag: SmolStr,
}

/// The filters of those services that have one.
#[derive(Clone, Debug, Default)]
pub struct StatusFilters {
    by_service: BTreeMap<SmolStr, Filter>,
}

impl StatusFilters {
    /// Reads the filter of a service. Programs that only say what they were told have none.
    ///
    /// # Errors
    /// The parameter names no table.
    pub fn load(&mut self, service: &SmolStr, program: &str, tag: &SmolStr, params: &Params<'_>) -> Result<(), Fatal> {
        if !matches!(program, "smtp" | "lmtp" | "local" | "virtual" | "pipe") {
            return Ok(());
        }
        let parameter = format_smolstr!("{program}_delivery_status_filter");
        let table = params.maps(&parameter)?;
        if !table.is_empty() {
            self.by_service.insert(service.clone(), Filter { parameter, table, tag: tag.clone() });
        }
        Ok(())
    }

    /// Looks up `STATUS TEXT` of an outcome; what is found takes its place. Success stays success,
    /// and failure stays failure, now or later.
    pub fn apply(&self, service: &str, outcome: &mut Outcome, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(filter) = self.by_service.get(service) else { return };
        let found = match filter.table.find(&format!("{} {}", outcome.dsn, outcome.reason), ctx.host) {
            Ok(Some(found)) => found.value,
            Ok(None) => return,
            Err(error) => {
                for line in error.warnings {
                    services.log.info(ctx, &filter.tag, format_args!("{line}"));
                }
                return;
            }
        };
        let (code, text) = dsn::split("", &found);
        let status = match (code.as_bytes().first(), outcome.dsn.as_bytes().first()) {
            (Some(b'2'), Some(b'2')) => outcome.status,
            (Some(b'4'), Some(b'4' | b'5')) => DeliveryStatus::Deferred,
            (Some(b'5'), Some(b'4' | b'5')) => DeliveryStatus::Bounced,
            _ => {
                let parameter = &filter.parameter;
                let text = format!("{parameter}: bad status code: {found}");
                return services.log.warn(ctx, &filter.tag, format_args!("{text}"));
            }
        };
        outcome.status = status;
        outcome.dsn = code.into();
        outcome.reason = text.to_owned();
    }
}
