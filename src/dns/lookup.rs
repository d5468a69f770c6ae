//! What a program gets to know from the resolver: plain values, apart from the wire format.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use smol_str::SmolStr;

/// Record types that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named as in RFC 1035 and its successors")]
pub enum Qtype {
    A,
    Aaaa,
    Mx,
    Cname,
    Ns,
    Ptr,
    Soa,
    Txt,
    Srv,
    Tlsa,
    Any,
}

impl fmt::Display for Qtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Qtype::A => "A",
            Qtype::Aaaa => "AAAA",
            Qtype::Mx => "MX",
            Qtype::Cname => "CNAME",
            Qtype::Ns => "NS",
            Qtype::Ptr => "PTR",
            Qtype::Soa => "SOA",
            Qtype::Txt => "TXT",
            Qtype::Srv => "SRV",
            Qtype::Tlsa => "TLSA",
            Qtype::Any => "ANY",
        })
    }
}

/// Data of a record. Names are in lower case, without the final dot; the root is `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in RFC 1035 and its successors")]
pub enum Rdata {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx {
        preference: u16,
        exchange: SmolStr,
    },
    Cname(SmolStr),
    Ns(SmolStr),
    Ptr(SmolStr),
    Txt(SmolStr),
    /// Any other type, in presentation format.
    Other(SmolStr),
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Owner name.
    pub name: SmolStr,
    /// Time to live in seconds, as the name server gave it.
    pub ttl: u32,
    /// The data.
    pub data: Rdata,
}

/// How a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There are records of the type.
    Found,
    /// The name exists, without records of the type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// The server could not tell (SERVFAIL, REFUSED, a lame server).
    ServFail,
    /// No server answered.
    Timeout,
}

/// The result of one lookup, CNAMEs already followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The name asked for.
    pub qname: SmolStr,
    /// The type asked for.
    pub qtype: Qtype,
    /// How it ended.
    pub outcome: Outcome,
    /// The answer section: the CNAME chain, then the records.
    pub answers: Vec<Answer>,
}

impl Lookup {
    /// The addresses in the answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.answers.iter().filter_map(|answer| match answer.data {
            Rdata::A(addr) => Some(IpAddr::V4(addr)),
            Rdata::Aaaa(addr) => Some(IpAddr::V6(addr)),
            _ => None,
        })
    }

    /// Preference and name of the mail exchangers in the answer, in its order.
    pub fn exchangers(&self) -> impl Iterator<Item = (u16, &SmolStr)> {
        self.answers.iter().filter_map(|answer| match &answer.data {
            Rdata::Mx { preference, exchange } => Some((*preference, exchange)),
            _ => None,
        })
    }
}
