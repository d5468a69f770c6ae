//! Where probes of verify(8) go, which may be elsewhere than mail.

/// The parameter that takes the place of another one for probes (ADDRESS_VERIFICATION_README).
pub(super) fn for_probes(name: &'static str) -> &'static str {
    match name {
        "transport_maps" => "address_verify_transport_maps",
        "sender_dependent_relayhost_maps" => "address_verify_sender_dependent_relayhost_maps",
        "sender_dependent_default_transport_maps" => "address_verify_sender_dependent_default_transport_maps",
        "local_transport" => "address_verify_local_transport",
        "virtual_transport" => "address_verify_virtual_transport",
        "relay_transport" => "address_verify_relay_transport",
        "default_transport" => "address_verify_default_transport",
        "relayhost" => "address_verify_relayhost",
        other => other,
    }
}
