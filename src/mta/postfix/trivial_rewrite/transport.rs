//! Entries of `transport(5)` tables.

use smol_str::SmolStr;

/// A transport and its next hop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Service name in master.cf.
    pub transport: SmolStr,
    /// Domain, host, path or text, as the transport takes it.
    pub nexthop: SmolStr,
}

impl Route {
    /// Applies a table's `transport:nexthop`; empty parts mean "as it would be without the entry",
    /// but a transport without next hop resets the next hop to the recipient's domain.
    pub fn apply(&mut self, entry: &str, recipient_domain: &str) {
        let (transport, nexthop) = entry.split_once(':').unwrap_or((entry, ""));
        let (transport, nexthop) = (transport.trim(), nexthop.trim());
        if transport.is_empty() {
            if !nexthop.is_empty() {
                self.nexthop = nexthop.into();
            }
            return;
        }
        self.transport = transport.into();
        self.nexthop = match nexthop {
            "" if transport == "error" || transport == "retry" => "Address is undeliverable".into(),
            "" => recipient_domain.into(),
            nexthop => nexthop.into(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parts_of_an_entry_leave_or_reset() {
        for (entry, transport, nexthop) in [
            ("smtp:[mail.example.net]", "smtp", "[mail.example.net]"),
            ("smtp:[::1]:2525", "smtp", "[::1]:2525"),
            ("local", "local", "example.net"),
            ("local:", "local", "example.net"),
            (":", "relay", "hub"),
            (":[other]", "relay", "[other]"),
            ("error:", "error", "Address is undeliverable"),
            ("error:5.1.2 gone", "error", "5.1.2 gone"),
        ] {
            let mut route = Route { transport: "relay".into(), nexthop: "hub".into() };
            route.apply(entry, "example.net");
            assert_eq!(route, Route { transport: transport.into(), nexthop: nexthop.into() }, "{entry}");
        }
    }
}
