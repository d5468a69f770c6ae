//! The character devices that scripts use: null(4), random(4), full(4).

/// A device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `/dev/null`: empty, and takes everything.
    Null,
    /// `/dev/zero`: zeros without end.
    Zero,
    /// `/dev/full`: as `/dev/zero`, but its disk is always full.
    Full,
    /// `/dev/random`: random octets without end.
    Random,
    /// `/dev/urandom`: the same.
    Urandom,
    /// `/dev/tty`: the terminal, which a shell opens itself.
    Tty,
}

impl Device {
    /// All of them with their names below `/dev`.
    pub const ALL: [(&'static str, Device); 6] = [
        ("null", Device::Null),
        ("zero", Device::Zero),
        ("full", Device::Full),
        ("random", Device::Random),
        ("urandom", Device::Urandom),
        ("tty", Device::Tty),
    ];

    /// The major and minor number that Linux gives it.
    pub fn numbers(self) -> (u32, u32) {
        match self {
            Device::Null => (1, 3),
            Device::Zero => (1, 5),
            Device::Full => (1, 7),
            Device::Random => (1, 8),
            Device::Urandom => (1, 9),
            Device::Tty => (5, 0),
        }
    }

    /// Whether reading never comes to an end.
    pub fn is_endless(self) -> bool {
        matches!(self, Device::Zero | Device::Full | Device::Random | Device::Urandom)
    }

    /// Up to `most` octets from the place `from` on. Random ones follow from `seed`, so that a
    /// replay reads the same.
    pub fn octets(self, seed: u64, from: u64, most: usize) -> Vec<u8> {
        match self {
            Device::Null | Device::Tty => Vec::new(),
            Device::Zero | Device::Full => vec![0; most],
            Device::Random | Device::Urandom => (from..).take(most).map(|place| random_octet(seed, place)).collect(),
        }
    }
}

/// One octet of SplitMix64's sequence.
fn random_octet(seed: u64, place: u64) -> u8 {
    let mut word = seed.wrapping_add((place / 8).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^= word >> 31;
    word.to_le_bytes()[(place % 8) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_in_pieces_is_what_is_read_at_once() {
        for (_, device) in Device::ALL {
            let whole = device.octets(7, 0, 40);
            let pieces = [device.octets(7, 0, 13), device.octets(7, 13, 27)].concat();
            assert_eq!(whole, pieces, "{device:?}");
            assert_eq!(whole.len(), if device.is_endless() { 40 } else { 0 });
        }
        assert_ne!(Device::Random.octets(1, 0, 16), Device::Random.octets(2, 0, 16));
    }
}
