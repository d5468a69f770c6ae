//! `openssl req -x509`: a key and a certificate that it signs itself.

use smol_str::SmolStr;

use crate::host::program::{Env, Progress};
use crate::host::tls::DistinguishedName;
use crate::host::tls::issue::{NewCertificate, NewKey, self_signed};
use crate::sim::Duration;

/// What is asked for without `-subj`: attribute, question, default.
const QUESTIONS: [(&str, &str, &str); 7] = [
    ("C", "Country Name (2 letter code)", "AU"),
    ("ST", "State or Province Name (full name)", "Some-State"),
    ("L", "Locality Name (eg, city)", ""),
    ("O", "Organization Name (eg, company)", "Internet Widgits Pty Ltd"),
    ("OU", "Organizational Unit Name (eg, section)", ""),
    ("CN", "Common Name (e.g. server FQDN or YOUR name)", ""),
    ("emailAddress", "Email Address", ""),
];

/// A running `openssl req`.
#[derive(Clone, Debug)]
pub struct Request {
    key: NewKey,
    days: u64,
    key_file: String,
    out: Option<String>,
    subject: Option<DistinguishedName>,
    dns_names: Vec<SmolStr>,
    answers: Vec<(SmolStr, SmolStr)>,
    asked: usize,
}

impl Request {
    /// Reads the options; complaints are written and give the exit status.
    pub fn parse(env: &mut Env<'_, '_>) -> Result<Request, u8> {
        match options(env.args.get(2..).unwrap_or_default()) {
            Ok(request) => Ok(request),
            Err(text) => {
                env.errln(text);
                Err(1)
            }
        }
    }

    /// Makes the key, then the certificate, or begins to ask for the subject.
    pub fn start(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if matches!(self.key, NewKey::Rsa(_)) {
            for _ in 0..2 {
                let line = progress(env);
                env.errln(line);
            }
        }
        env.errln("-----");
        if self.subject.is_some() {
            return self.issue(env);
        }
        env.errln(
            "You are about to be asked to enter information that will be incorporated\n\
             into your certificate request.\n\
             What you are about to enter is what is called a Distinguished Name or a DN.\n\
             There are quite a few fields but you can leave some blank\n\
             For some fields there will be a default value,\n\
             If you enter '.', the field will be left blank.\n-----",
        );
        self.ask(env);
        self.go_on(env)
    }

    fn ask(&self, env: &mut Env<'_, '_>) {
        if let Some((_, question, default)) = QUESTIONS.get(self.asked) {
            env.stderr.extend(format!("{question} [{default}]:").into_bytes());
        }
    }

    /// Takes the answers that are there.
    pub fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some((kind, _, default)) = QUESTIONS.get(self.asked) {
            let Some(line) = env.stdin.take_line() else {
                if env.stdin.eof {
                    env.errln("Error making certificate request");
                    return Progress::Exit(1);
                }
                return Progress::Wait;
            };
            let answer = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let answer = if answer.is_empty() { (*default).to_owned() } else { answer };
            if *kind == "C" && answer != "." && answer.chars().count() != 2 {
                let thread = super::thread(env);
                env.errln(format!(
                    "string is too {}, it needs to be no {} than 2 bytes long\n{thread}",
                    if answer.len() > 2 { "long" } else { "short" },
                    if answer.len() > 2 { "more" } else { "less" },
                ));
                self.ask(env);
                continue;
            }
            if answer != "." && !answer.is_empty() {
                self.answers.push((SmolStr::new_static(kind), answer.into()));
            }
            self.asked += 1;
            self.ask(env);
        }
        self.subject = Some(DistinguishedName(std::mem::take(&mut self.answers)));
        self.issue(env)
    }

    fn issue(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let subject = self.subject.clone().unwrap_or_default();
        let not_before = env.ctx.now;
        let not_after = not_before + Duration::from_secs(self.days.saturating_mul(86_400));
        let dns_names = self.dns_names.clone();
        let wanted = NewCertificate { subject, dns_names, not_before, not_after, key: self.key };
        let issued = self_signed(&wanted, &mut env.ctx.host.dice);
        for (file, text, mode) in
            [(Some(&self.key_file), issued.key, 0o600), (self.out.as_ref(), issued.certificate, 0o644)]
        {
            let Some(file) = file else {
                env.stdout.extend(text.into_bytes());
                continue;
            };
            let path = env.path(file);
            if let Err(error) = env.ctx.host.vfs.write(&path, text, mode, env.cred) {
                env.errln(format!("Can't open \"{file}\" for writing, {error}"));
                return Progress::Exit(1);
            }
        }
        Progress::Exit(0)
    }
}

/// The dots and plus signs of a search for primes.
fn progress(env: &mut Env<'_, '_>) -> String {
    let mut line = String::new();
    for found in ["*", "*", ""] {
        for _ in 0..2 + env.ctx.host.dice.below(8) {
            line.push_str(&".".repeat(1 + env.ctx.host.dice.below(6) as usize));
            line.push('+');
        }
        line.push_str(&"+".repeat(64));
        line.push_str(found);
    }
    line
}

fn options(args: &[String]) -> Result<Request, String> {
    let mut request = Request {
        key: NewKey::Rsa(2048),
        days: 30,
        key_file: "privkey.pem".into(),
        out: None,
        subject: None,
        dns_names: Vec::new(),
        answers: Vec::new(),
        asked: 0,
    };
    let (mut makes_certificate, mut without_passphrase) = (false, false);
    let mut args = args.iter().cloned();
    while let Some(arg) = args.next() {
        let mut value = || super::value("req", &arg, &mut args);
        match arg.as_str() {
            "-new" | "-batch" | "-sha256" | "-sha512" | "-utf8" => {}
            "-x509" => makes_certificate = true,
            "-nodes" | "-noenc" => without_passphrase = true,
            "-days" => {
                let days = value()?;
                request.days = days
                    .parse()
                    .map_err(|_| format!("req: Can't parse \"{days}\" as a number\nreq: Use -help for summary."))?;
            }
            "-newkey" => {
                let kind = value()?;
                request.key = match kind.split_once(':') {
                    None if kind == "ec" => NewKey::EcP256,
                    None if kind == "rsa" => NewKey::Rsa(2048),
                    Some(("rsa", bits)) => NewKey::Rsa(
                        bits.parse().map_err(|_| format!("Can't parse \"{bits}\" as an integer number of bits"))?,
                    ),
                    _ => return Err(format!("Error generating key: unknown algorithm {kind}")),
                };
            }
            "-pkeyopt" | "-config" => drop(value()?),
            "-keyout" => request.key_file = value()?,
            "-out" => request.out = Some(value()?),
            "-subj" => request.subject = Some(subject(&value()?)?),
            "-addext" => {
                let extension = value()?;
                let names = extension.strip_prefix("subjectAltName").map(|rest| rest.trim_start_matches([' ', '=']));
                let names = names.unwrap_or_default().split(',').filter_map(|name| name.trim().strip_prefix("DNS:"));
                request.dns_names.extend(names.map(SmolStr::from));
            }
            option => return Err(super::unknown("req", option)),
        }
    }
    if !makes_certificate {
        return Err("req: only certificates that sign themselves can be made here: add -x509".to_owned());
    }
    if !without_passphrase {
        return Err("req: keys with a passphrase are not made here: add -nodes".to_owned());
    }
    Ok(request)
}

/// `/type0=value0/type1=value1`, with `\` before a character that stands for itself.
fn subject(text: &str) -> Result<DistinguishedName, String> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!(
            "req: subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters \
             may be escaped by \\. This name is not in that format: '{text}'"
        ));
    };
    let mut parts = vec![String::new()];
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match (letter, parts.last_mut()) {
            ('/', _) => parts.push(String::new()),
            ('\\', Some(part)) => part.extend(letters.next()),
            (letter, Some(part)) => part.push(letter),
            (_, None) => {}
        }
    }
    let mut attributes = Vec::new();
    for part in parts.iter().filter(|part| !part.is_empty()) {
        let (kind, value) = part
            .split_once('=')
            .ok_or_else(|| format!("req: Missing '=' after RDN type string '{part}' in subject name string"))?;
        // A type that is not known is skipped with a warning by the real program, too.
        if DistinguishedName::oid(kind).is_some() && !value.is_empty() {
            attributes.push((kind.into(), value.into()));
        }
    }
    Ok(DistinguishedName(attributes))
}
