//! Where probes of verify(8) go, which may be elsewhere than mail.

use crate::mta::postfix::config::Params;

/// Parameters of mail with those that take their place for probes (ADDRESS_VERIFICATION_README).
const OF_PROBES: [(&str, &str); 8] = [
    ("transport_maps", "address_verify_transport_maps"),
    ("sender_dependent_relayhost_maps", "address_verify_sender_dependent_relayhost_maps"),
    ("sender_dependent_default_transport_maps", "address_verify_sender_dependent_default_transport_maps"),
    ("local_transport", "address_verify_local_transport"),
    ("virtual_transport", "address_verify_virtual_transport"),
    ("relay_transport", "address_verify_relay_transport"),
    ("default_transport", "address_verify_default_transport"),
    ("relayhost", "address_verify_relayhost"),
];

/// The parameter that takes the place of another one for probes.
pub(super) fn for_probes(name: &'static str) -> &'static str {
    OF_PROBES.iter().find(|(of_mail, _)| *of_mail == name).map_or(name, |(_, of_probes)| of_probes)
}

/// Whether probes may go elsewhere: by default each of their parameters says `$` and that of mail.
pub(super) fn differ(params: &Params<'_>) -> bool {
    OF_PROBES.iter().any(|(_, name)| params.source(name).is_some())
}
