//! `openssl s_client`: a handshake with everything that is known about the certificate, then what is
//! typed goes to the server.

use bytes::Bytes;

use super::x509;
use crate::host::dial::{DialError, Dialer, port_number};
use crate::host::process::Input;
use crate::host::program::{Env, Progress, Resume};
use crate::host::tls::{self, Certificate, Key, Problem, ProblemKind, TrustStore, pem};
use crate::sim::net::NetInput;
use crate::sim::{ConnectError, Payload, Socket, TlsMessage};

/// The protocols of `-starttls` that real servers of the world speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StartTls {
    Smtp,
    Pop3,
    Imap,
}

const STARTTLS_NAMES: [&str; 14] = [
    "smtp",
    "pop3",
    "imap",
    "ftp",
    "xmpp",
    "xmpp-server",
    "telnet",
    "irc",
    "mysql",
    "postgres",
    "lmtp",
    "nntp",
    "sieve",
    "ldap",
];

/// Where the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    /// The server's greeting is awaited.
    Greeting,
    /// What it can do is awaited.
    Capabilities,
    /// Its consent to TLS is awaited.
    Consent,
    Handshake,
    Open,
}

#[derive(Clone, Debug, Default)]
struct Options {
    connect: String,
    starttls: Option<StartTls>,
    ehlo: String,
    crlf: bool,
    quiet: bool,
    brief: bool,
    ignores_eof: bool,
    no_commands: bool,
    authorities: Option<String>,
    server_name: Option<String>,
    verify_name: Option<String>,
    stops_on_error: bool,
    shows_all: bool,
}

/// A running `openssl s_client`.
#[derive(Clone, Debug)]
pub struct Client {
    options: Options,
    dialer: Dialer,
    stage: Stage,
    sock: Option<Socket>,
    /// Octets of the server that are no complete line yet, while TLS is being agreed on.
    received: Vec<u8>,
    has_starttls: bool,
    /// The last line of the answer to EHLO.
    ehlo_end: String,
    /// Octets read and written before the handshake.
    plain: (u64, u64),
}

impl Client {
    /// Reads the options; complaints are written and give the exit status.
    pub fn parse(env: &mut Env<'_, '_>) -> Result<Client, u8> {
        let options = match options(env.args.get(2..).unwrap_or_default()) {
            Ok(options) => options,
            Err(text) => {
                env.errln(text);
                return Err(1);
            }
        };
        let (host, port) = match options.connect.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() => (host.trim_start_matches('[').trim_end_matches(']'), port),
            Some((_, port)) => ("localhost", port),
            None => (options.connect.as_str(), "4433"),
        };
        let Some(port) = port_number(port, env.ctx.host) else {
            env.errln("s_client: -connect argument or target parameter malformed or ambiguous");
            return Err(1);
        };
        let dialer = Dialer::to(host, port);
        Ok(Client {
            dialer,
            stage: Stage::Connecting,
            sock: None,
            received: Vec::new(),
            has_starttls: false,
            ehlo_end: String::new(),
            plain: (0, 0),
            options,
        })
    }

    /// Connects.
    pub fn start(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.sock = self.dialer.start(env.ctx);
        Progress::Wait
    }

    /// Goes on with what happened.
    pub fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Input(Input::Resolved { token, lookup }) => {
                match self.dialer.resolved(token, &lookup, env.ctx) {
                    Ok(sock) => self.sock = sock,
                    Err(error) => return self.unreachable(&error, env),
                }
                Progress::Wait
            }
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Stdin => self.typed(env),
            _ => Progress::Wait,
        }
    }

    fn unreachable(&self, error: &DialError, env: &mut Env<'_, '_>) -> Progress {
        let thread = super::thread(env);
        match error {
            DialError::NoSuchHost { .. } => env.errln(format!(
                "{thread}:error:10080002:BIO routines:BIO_lookup_ex:system lib:../crypto/bio/bio_addr.c:746:Name or \
                 service not known\nconnect:errno=0"
            )),
            DialError::Failed { error, .. } => {
                let number = match error {
                    ConnectError::Refused => 111,
                    ConnectError::Timeout => 110,
                    ConnectError::Unreachable => 113,
                    ConnectError::NetworkUnreachable => 101,
                    ConnectError::NoSuchFile => 2,
                };
                env.errln(format!(
                    "{thread}:error:800000{number:02X}:system library:BIO_connect:{}:../crypto/bio/bio_sock2.c:117:calling \
                     connect()\n{thread}:error:10000067:BIO routines:BIO_connect:connect \
                     error:../crypto/bio/bio_sock2.c:119:\nconnect:errno={number}",
                    error.text()
                ));
            }
        }
        Progress::Exit(1)
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::ConnectFailed { error, .. } => match self.dialer.failed(error, env.ctx) {
                Ok(sock) => self.sock = Some(sock),
                Err(error) => return self.unreachable(&error, env),
            },
            NetInput::Connected { sock, .. } => {
                if !self.options.quiet && !self.options.brief {
                    env.outln("CONNECTED(00000003)");
                }
                match self.options.starttls {
                    Some(_) => self.stage = Stage::Greeting,
                    None => self.hello(sock, env),
                }
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => return self.handshake(sock, &message, env),
            NetInput::Data { sock, payload: Payload::Bytes(bytes) } => match self.stage {
                Stage::Open => env.stdout.extend_from_slice(&bytes),
                Stage::Handshake => return self.not_tls(env),
                _ => self.agree(sock, &bytes, env),
            },
            NetInput::Eof { .. } | NetInput::Reset { .. } => {
                self.close(env);
                if self.stage == Stage::Open {
                    if !self.options.quiet {
                        env.outln("closed");
                    }
                    return Progress::Exit(0);
                }
                let thread = super::thread(env);
                env.errln(format!(
                    "{thread}:error:0A000126:SSL routines:ssl3_read_n:unexpected eof while reading:../ssl/record/rec_layer_s3.c:320:"
                ));
                self.nothing(env, 0);
                return Progress::Exit(1);
            }
            _ => {}
        }
        Progress::Wait
    }

    /// The dialogue that leads to TLS.
    fn agree(&mut self, sock: Socket, bytes: &[u8], env: &mut Env<'_, '_>) {
        self.plain.0 += bytes.len() as u64;
        self.received.extend_from_slice(bytes);
        while let Some(end) = self.received.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.line(sock, &line, env);
        }
        self.received.truncate(1 << 16);
    }

    fn say(&mut self, sock: Socket, line: &str, env: &mut Env<'_, '_>) {
        self.plain.1 += line.len() as u64 + 2;
        env.ctx.send(sock, format!("{line}\r\n"));
    }

    fn line(&mut self, sock: Socket, line: &str, env: &mut Env<'_, '_>) {
        let Some(protocol) = self.options.starttls else { return };
        self.has_starttls |= line.to_ascii_uppercase().contains("STARTTLS");
        let is_last = match protocol {
            StartTls::Smtp => line.as_bytes().get(3) != Some(&b'-'),
            StartTls::Pop3 => true,
            StartTls::Imap => self.stage == Stage::Greeting || line.starts_with(". "),
        };
        if !is_last {
            return;
        }
        match (self.stage, protocol) {
            (Stage::Greeting, StartTls::Smtp) => {
                self.stage = Stage::Capabilities;
                self.has_starttls = false;
                let ehlo = format!("EHLO {}", self.options.ehlo);
                self.say(sock, &ehlo, env);
            }
            (Stage::Greeting, StartTls::Imap) => {
                self.stage = Stage::Capabilities;
                self.has_starttls = false;
                self.say(sock, ". CAPABILITY", env);
            }
            (Stage::Greeting, StartTls::Pop3) => {
                self.stage = Stage::Consent;
                self.say(sock, "STLS", env);
            }
            (Stage::Capabilities, _) => {
                self.ehlo_end = line.to_owned();
                if !self.has_starttls {
                    env.errln("Didn't find STARTTLS in server response, trying anyway...");
                }
                self.stage = Stage::Consent;
                self.say(sock, if protocol == StartTls::Smtp { "STARTTLS" } else { ". STARTTLS" }, env);
            }
            (Stage::Consent, _) => self.hello(sock, env),
            _ => {}
        }
    }

    fn hello(&mut self, sock: Socket, env: &mut Env<'_, '_>) {
        self.stage = Stage::Handshake;
        let name = self.options.server_name.as_deref().unwrap_or(&self.dialer.host);
        tls::client_hello(sock, name, env.ctx);
    }

    /// The other side speaks something else than TLS.
    fn not_tls(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let thread = super::thread(env);
        env.errln(format!(
            "{thread}:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl/record/ssl3_record.c:350:"
        ));
        self.nothing(env, 5);
        self.close(env);
        Progress::Exit(1)
    }

    /// What is printed when there was no handshake.
    fn nothing(&self, env: &mut Env<'_, '_>, read: u64) {
        if self.options.quiet || self.options.brief {
            return;
        }
        let (read, written) = (read + self.plain.0, 297 + self.plain.1);
        env.outln(format!(
            "---\nno peer certificate available\n---\nNo client certificate CA names sent\n---\nSSL handshake has read \
             {read} bytes and written {written} bytes\nVerification: OK\n---\nNew, (NONE), Cipher is (NONE)\nSecure \
             Renegotiation IS NOT supported\nCompression: NONE\nExpansion: NONE\nNo ALPN negotiated\nEarly data was not \
             sent\nVerify return code: 0 (ok)\n---"
        ));
    }

    fn handshake(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) -> Progress {
        let TlsMessage::ServerHello { version, cipher, chain, .. } = message else {
            if let TlsMessage::Alert(text) = message {
                let thread = super::thread(env);
                env.errln(format!(
                    "{thread}:error:0A000410:SSL routines:ssl3_read_bytes:{text}:../ssl/record/rec_layer_s3.c:1605:SSL alert number 40"
                ));
                self.nothing(env, 7);
                self.close(env);
                return Progress::Exit(1);
            }
            return Progress::Wait;
        };
        let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        let file = self.options.authorities.as_ref().map(|file| env.path(file));
        let store = TrustStore::with_system(file.as_deref(), env.ctx.host);
        let (path, problems) = store.verify(&chain, self.options.verify_name.as_deref(), env.ctx.now);
        env.errln("Can't use SSL_get_servername");
        let failed = self.report(&path, &problems, env);
        let verdict = if failed { problems.first() } else { problems.last() };
        if failed {
            let thread = super::thread(env);
            env.errln(format!(
                "{thread}:error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify \
                 failed:../ssl/statem/statem_clnt.c:1889:"
            ));
            env.ctx.send_tls(sock, TlsMessage::Alert("tlsv1 alert unknown ca".into()));
        } else {
            env.ctx.send_tls(sock, TlsMessage::Finished);
        }
        let kinds = verdict.map(|problem| problem.kind);
        if self.options.brief {
            self.summary(version, cipher, &chain, kinds, env);
        } else if !self.options.quiet {
            let facts = Facts { version, cipher, chain: &chain, problem: kinds, failed };
            let text = self.details(&facts);
            env.stdout.extend(text.into_bytes());
        }
        if failed {
            self.close(env);
            return Progress::Exit(1);
        }
        self.stage = Stage::Open;
        if self.options.starttls == Some(StartTls::Smtp) && !self.options.quiet && !self.options.brief {
            // The end of the answer to EHLO lay in a buffer that is flushed now.
            env.outln(&self.ehlo_end);
        }
        self.typed(env)
    }

    /// The lines of the verification callback; whether the handshake ends there.
    fn report(&self, path: &[Certificate], problems: &[Problem], env: &mut Env<'_, '_>) -> bool {
        let is_quiet = self.options.brief;
        let mut last = None;
        let extra = |kind: Option<ProblemKind>, certificate: &Certificate| match kind {
            Some(ProblemKind::NotYetValid) => format!("notBefore={}\n", tls::date(certificate.not_before)),
            Some(ProblemKind::Expired) => format!("notAfter={}\n", tls::date(certificate.not_after)),
            _ => String::new(),
        };
        let is_date = |kind: ProblemKind| matches!(kind, ProblemKind::NotYetValid | ProblemKind::Expired);
        let mut print = |depth: usize, problem: Option<ProblemKind>, env: &mut Env<'_, '_>| {
            let Some(certificate) = path.get(depth) else { return };
            if problem.is_some() || !is_quiet {
                env.errln(format!("depth={depth} {}", certificate.subject_dn.spaced()));
            }
            if let Some(kind) = problem {
                env.errln(format!("verify error:num={}:{}", kind.number(), kind.text()));
                last = Some(kind);
            }
            env.stderr.extend(extra(last, certificate).into_bytes());
            if !is_quiet && (problem.is_none() || !self.options.stops_on_error) {
                env.errln("verify return:1");
            }
        };
        for problem in problems.iter().filter(|problem| !is_date(problem.kind)) {
            print(problem.depth, Some(problem.kind), env);
            if self.options.stops_on_error {
                return true;
            }
        }
        // An incomplete path is checked from the last certificate that has an issuer.
        let incomplete = problems.iter().any(|problem| problem.kind == ProblemKind::NoIssuer);
        let top = path.len().saturating_sub(if incomplete && path.len() > 1 { 1 } else { 0 });
        for depth in (0..top).rev() {
            for problem in problems.iter().filter(|problem| problem.depth == depth && is_date(problem.kind)) {
                print(depth, Some(problem.kind), env);
                if self.options.stops_on_error {
                    return true;
                }
            }
            print(depth, None, env);
        }
        false
    }

    fn summary(
        &self,
        version: &str,
        cipher: &str,
        chain: &[Certificate],
        problem: Option<ProblemKind>,
        env: &mut Env<'_, '_>,
    ) {
        env.errln(format!("CONNECTION ESTABLISHED\nProtocol version: {version}\nCiphersuite: {cipher}"));
        if let Some(leaf) = chain.first() {
            env.errln(format!("Peer certificate: {}", leaf.subject_dn.spaced()));
            env.errln(format!("Hash used: SHA256\nSignature type: {}", signature_type(leaf)));
        }
        env.errln(match problem {
            None => "Verification: OK".to_owned(),
            Some(kind) => format!("Verification error: {}", kind.text()),
        });
        if let (None, Some(name)) = (problem, &self.options.verify_name) {
            env.errln(format!("Verified peername: {name}"));
        }
        env.errln("Server Temp Key: X25519, 253 bits");
    }

    /// What is printed about a handshake.
    fn details(&self, facts: &Facts<'_>) -> String {
        let mut out = "---\nCertificate chain\n".to_owned();
        for (at, certificate) in facts.chain.iter().enumerate() {
            let (key, bits) = match certificate.key {
                Key::EcP256 => ("id-ecPublicKey", 256),
                Key::Rsa(bits) => ("rsaEncryption", bits),
                Key::Other => ("UNKNOWN", 0),
            };
            out.push_str(&format!(
                " {at} s:{}\n   i:{}\n   a:PKEY: {key}, {bits} (bit); sigalg: {}\n   v:NotBefore: {}; NotAfter: {}\n",
                certificate.subject_dn.spaced(),
                certificate.issuer_dn.spaced(),
                x509::signature_algorithm(&certificate.signature_oid).1,
                tls::date(certificate.not_before),
                tls::date(certificate.not_after),
            ));
            if self.options.shows_all {
                out.push_str(&pem("CERTIFICATE", &certificate.der));
            }
        }
        out.push_str("---\n");
        let leaf = facts.chain.first().filter(|_| !facts.failed);
        match leaf {
            None => out.push_str("no peer certificate available\n"),
            Some(leaf) => {
                out.push_str("Server certificate\n");
                if !self.options.shows_all {
                    out.push_str(&pem("CERTIFICATE", &leaf.der));
                }
                out.push_str(&format!("subject={}\nissuer={}\n", leaf.subject_dn.spaced(), leaf.issuer_dn.spaced()));
            }
        }
        out.push_str("---\nNo client certificate CA names sent\n");
        if let Some(leaf) = leaf {
            out.push_str(&format!("Peer signing digest: SHA256\nPeer signature type: {}\n", signature_type(leaf)));
        }
        let sent: u64 = facts.chain.iter().map(|certificate| certificate.der.len() as u64 + 5).sum();
        let signature = if facts.chain.first().is_some_and(|leaf| leaf.key == Key::EcP256) { 72 } else { 256 };
        out.push_str(&format!(
            "Server Temp Key: X25519, 253 bits\n---\nSSL handshake has read {} bytes and written {} bytes\n",
            294 + sent + signature + self.plain.0,
            377 + self.plain.1
        ));
        let (number, text) = facts.problem.map_or((0, "ok"), |kind| (kind.number(), kind.text()));
        match facts.problem {
            None => out.push_str("Verification: OK\n"),
            Some(_) => out.push_str(&format!("Verification error: {text}\n")),
        }
        if let (None, Some(name)) = (facts.problem, &self.options.verify_name) {
            out.push_str(&format!("Verified peername: {name}\n"));
        }
        out.push_str(&format!("---\nNew, {}, Cipher is {}\n", facts.version, facts.cipher));
        if let Some(leaf) = leaf {
            let bits = if let Key::Rsa(bits) = leaf.key { bits } else { 256 };
            out.push_str(&format!("Server public key is {bits} bit\n"));
        }
        let renegotiation = if facts.version == "TLSv1.3" { "IS NOT" } else { "IS" };
        out.push_str(&format!(
            "Secure Renegotiation {renegotiation} supported\nCompression: NONE\nExpansion: NONE\nNo ALPN negotiated\nEarly \
             data was not sent\nVerify return code: {number} ({text})\n---\n"
        ));
        out
    }

    /// Sends what was typed. The first letter of what is read at once may be a command.
    fn typed(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(sock) = self.sock.filter(|_| self.stage == Stage::Open) else { return Progress::Wait };
        let stays = self.options.ignores_eof || self.options.quiet;
        if !env.stdin.buffer.is_empty() {
            let typed = std::mem::take(&mut env.stdin.buffer);
            match typed.first() {
                Some(b'Q') if !stays && !self.options.no_commands => return self.done(env),
                Some(b'R') if !stays && !self.options.no_commands => {
                    let thread = super::thread(env);
                    env.errln(format!(
                        "RENEGOTIATING\n{thread}:error:0A00010A:SSL routines:can_renegotiate:wrong ssl \
                         version:../ssl/ssl_lib.c:2287:"
                    ));
                    self.close(env);
                    return Progress::Exit(1);
                }
                Some(b'K' | b'k') if !stays && !self.options.no_commands => env.errln("KEYUPDATE"),
                _ => env.ctx.send(sock, if self.options.crlf { with_crlf(&typed) } else { typed.into() }),
            }
        }
        if env.stdin.eof && !stays { self.done(env) } else { Progress::Wait }
    }

    fn done(&mut self, env: &mut Env<'_, '_>) -> Progress {
        env.errln("DONE");
        self.close(env);
        Progress::Exit(0)
    }

    fn close(&mut self, env: &mut Env<'_, '_>) {
        if let Some(sock) = self.sock.take() {
            env.ctx.close(sock);
        }
    }
}

/// What a handshake brought.
struct Facts<'a> {
    version: &'a str,
    cipher: &'a str,
    chain: &'a [Certificate],
    problem: Option<ProblemKind>,
    failed: bool,
}

fn signature_type(leaf: &Certificate) -> &'static str {
    match leaf.key {
        Key::EcP256 => "ECDSA",
        Key::Rsa(_) | Key::Other => "RSA-PSS",
    }
}

fn with_crlf(typed: &[u8]) -> Bytes {
    let mut sent = Vec::with_capacity(typed.len() + 8);
    for octet in typed {
        if *octet == b'\n' {
            sent.push(b'\r');
        }
        sent.push(*octet);
    }
    sent.into()
}

fn options(args: &[String]) -> Result<Options, String> {
    let mut options =
        Options { connect: "localhost:4433".into(), ehlo: "mail.example.com".into(), ..Options::default() };
    let mut args = args.iter().cloned();
    while let Some(arg) = args.next() {
        let mut value = || super::value("s_client", &arg, &mut args);
        match arg.strip_prefix("--").map_or(arg.clone(), |name| format!("-{name}")).as_str() {
            "-connect" => options.connect = value()?,
            "-host" => options.connect = format!("{}:4433", value()?),
            "-port" => {
                let host = options.connect.rsplit_once(':').map_or("localhost", |(host, _)| host).to_owned();
                options.connect = format!("{host}:{}", value()?);
            }
            "-starttls" => {
                options.starttls = Some(match value()?.as_str() {
                    "smtp" | "lmtp" => StartTls::Smtp,
                    "pop3" => StartTls::Pop3,
                    "imap" => StartTls::Imap,
                    _ => return Err(format!("s_client: Value must be one of:\n\t{}", STARTTLS_NAMES.join("\n\t"))),
                });
            }
            "-name" | "-xmpphost" => options.ehlo = value()?,
            "-crlf" => options.crlf = true,
            "-quiet" => options.quiet = true,
            "-brief" => options.brief = true,
            "-ign_eof" => options.ignores_eof = true,
            "-no_ign_eof" => options.ignores_eof = false,
            "-nocommands" => options.no_commands = true,
            "-CAfile" => options.authorities = Some(value()?),
            "-servername" => options.server_name = Some(value()?),
            "-verify_hostname" => options.verify_name = Some(value()?),
            "-verify_return_error" => options.stops_on_error = true,
            "-showcerts" => options.shows_all = true,
            "-CApath" | "-verify" | "-cipher" | "-ciphersuites" => drop(value()?),
            "-tls1_2" | "-tls1_3" | "-4" | "-6" | "-noservername" | "-verify_quiet" | "-state" | "-msg" | "-debug" => {}
            target if !target.starts_with('-') => options.connect = target.to_owned(),
            option => return Err(super::unknown("s_client", option)),
        }
    }
    Ok(options)
}
