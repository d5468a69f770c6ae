//! What passes between a socket of the real machine and the process that stands for it inside
//! the world.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use super::net::{ConnectError, TlsMessage};
use super::time::{Duration, Time};

/// Number of a real socket, given by whoever opened it. Numbers are never used twice.
pub type OutsideId = u64;

/// What a real socket brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inward {
    /// Octets.
    Bytes(Bytes),
    /// Octets that leave only after a while.
    Later(Duration, Bytes),
    /// A step of a TLS handshake.
    Tls(Arc<TlsMessage>),
    /// It will send nothing more, but still reads.
    Eof,
    /// It is gone.
    Reset,
    /// A datagram for an address of the world.
    Datagram {
        /// For whom.
        to: SocketAddr,
        /// Its content.
        bytes: Bytes,
    },
}

/// What the world has for a real socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outward {
    /// The connection inside the world is open.
    Open,
    /// It did not come about.
    Refused(ConnectError),
    /// Octets.
    Bytes(Bytes),
    /// A step of a TLS handshake.
    Tls(Arc<TlsMessage>),
    /// What was sent so far has left: there is room for more.
    Writable,
    /// The server has closed.
    Eof,
    /// The connection was reset.
    Reset,
    /// A datagram.
    Datagram {
        /// Who sent it.
        from: SocketAddr,
        /// Its content.
        bytes: Bytes,
    },
}

/// How much of virtual time people at real sockets had for their answers. While it runs faster
/// than the clock on the wall, only the wall's share counts.
#[derive(Clone, Debug)]
pub struct Attention {
    since: Time,
    attended: Duration,
    pace: Pace,
}

/// How fast virtual time runs against the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Thousandths of the wall's speed.
    Permille(u64),
    /// It jumps; nobody can follow.
    Jump,
}

impl Default for Attention {
    fn default() -> Attention {
        Attention { since: Time::default(), attended: Duration::ZERO, pace: Pace::Permille(1000) }
    }
}

impl Attention {
    /// Attended time up to a moment, from an arbitrary beginning.
    pub fn attended(&self, now: Time) -> Duration {
        let passed = now.since(self.since);
        self.attended
            + match self.pace {
                Pace::Jump => Duration::ZERO,
                Pace::Permille(permille) if permille <= 1000 => passed,
                Pace::Permille(permille) => {
                    let micros = passed.as_micros().saturating_mul(1000) / u128::from(permille);
                    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
                }
            }
    }

    /// From now on virtual time runs at another pace.
    pub fn set_pace(&mut self, now: Time, pace: Pace) {
        self.attended = self.attended(now);
        self.since = now;
        self.pace = pace;
    }

    /// How much virtual time it takes at the present pace until so much was attended; during a
    /// jump, as much as it takes at the wall's speed.
    pub fn stretch(&self, attended: Duration) -> Duration {
        match self.pace {
            Pace::Permille(permille) if permille > 1000 => {
                let micros = attended.as_micros().saturating_mul(u128::from(permille)).div_ceil(1000);
                Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
            }
            _ => attended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_share_of_the_wall_counts() {
        let at = Time::from_secs;
        let mut attention = Attention::default();
        attention.set_pace(at(100), Pace::Permille(1000));
        let start = attention.attended(at(100));
        let counted = |attention: &Attention, now| (attention.attended(now) - start).as_secs();
        assert_eq!(counted(&attention, at(110)), 10);
        attention.set_pace(at(110), Pace::Permille(10_000));
        assert_eq!(counted(&attention, at(210)), 20);
        assert_eq!(attention.stretch(Duration::from_secs(5)).as_secs(), 50);
        attention.set_pace(at(210), Pace::Jump);
        assert_eq!(counted(&attention, at(100_000)), 20);
        attention.set_pace(at(100_000), Pace::Permille(500));
        assert_eq!(counted(&attention, at(100_007)), 27);
    }
}
