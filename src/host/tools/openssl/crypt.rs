//! `openssl passwd`: the hashes of crypt(5) (MD5 of FreeBSD, SHA-256 and SHA-512 of Ulrich Drepper).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use crate::host::program::Env;

const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `openssl passwd [-1|-apr1|-5|-6] [-salt SALT] [-stdin] PASSWORD…`.
pub fn passwd(env: &mut Env<'_, '_>, args: &[String], stdin: &[u8]) -> u8 {
    let (mut kind, mut salt, mut passwords) = ("1", None, Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-1" => kind = "1",
            "-apr1" => kind = "apr1",
            "-5" => kind = "5",
            "-6" => kind = "6",
            "-salt" => salt = rest.next().cloned(),
            "-stdin" => passwords.extend(String::from_utf8_lossy(stdin).lines().map(str::to_owned)),
            "-quiet" | "-noverify" => {}
            option if option.starts_with('-') => {
                env.errln(super::unknown("passwd", option));
                return 1;
            }
            password => passwords.push(password.to_owned()),
        }
    }
    if passwords.is_empty() {
        env.errln("passwd: no password given; name it, or write it to standard input with -stdin");
        return 1;
    }
    for password in passwords {
        let length = if matches!(kind, "1" | "apr1") { 8 } else { 16 };
        let salt: String = match &salt {
            Some(salt) => salt.chars().take(length).collect(),
            None => (0..length).map(|_| char::from(ALPHABET[env.ctx.host.dice.below(64) as usize])).collect(),
        };
        let (password, salt_octets) = (password.as_bytes(), salt.as_bytes());
        let digest = match kind {
            "5" => sha::<Sha256>(password, salt_octets, &SHA256_ORDER),
            "6" => sha::<Sha512>(password, salt_octets, &SHA512_ORDER),
            magic => md5(password, salt_octets, magic),
        };
        env.outln(format!("${kind}${salt}${digest}"));
    }
    0
}

/// Characters for groups of three octets, least significant six bits first.
fn encode(digest: &[u8], order: &[[u8; 3]], last: &[u8], characters: usize) -> String {
    let mut text = String::new();
    let mut group = |value: u32, count: usize| {
        for at in 0..count {
            text.push(char::from(ALPHABET[(value >> (6 * at) & 63) as usize]));
        }
    };
    let octet = |at: u8| u32::from(digest[usize::from(at)]);
    for [high, middle, low] in order {
        group(octet(*high) << 16 | octet(*middle) << 8 | octet(*low), 4);
    }
    group(last.iter().fold(0, |value, at| value << 8 | octet(*at)), characters);
    text
}

fn md5(password: &[u8], salt: &[u8], kind: &str) -> String {
    let mut inner = Md5::new();
    for part in [password, salt, password] {
        inner.update(part);
    }
    let inner = inner.finalize();
    let mut hash = Md5::new();
    hash.update(password);
    hash.update(format!("${kind}$"));
    hash.update(salt);
    hash.update(inner.iter().cycle().take(password.len()).copied().collect::<Vec<u8>>());
    let mut bits = password.len();
    while bits > 0 {
        hash.update(if bits & 1 == 1 { &[0][..] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut digest = hash.finalize();
    for round in 0..1000 {
        let mut hash = Md5::new();
        let (first, second): (&[u8], &[u8]) = if round % 2 == 1 { (password, &digest) } else { (&digest, password) };
        hash.update(first);
        if round % 3 != 0 {
            hash.update(salt);
        }
        if round % 7 != 0 {
            hash.update(password);
        }
        hash.update(second);
        digest = hash.finalize();
    }
    encode(&digest, &[[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]], &[11], 2)
}

const SHA256_ORDER: [[u8; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];

const SHA512_ORDER: [[u8; 3]; 21] = [
    [0, 21, 42],
    [22, 43, 1],
    [44, 2, 23],
    [3, 24, 45],
    [25, 46, 4],
    [47, 5, 26],
    [6, 27, 48],
    [28, 49, 7],
    [50, 8, 29],
    [9, 30, 51],
    [31, 52, 10],
    [53, 11, 32],
    [12, 33, 54],
    [34, 55, 13],
    [56, 14, 35],
    [15, 36, 57],
    [37, 58, 16],
    [59, 17, 38],
    [18, 39, 60],
    [40, 61, 19],
    [62, 20, 41],
];

/// "Unix crypt using SHA-256 and SHA-512", with 5000 rounds.
fn sha<D: Digest>(password: &[u8], salt: &[u8], order: &[[u8; 3]]) -> String {
    let spread = |digest: &[u8], length: usize| digest.iter().cycle().take(length).copied().collect::<Vec<u8>>();
    let b = D::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut a = D::new().chain_update(password).chain_update(salt).chain_update(spread(&b, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        a.update(if bits & 1 == 1 { &b[..] } else { password });
        bits >>= 1;
    }
    let mut digest = a.finalize();
    let mut p = D::new();
    for _ in 0..password.len() {
        p.update(password);
    }
    let p = spread(&p.finalize(), password.len());
    let mut s = D::new();
    for _ in 0..16 + usize::from(digest[0]) {
        s.update(salt);
    }
    let s = spread(&s.finalize(), salt.len());
    for round in 0..5000 {
        let mut hash = D::new();
        let (first, second): (&[u8], &[u8]) = if round % 2 == 1 { (&p, &digest) } else { (&digest, &p) };
        hash.update(first);
        if round % 3 != 0 {
            hash.update(&s);
        }
        if round % 7 != 0 {
            hash.update(&p);
        }
        hash.update(second);
        digest = hash.finalize();
    }
    match order.len() {
        21 => encode(&digest, order, &[63], 2),
        _ => encode(&digest, order, &[31, 30], 3),
    }
}
