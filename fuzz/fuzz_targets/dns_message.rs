//! Octets as a DNS message: what can be read can be written and read again, and is answered.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mxlab::dns::message::{answer, decode, encode, negative_ttl, record_text};
use mxlab::dns::server::Transport;
use mxlab::dns::{Catalog, Zone};

const ZONE: &str = "$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
@ MX 10 mx
ns A 192.0.2.53
mx A 192.0.2.25
mx AAAA 2001:db8::25
www CNAME mx
loop CNAME loop
*.wild TXT \"any\"
sub NS ns.sub
ns.sub A 192.0.2.54
";

fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::new(Zone::parse("example.org", ZONE, "db.example.org")))
}

fuzz_target!(|data: &[u8]| {
    for transport in [Transport::Udp, Transport::Tcp] {
        if let Some(reply) = catalog().reply(data, transport) {
            assert!(decode(&reply.octets).is_some(), "the answer cannot be read");
            let _ = reply.decision();
        }
    }
    let Some(message) = decode(data) else { return };
    let _ = negative_ttl(&message);
    for record in message.answers.iter().chain(&message.authorities).chain(&message.additionals) {
        let _ = (record_text(record), answer(record));
    }
    if let Some(octets) = encode(&message) {
        let again = decode(&octets).expect("what was written can be read");
        assert_eq!(encode(&again), Some(octets));
    }
});
