//! `openssl base64`, `dgst`, `rand`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use crate::host::program::Env;
use crate::host::tls::base64_lines;
use crate::host::tools::read_file;

/// Reads a file, or complains as OpenSSL's commands do.
pub(super) fn open(env: &mut Env<'_, '_>, name: &str) -> Option<Vec<u8>> {
    match read_file(env, &env.path(name)) {
        Ok(content) => Some(content),
        Err(error) => {
            env.errln(format!("Can't open \"{name}\" for reading, {error}"));
            None
        }
    }
}

/// `openssl base64 [-d] [-A] [-in FILE] [-out FILE]`, also as `openssl enc -base64`.
pub fn base64(env: &mut Env<'_, '_>, args: &[String], stdin: &[u8]) -> u8 {
    let (mut decode, mut one_line, mut input, mut output) = (false, false, None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-d" => decode = true,
            "-A" => one_line = true,
            "-e" | "-base64" | "-a" => {}
            "-in" => input = args.next(),
            "-out" => output = args.next(),
            option => {
                env.errln(super::unknown("enc", option));
                return 1;
            }
        }
    }
    let content = match input {
        Some(name) => match open(env, name) {
            Some(content) => content,
            None => return 1,
        },
        None => stdin.to_vec(),
    };
    let result = if decode {
        let text: Vec<u8> = content.into_iter().filter(|octet| !octet.is_ascii_whitespace()).collect();
        match STANDARD.decode(text) {
            Ok(plain) => plain,
            Err(_) => {
                env.errln("error reading input file");
                return 1;
            }
        }
    } else if one_line {
        STANDARD.encode(content).into_bytes()
    } else {
        base64_lines(&content).into_bytes()
    };
    match output {
        None => env.stdout.extend(result),
        Some(name) => {
            let path = env.path(name);
            if let Err(error) = env.ctx.host.vfs.write(&path, result, 0o644, env.cred) {
                env.errln(format!("Can't open \"{name}\" for writing, {error}"));
                return 1;
            }
        }
    }
    0
}

/// Whether the arguments of `dgst` name files.
pub fn names_files(args: &[String]) -> bool {
    args.iter().any(|arg| !arg.starts_with('-'))
}

/// `openssl dgst -sha256 [FILE…]`, also as `openssl sha256 [FILE…]`.
pub fn digest(env: &mut Env<'_, '_>, command: &str, args: &[String], stdin: &[u8]) -> u8 {
    let mut algorithm = if command == "dgst" { "sha256".to_owned() } else { command.to_owned() };
    let mut files = Vec::new();
    for arg in args {
        match arg.strip_prefix('-') {
            Some(name @ ("md5" | "sha256" | "sha512")) => algorithm = name.to_owned(),
            Some(_) => {
                env.errln(super::unknown("dgst", arg));
                return 1;
            }
            None => files.push(arg.clone()),
        }
    }
    type Function = fn(&[u8]) -> String;
    let (label, function): (&str, Function) = match algorithm.as_str() {
        "md5" => ("MD5", |octets| hex(&md5::Md5::digest(octets))),
        "sha512" => ("SHA2-512", |octets| hex(&Sha512::digest(octets))),
        "sha256" => ("SHA2-256", |octets| hex(&Sha256::digest(octets))),
        other => {
            env.errln(super::unknown("dgst", &format!("-{other}")));
            return 1;
        }
    };
    if files.is_empty() {
        env.outln(format!("{label}(stdin)= {}", function(stdin)));
        return 0;
    }
    let mut status = 0;
    for name in files {
        match open(env, &name) {
            Some(content) => env.outln(format!("{label}({name})= {}", function(&content))),
            None => status = 1,
        }
    }
    status
}

/// Octets in hexadecimal digits.
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// `openssl rand [-hex|-base64] COUNT`: from the host's dice.
pub fn rand(env: &mut Env<'_, '_>, args: &[String]) -> u8 {
    let count = args.iter().find_map(|arg| arg.parse::<usize>().ok());
    let Some(count) = count.filter(|count| *count <= 1 << 20) else {
        env.errln("rand: Use -help for summary.");
        return 1;
    };
    let octets: Vec<u8> = (0..count).map(|_| env.ctx.host.dice.next_u64().to_le_bytes()[0]).collect();
    if args.iter().any(|arg| arg == "-hex") {
        env.outln(hex(&octets));
    } else if args.iter().any(|arg| arg == "-base64") {
        env.stdout.extend(base64_lines(&octets).into_bytes());
    } else {
        env.stdout.extend(octets);
    }
    0
}
