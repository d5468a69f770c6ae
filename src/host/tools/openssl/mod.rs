//! openssl(1): `s_client` talks to a server over TLS, `x509` shows a certificate, `verify` checks a
//! chain, `req -x509` makes a certificate that signs itself, `passwd` hashes a password, `base64`
//! (or `enc -base64`) encodes, `dgst` and `sha256` digest, `rand` rolls dice. The words are those of
//! OpenSSL 3.0. Session tickets, which real servers send after a handshake, do not exist in the
//! world.

mod client;
mod crypt;
mod digest;
mod request;
mod verify;
mod x509;

use crate::host::program::{Env, Program, Progress, Resume};

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Openssl {
    job: Job,
}

#[derive(Clone, Debug, Default)]
enum Job {
    /// Not started, or waiting for the end of standard input.
    #[default]
    Filter,
    Client(Box<client::Client>),
    Request(Box<request::Request>),
}

impl Openssl {
    /// The command, about to be started.
    pub fn make() -> Box<dyn Program> {
        Box::new(Openssl::default())
    }

    fn start(&mut self, env: &mut Env<'_, '_>) -> Result<Progress, u8> {
        match env.args.get(1).map(String::as_str) {
            Some("s_client") => {
                let mut client = Box::new(client::Client::parse(env)?);
                let progress = client.start(env);
                self.job = Job::Client(client);
                Ok(progress)
            }
            Some("req") => {
                let mut request = Box::new(request::Request::parse(env)?);
                let progress = request.start(env);
                self.job = Job::Request(request);
                Ok(progress)
            }
            _ => Ok(filter(env)),
        }
    }
}

/// The commands that only turn files and standard input into output.
fn filter(env: &mut Env<'_, '_>) -> Progress {
    let command = env.args.get(1).cloned().unwrap_or_default();
    let args = env.args.get(2..).unwrap_or_default().to_vec();
    let reads = match command.as_str() {
        "x509" => !args.iter().any(|arg| arg == "-in"),
        "passwd" => args.iter().any(|arg| arg == "-stdin"),
        "base64" | "enc" => !args.iter().any(|arg| arg == "-in"),
        "dgst" | "md5" | "sha1" | "sha256" | "sha512" => !digest::names_files(&args),
        _ => false,
    };
    if reads && !env.stdin.eof {
        return Progress::Wait;
    }
    let stdin = std::mem::take(&mut env.stdin.buffer);
    Progress::Exit(match command.as_str() {
        "x509" => x509::x509(env, &args, &stdin),
        "verify" => verify::verify(env, &args),
        "passwd" => crypt::passwd(env, &args, &stdin),
        "base64" | "enc" => digest::base64(env, &args, &stdin),
        "dgst" | "md5" | "sha1" | "sha256" | "sha512" => digest::digest(env, &command, &args, &stdin),
        "rand" => digest::rand(env, &args),
        "version" => {
            env.outln("OpenSSL 3.0.17 1 Jul 2025 (Library: OpenSSL 3.0.17 1 Jul 2025)");
            0
        }
        "" | "help" => {
            env.errln("help:\n\nStandard commands\nbase64   dgst     passwd   rand     req      s_client verify   version  x509");
            0
        }
        other => {
            env.errln(format!("Invalid command '{other}'; type \"help\" for a list."));
            1
        }
    })
}

/// The value of an option, or what OpenSSL says about its lack.
fn value(command: &str, option: &str, args: &mut dyn Iterator<Item = String>) -> Result<String, String> {
    args.next().ok_or_else(|| format!("{command}: Option {option} needs a value\n{command}: Use -help for summary."))
}

fn unknown(command: &str, option: &str) -> String {
    format!("{command}: Unknown option: {option}\n{command}: Use -help for summary.")
}

/// A number as OpenSSL puts it before an error of its library.
fn thread(env: &mut Env<'_, '_>) -> String {
    format!("40{:06X}{:04X}0000", env.ctx.host.dice.below(0x100_0000), 0x7F00 | env.ctx.host.dice.below(0x100))
}

impl Program for Openssl {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match (&mut self.job, resume) {
            (_, Resume::Start) => self.start(env).unwrap_or_else(Progress::Exit),
            (Job::Filter, Resume::Stdin) => filter(env),
            (Job::Client(client), resume) => client.resume(resume, env),
            (Job::Request(request), Resume::Stdin) => request.go_on(env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests;
