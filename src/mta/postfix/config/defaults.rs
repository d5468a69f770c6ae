//! The parameters of Postfix 3.7 with their built-in defaults.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use smol_str::SmolStr;

#[derive(Deserialize)]
struct File {
    defaults: BTreeMap<SmolStr, SmolStr>,
}

fn table() -> &'static BTreeMap<SmolStr, SmolStr> {
    static TABLE: OnceLock<BTreeMap<SmolStr, SmolStr>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let file: Option<File> = serde_json::from_str(include_str!("defaults.json")).ok();
        file.map(|file| file.defaults).unwrap_or_default()
    })
}

/// Parameters that exist for each delivery service of `master.cf`: what follows the service's
/// name, and the default.
const PER_TRANSPORT: &[(&str, &str)] = &[
    ("_delivery_slot_cost", "$default_delivery_slot_cost"),
    ("_delivery_slot_discount", "$default_delivery_slot_discount"),
    ("_delivery_slot_loan", "$default_delivery_slot_loan"),
    ("_delivery_status_filter", "$default_delivery_status_filter"),
    ("_destination_concurrency_failed_cohort_limit", "$default_destination_concurrency_failed_cohort_limit"),
    ("_destination_concurrency_limit", "$default_destination_concurrency_limit"),
    ("_destination_concurrency_negative_feedback", "$default_destination_concurrency_negative_feedback"),
    ("_destination_concurrency_positive_feedback", "$default_destination_concurrency_positive_feedback"),
    ("_destination_rate_delay", "$default_destination_rate_delay"),
    ("_destination_recipient_limit", "$default_destination_recipient_limit"),
    ("_extra_recipient_limit", "$default_extra_recipient_limit"),
    ("_initial_destination_concurrency", "$initial_destination_concurrency"),
    ("_minimum_delivery_slots", "$default_minimum_delivery_slots"),
    ("_recipient_limit", "$default_recipient_limit"),
    ("_recipient_refill_delay", "$default_recipient_refill_delay"),
    ("_recipient_refill_limit", "$default_recipient_refill_limit"),
    ("_time_limit", "$command_time_limit"),
    ("_transport_rate_delay", "$default_transport_rate_delay"),
];

/// Whether Postfix itself has a parameter of this name.
pub fn is_known(name: &str) -> bool {
    table().contains_key(name)
}

/// All names in order of the alphabet.
pub fn names() -> impl Iterator<Item = &'static SmolStr> {
    table().keys()
}

/// Delivery services of Debian's `master.cf`, whose parameters are among the known ones.
const SERVICES: [&str; 13] = [
    "bsmtp",
    "error",
    "ifmail",
    "lmtp",
    "local",
    "maildrop",
    "mailman",
    "relay",
    "retry",
    "scalemail-backend",
    "smtp",
    "uucp",
    "virtual",
];

/// Whether a known parameter is one that a delivery service brings.
pub fn is_of_service(name: &str) -> bool {
    let own = |rest: &str| rest != "_delivery_status_filter" && PER_TRANSPORT.iter().any(|(suffix, _)| *suffix == rest);
    SERVICES.iter().filter_map(|service| name.strip_prefix(service)).any(own)
}

/// The built-in default, not expanded.
pub fn get(name: &str) -> Option<&'static SmolStr> {
    table().get(name)
}

/// The default of a parameter that a delivery service of some name has, not expanded.
pub fn per_transport(name: &str) -> Option<&'static str> {
    // The longest suffix is the right one: `x_destination_recipient_limit` is not a
    // `recipient_limit` of `x_destination`.
    let matching = PER_TRANSPORT.iter().filter(|(suffix, _)| name.len() > suffix.len() && name.ends_with(suffix));
    matching.max_by_key(|(suffix, _)| suffix.len()).map(|(_, default)| *default)
}

/// The names that a delivery service adds, each with its default.
pub fn of_transport(service: &str) -> impl Iterator<Item = (String, &'static str)> + '_ {
    PER_TRANSPORT.iter().map(move |(suffix, default)| (format!("{service}{suffix}"), *default))
}

/// The version that is modelled.
pub const MAIL_VERSION: &str = "3.7.11";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_parameters_of_3_7() {
        assert!(names().count() > 900);
        assert_eq!(get("queue_run_delay").unwrap(), "300s");
        assert_eq!(get("mail_version").unwrap(), MAIL_VERSION);
        assert!(!is_known("relayhosts"));
    }

    #[test]
    fn services_bring_their_own_parameters() {
        assert_eq!(per_transport("slow_destination_recipient_limit"), Some("$default_destination_recipient_limit"));
        assert_eq!(per_transport("_recipient_limit"), None);
        assert_eq!(per_transport("relayhosts"), None);
    }
}
