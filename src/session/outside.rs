//! Inputs that come from sockets of the real machine, and how they are written down.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::input::InputError;
use crate::host::layout::{HostSpec, build};
use crate::host::vfs::Cred;
use crate::scenario::Scenario;
use crate::scenario::checked::Host;
use crate::scenario::enrol::is_student_name;
use crate::sim::{HostId, TlsMessage};
use crate::world::{World, install_programs};

/// Hosts that a world may have when somebody joins.
const MAX_HOSTS: u32 = 2000;
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// A client's step of a TLS handshake. The gateway speaks real TLS; the world learns the facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsStep {
    /// The client opens.
    Hello {
        /// The name it wants to reach (SNI).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server_name: Option<SmolStr>,
        /// Protocol versions that it offers, best first, as in `TLSv1.3`.
        versions: Vec<SmolStr>,
    },
    /// The handshake is done on both sides.
    Finished,
    /// It failed, in the words of the alert.
    Alert(SmolStr),
}

impl TlsStep {
    /// The same as a message of the world.
    pub(super) fn message(&self) -> TlsMessage {
        match self.clone() {
            TlsStep::Hello { server_name, versions } => TlsMessage::ClientHello { server_name, versions },
            TlsStep::Finished => TlsMessage::Finished,
            TlsStep::Alert(text) => TlsMessage::Alert(text),
        }
    }
}

/// How a real socket ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseHow {
    /// It sends nothing more, but still reads.
    Eof,
    /// It is gone.
    Reset,
}

/// Adds a workstation; it asks the name servers that the first host asks.
pub(super) fn join(
    world: &mut World,
    cast: &mut Arc<Scenario>,
    name: &str,
    fqdn: &str,
    address: IpAddr,
) -> Result<(), InputError> {
    let refused = || InputError::CannotJoin(name.to_owned(), address);
    let taken = world.find(name).is_some() || world.host_of(address).is_some();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let is_valid = |name: &str| (1..=200).contains(&name.len()) && name.chars().all(is_name);
    if taken || world.host_count() >= MAX_HOSTS || !is_valid(name) || !is_valid(fqdn) {
        return Err(refused());
    }
    let mut spec = HostSpec::new(HostId(0), name, fqdn, world.now());
    spec.addrs = vec![address];
    spec.seed = world.seed();
    let mut host = build(&spec).map_err(|_| refused())?;
    let resolvers = world.hosts().next().and_then(|first| first.vfs.read_text(RESOLV_CONF, &Cred::ROOT).ok());
    if let Some(text) = resolvers {
        host.vfs.write(RESOLV_CONF, text, 0o644, &Cred::ROOT).map_err(|_| refused())?;
    }
    install_programs(&mut host);
    world.add_host(host);
    let workstation = cast.workstation(name, fqdn, address);
    Arc::make_mut(cast).hosts.push(workstation);
    Ok(())
}

/// Adds a student's workstation, server and domain.
pub(super) fn enrol(
    world: &mut World,
    cast: &mut Arc<Scenario>,
    student: &str,
    number: u32,
    like: &str,
) -> Result<(), InputError> {
    let refused = || InputError::CannotEnrol(student.to_owned());
    if !is_student_name(student) || world.host_count() + 2 > MAX_HOSTS {
        return Err(refused());
    }
    let seat = cast.seat(student, number, like).ok_or_else(refused)?;
    let hosts = [&seat.workstation, &seat.server];
    let is_taken =
        |host: &&Host| world.find(&host.name).is_some() || host.addrs.iter().any(|addr| world.host_of(*addr).is_some());
    if hosts.iter().any(is_taken) {
        return Err(refused());
    }
    Arc::make_mut(cast).enrol(&seat, world).map_err(|_| refused())
}

/// Octets as a string of which each character is one octet (ISO 8859-1): readable, and nothing is
/// lost.
pub(super) mod octets {
    use super::{Bytes, Deserialize};
    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => to.serialize_str(text),
            _ => to.collect_str(&Latin1(bytes)),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let octets: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
        octets.map(Bytes::from).map_err(|_| de::Error::custom("a character that is no octet"))
    }

    struct Latin1<'a>(&'a [u8]);

    impl std::fmt::Display for Latin1<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            use std::fmt::Write as _;
            self.0.iter().try_for_each(|octet| f.write_char(char::from(*octet)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::session::Input;
    use bytes::Bytes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn octets_survive_the_way_to_json_and_back(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let input = Input::Bytes { conn: 7, data: Bytes::from(data) };
            let json = serde_json::to_string(&input).unwrap();
            prop_assert_eq!(serde_json::from_str::<Input>(&json).unwrap(), input);
        }
    }

    #[test]
    fn text_stays_readable() {
        let input = Input::Bytes { conn: 1, data: Bytes::from_static(b"EHLO a\r\n") };
        assert_eq!(serde_json::to_string(&input).unwrap(), r#"{"do":"bytes","conn":1,"data":"EHLO a\r\n"}"#);
    }
}
