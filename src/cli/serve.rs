//! `mxlab serve`: a scenario behind loopback sockets of the real machine.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::lookers::{LabTicks, Notices, TICKS};
use super::{Outcome, files};
use crate::lab::variation::Student;
use crate::live::command::Watcher;
use crate::live::control;
use crate::live::plan::Choice;
use crate::live::tls::Flaw;
use crate::live::watch::{Focus, Watch};
use crate::live::{Bound, Gateway, Options, class, table};
use crate::scenario::Scenario;
use crate::session::Session;
use crate::session::words::Lang;

mod attend;
mod lookers;

/// Arguments of `mxlab serve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A built-in scenario's or lab's name, a scenario's file, or the file that holds your work on a lab
    scenario: String,
    /// Virtual time runs so many times as fast as the clock
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,
    /// The host that all clients sit at
    #[arg(long = "as", value_name = "HOST")]
    from: Option<String>,
    /// The server behind the fixed ports of 127.0.0.1
    #[arg(long, value_name = "HOST")]
    main: Option<String>,
    /// Only 127.0.0.1, with a port for each service
    #[arg(long)]
    single_address: bool,
    /// The hosts' own addresses have the ports of the world: 25, 53, 110 …; needs rights
    #[arg(long)]
    real_ports: bool,
    /// Listen on this address instead of loopback: others can reach it. With --class only the class's ports
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<IpAddr>,
    /// The hosts keep the addresses of the world, with its ports: for a network namespace
    #[arg(long, conflicts_with_all = ["single_address", "real_ports", "listen"])]
    world_addresses: bool,
    /// Let a class join at port 2500: each student gets a domain, a server and ports of her own
    #[arg(long)]
    class: bool,
    /// What a student has to know to join; otherwise a new code each time
    #[arg(long, value_name = "CODE", requires = "class")]
    code: Option<String>,
    /// Open the window on the same session
    #[cfg(feature = "gui")]
    #[arg(long)]
    gui: bool,
    /// Print the table of addresses as JSON
    #[arg(long)]
    json: bool,
    /// Only print lines for /etc/hosts
    #[arg(long)]
    write_hosts: bool,
    /// Only print how a resolver is pointed at the name server
    #[arg(long)]
    resolv: bool,
    /// Play the scenario's script, too
    #[arg(long)]
    script: bool,
    /// Another seed than the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Where the recording is written while it goes on; otherwise in the state directory
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write no recording
    #[arg(long, conflicts_with = "record")]
    no_record: bool,
    /// Show the dialogues live, with what each line means
    #[arg(long)]
    watch: bool,
    /// Like --watch, and say what was expected where something is refused
    #[arg(long)]
    coach: bool,
    /// Language of explanations
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// Let something go wrong: rcpt:451, mail:421:2 (the second time), data:drop, quit:delay10:1:ws1
    #[arg(long, value_name = "STAGE:FAULT[:NUMBER[:HOST]]")]
    fault: Vec<String>,
    /// Let something be wrong with the certificates that real clients see
    #[arg(long, value_enum, value_name = "FLAW")]
    certificate: Option<CertificateFlaw>,
    /// Write the packets for Wireshark and tcpdump
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Connections at the same time
    #[arg(long, value_name = "N", default_value_t = 4096)]
    max_connections: usize,
    /// Connections at the same time from one other machine
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_per_client: usize,
    /// A Unix-domain socket that takes the same lines as the terminal (`p`, `s`, `f 1h`, `x 10`)
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
}

/// What can be wrong with certificates.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CertificateFlaw {
    /// They ended yesterday
    Expired,
    /// They are for another name
    WrongName,
    /// Nobody else has signed them
    SelfSigned,
}

impl CertificateFlaw {
    fn flaw(self) -> Flaw {
        match self {
            CertificateFlaw::Expired => Flaw::Expired,
            CertificateFlaw::WrongName => Flaw::WrongName,
            CertificateFlaw::SelfSigned => Flaw::SelfSigned,
        }
    }
}

/// Serves until it is told to stop.
pub fn main(args: &Args) -> Outcome {
    if !(0.001..=1_000_000.0).contains(&args.speed) {
        eprintln!("mxlab: --speed {}: a speed is a number from 0.001 to 1000000", args.speed);
        return Outcome::Invalid;
    }
    let mut session = match session(args) {
        Ok(session) => session,
        Err(error) => {
            if !error.is_empty() {
                eprintln!("mxlab: {}: {error}", args.scenario);
            }
            return Outcome::Invalid;
        }
    };
    let domain = first_domain(session.scenario());
    for fault in &args.fault {
        let parts: Vec<&str> = fault.split(':').collect();
        let input = match parts.as_slice() {
            [stage, failure, rest @ ..] => control::fault(stage, failure, rest),
            _ => Err("a fault is STAGE:FAULT, as in rcpt:451".to_owned()),
        };
        let applied = input.and_then(|input| session.apply(input).map_err(|error| error.to_string()));
        if let Err(error) = applied {
            eprintln!("mxlab: --fault {fault}: {error}");
            return Outcome::Invalid;
        }
    }
    let choice = Choice {
        single_address: args.single_address,
        real_ports: args.real_ports,
        from: args.from.clone(),
        main: args.main.clone(),
        seats: session.lab().map(|lab| lab.lab.permits.hosts.keys().cloned().collect()),
        any_port: false,
        listen: args.listen.filter(|_| !args.class),
        world_addresses: args.world_addresses,
    };
    if args.write_hosts || args.resolv {
        return preview(args, session, &choice);
    }
    serve(args, session, choice, &domain)
}

/// What is to be served: a scenario, a lab, or work on a lab that goes on.
fn session(args: &Args) -> Result<Session, String> {
    if is_work(&args.scenario) {
        return super::lab::resume(Path::new(&args.scenario));
    }
    if files::is_lab(&args.scenario) {
        let student = Student { id: std::env::var("USER").unwrap_or_default(), class: String::new() };
        return super::lab::begin(&args.scenario, &student, None);
    }
    // What is wrong with it has been printed.
    let scenario = files::load(&args.scenario).ok_or_else(String::new)?;
    let session = Session::new(Arc::new(scenario), args.seed, None).map_err(|error| error.to_string())?;
    Ok(if args.script { session } else { session.without_script() })
}

/// Whether a name stands for a file of `mxlab lab start`.
fn is_work(name: &str) -> bool {
    Path::new(name).is_file() && !name.ends_with(".ron")
}

/// Prints what needs no open socket.
fn preview(args: &Args, mut session: Session, choice: &Choice) -> Outcome {
    let places = match crate::live::places(&mut session, choice) {
        Ok(places) => places,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return Outcome::Invalid;
        }
    };
    let bounds: Vec<Bound> = places.into_iter().map(|place| Bound { address: place.wanted, place }).collect();
    if args.write_hosts {
        print!("{}", table::hosts(&bounds));
    }
    if args.resolv {
        print!("{}", table::resolv(&bounds));
    }
    Outcome::Good
}

fn serve(args: &Args, session: Session, choice: Choice, domain: &str) -> Outcome {
    let record = match (&args.record, args.no_record) {
        (Some(path), _) => Some(path.clone()),
        (None, true) => None,
        (None, false) => default_recording(session.scenario()),
    };
    if let Some(address) = args.listen.filter(|address| !address.is_loopback()) {
        let who = if args.class { " and knows the code" } else { "" };
        eprintln!("mxlab: warning: everybody who reaches {address}{who} can use this laboratory");
    }
    let class = args.class.then(|| class::Plan {
        address: args.listen.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
        port: class::JOIN_PORT,
        code: args.code.clone().unwrap_or_else(class::random_code),
        lang: args.lang,
    });
    let mut focus = Focus::default();
    let mut watchers: Vec<Box<dyn Watcher>> = Vec::new();
    if args.watch || args.coach {
        let out = Box::new(std::io::stdout());
        let watch = Watch::new(out, args.lang, super::run::colour(), args.coach);
        focus = watch.focus();
        watchers.push(Box::new(watch));
    } else {
        watchers.push(Box::new(Notices(args.lang)));
    }
    room_for(args.max_connections);
    let mut instructions = super::shell::lab::instructions(&session, args.lang);
    if session.lab().is_some() {
        instructions.push_str(args.lang.pick(TICKS.0, TICKS.1));
        watchers.push(Box::new(LabTicks::at(&session, args.lang)));
    }
    let options = Options {
        choice,
        permille: (args.speed * 1000.0).round() as u64,
        max_connections: args.max_connections.max(1),
        max_per_client: args.max_per_client.max(1),
        record: record.clone(),
        authority: state_directory(),
        pcap: args.pcap.clone(),
        watchers,
        class,
        flaw: args.certificate.map(CertificateFlaw::flaw),
    };
    let gateway = match Gateway::start(session, options) {
        Ok(gateway) => gateway,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return Outcome::Invalid;
        }
    };
    // Whoever reads the table may signal at once, or open the control socket.
    gateway.heed_signals();
    attend::attend(args.control.as_deref(), &gateway, focus);
    let mut out = std::io::stdout().lock();
    let shown = if args.json {
        table::json(gateway.bounds(), domain)
    } else {
        instructions + &introduction(&gateway, domain, record.as_deref())
    };
    let _ = out.write_all(shown.as_bytes()).and_then(|()| out.flush());
    drop(out);
    #[cfg(feature = "gui")]
    if args.gui {
        let shared = super::wire::Wire::of(&gateway, domain);
        if super::gui::share(&args.scenario, Box::new(shared)) != Outcome::Good {
            gateway.stop();
            return Outcome::Invalid;
        }
    } else {
        gateway.wait_for_end();
    }
    #[cfg(not(feature = "gui"))]
    gateway.wait_for_end();
    let Some(session) = gateway.stop() else { return Outcome::Failed };
    if is_work(&args.scenario) {
        let text = session.recording().to_text();
        if let Err(error) = files::write_atomically(Path::new(&args.scenario), text.as_bytes()) {
            eprintln!("mxlab: {}: {error}", args.scenario);
            return Outcome::Failed;
        }
        eprintln!("mxlab: your work is in {}", args.scenario);
    }
    if let Some(path) = &record {
        eprintln!("mxlab: the recording is {}; `mxlab replay` shows it again", path.display());
    }
    Outcome::Good
}

/// Asks the system for so many descriptors as all connections need. Where it refuses, further
/// connections wait.
#[cfg(unix)]
fn room_for(connections: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    const BESIDE: u64 = 256;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = (connections as u64 + BESIDE).min(hard);
    if soft < wanted {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

#[cfg(not(unix))]
fn room_for(_: usize) {}

fn introduction(gateway: &Gateway, domain: &str, record: Option<&std::path::Path>) -> String {
    let mut text = table::text(gateway.bounds(), domain);
    if let Some(file) = &gateway.authority().file {
        let file = file.display();
        text.push_str(&format!("\nCertificates are signed by {file}; to trust them: openssl … -CAfile {file}\n"));
    }
    for note in gateway.notes() {
        text.push_str(&format!("Note: {note}\n"));
    }
    if let Some(class) = gateway.class() {
        let (address, port, code) = (class.address().ip(), class.address().port(), &class.plan().code);
        text.push_str(&format!("Students join with: telnet {address} {port}   code: {code}\n"));
    }
    if let Some(path) = record {
        text.push_str(&format!("Everything is recorded in {}\n", path.display()));
    }
    text.push_str("Type ? and Enter for what can be done here; Ctrl-C ends.\n");
    text
}

/// The first zone that is no reverse zone, for the commands of the table.
pub(super) fn first_domain(scenario: &Scenario) -> String {
    let forward = scenario.zones.iter().map(|zone| zone.origin.trim_end_matches('.'));
    forward.into_iter().find(|zone| !zone.is_empty() && !zone.ends_with(".arpa")).unwrap_or("example.com").to_owned()
}

/// Where this user's state lies (XDG Base Directory Specification).
pub(super) fn state_directory() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(base.join("mxlab"))
}

/// A new file for a recording, named after the scenario and the moment.
fn default_recording(scenario: &Scenario) -> Option<PathBuf> {
    let folder = state_directory()?.join("recordings");
    if let Err(error) = std::fs::create_dir_all(&folder) {
        eprintln!("mxlab: {}: {error}; nothing is recorded", folder.display());
        return None;
    }
    let now = std::time::SystemTime::now();
    let seconds = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let stamp = crate::sim::Time::from_secs(seconds).to_string();
    let stamp: String = stamp.chars().filter(char::is_ascii_digit).take(14).collect();
    Some(folder.join(format!("{}-{stamp}-{}.mxrec", scenario.name, std::process::id())))
}
