//! Queue ids (`mail_queue.h`): unique while the file exists, made of the time and the inode.

use smol_str::SmolStr;

/// Digits of base 52: no vowels, so that an id is never a word.
const SAFE: &[u8; 52] = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
/// Separates time and inode in a long id; base 51 lacks it.
const LONG_SEPARATOR: u8 = b'z';
/// Digits of the seconds and of the microseconds in a long id.
const SECONDS: usize = 6;
const MICROS: usize = 4;

/// Which form new ids take (`enable_long_queue_ids`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Five hexadecimal digits of the microsecond, then the inode in hexadecimal.
    #[default]
    Short,
    /// The time in base 52, `z`, then the inode in base 51; never used again.
    Long,
}

/// The id of a file with this inode number, made at this moment.
pub fn encode(form: Form, secs: u64, micros: u32, ino: u64) -> SmolStr {
    let mut id = String::with_capacity(20);
    match form {
        Form::Short => {
            hexadecimal(&mut id, u64::from(micros), 5);
            hexadecimal(&mut id, ino, 1);
        }
        Form::Long => {
            base(&mut id, secs, 52, SECONDS);
            base(&mut id, u64::from(micros), 52, MICROS);
            id.push(LONG_SEPARATOR as char);
            base(&mut id, ino, 51, 1);
        }
    }
    id.into()
}

/// Appends a number in hexadecimal with at least so many digits.
fn hexadecimal(out: &mut String, value: u64, width: u32) {
    let digits = (u64::BITS - value.leading_zeros()).div_ceil(4).max(width);
    let digit = |place: u32| char::from(b"0123456789ABCDEF"[(value >> (4 * place)) as usize & 0xF]);
    out.extend((0..digits).rev().map(digit));
}

fn base(out: &mut String, mut value: u64, base: u64, width: usize) {
    let mut digits = Vec::with_capacity(12);
    while value > 0 || digits.len() < width {
        digits.push(SAFE[(value % base) as usize]);
        value /= base;
    }
    out.extend(digits.iter().rev().map(|digit| *digit as char));
}

/// Whether a name can be a queue id: letters and digits only (`mail_queue_id_ok`).
pub fn is_valid(name: &str) -> bool {
    !name.is_empty() && name.len() <= 100 && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_')
}

/// The hexadecimal microseconds that pick a hashed directory: the beginning of a short id, or
/// what a long id stands for.
pub fn hash_digits(id: &str) -> SmolStr {
    let long = id.rfind(LONG_SEPARATOR as char).filter(|end| *end >= SECONDS + MICROS);
    let Some(end) = long else { return id.into() };
    let micros = id.as_bytes()[end - MICROS..end]
        .iter()
        .try_fold(0_u64, |sum, digit| Some(sum * 52 + SAFE.iter().position(|safe| safe == digit)? as u64))
        .unwrap_or(0);
    smol_str::format_smolstr!("{micros:05X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_are_microseconds_and_inode() {
        assert_eq!(encode(Form::Short, 1_795_262_400, 0x12345, 0x4ABC), "123454ABC");
        assert_eq!(encode(Form::Short, 1_795_262_400, 7, 0x4ABC), "000074ABC");
    }

    #[test]
    fn long_ids_hash_by_their_microseconds() {
        let id = encode(Form::Long, 1_795_262_400, 0x5_4321, 77_777);
        assert_eq!(id.find('z'), Some(10));
        assert_eq!(hash_digits(&id), "54321");
        assert_eq!(hash_digits("123454ABC"), "123454ABC");
    }

    #[test]
    fn names_with_slashes_or_dots_are_no_ids() {
        assert!(is_valid("3F2A14ABC"));
        for name in ["", "../x", "a.b", "a b", &"A".repeat(101)] {
            assert!(!is_valid(name), "{name:?}");
        }
    }
}
