//! A class in one world: whoever knows the code joins by telnet, and gets a domain, a server and
//! a workstation, with real ports of her own.
//!
//! The port decides who somebody is: what comes in at a student's ports comes from her
//! workstation, whichever machine it was sent from. So her name is in the trace, in the watch view
//! and in the recording.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::command::{Command, Handle};
use super::doors::{ACCEPT_PAUSE, Doors, bind};
use super::plan::{Place, Protocol, Service, Side};
use super::telnet::Filter;
use super::{Bound, table};
use crate::scenario::enrol::{MAX_STUDENTS, is_student_name, server_name};
use crate::session::Input;
use crate::session::words::{Lang, Words};

/// Where students join.
pub const JOIN_PORT: u16 = 2500;
/// The first student's first port.
const FIRST_PORT: u16 = 30_000;
/// Ports for each student.
const PORTS: u16 = 20;
/// Longest line that is read.
const MAX_LINE: usize = 120;
/// How long somebody may take to type a line.
const PATIENCE: Duration = Duration::from_secs(120);
/// Wrong codes before the door is shut.
const TRIES: u32 = 3;
/// Pause after a wrong code.
const PENANCE: Duration = Duration::from_secs(1);
/// Who may stand at the door at the same time.
const AT_THE_DOOR: usize = 64;

/// What a class is.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it listens: for students to join, and for their ports.
    pub address: IpAddr,
    /// Where students join. With 0 this and all their ports are any that are free.
    pub port: u16,
    /// What a student must know.
    pub code: String,
    /// The language at the door.
    pub lang: Lang,
}

/// A new code: short enough for a blackboard, and not to be guessed at the pace of the door.
pub fn random_code() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    // Without letters and digits that look alike.
    const LETTERS: &[u8] = b"abcdefghkmnpqrstuvwxyz23456789";
    let mut dice = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let mut code = String::new();
    for _ in 0..8 {
        code.push(char::from(LETTERS[(dice % LETTERS.len() as u64) as usize]));
        dice /= LETTERS.len() as u64;
    }
    code
}

/// Who has joined.
#[derive(Clone, Debug)]
struct Student {
    from: IpAddr,
    bounds: Vec<Bound>,
}

/// A running class.
pub struct Class {
    plan: Plan,
    /// Where students join.
    address: SocketAddr,
    /// The host that students' servers are like.
    model: String,
    /// The sockets of the model and of the name server.
    places: Vec<Place>,
    doors: Doors,
    students: Mutex<BTreeMap<String, Student>>,
}

/// Why somebody cannot join: the name of a text.
type Refusal = &'static str;

impl Class {
    /// A class whose servers are like the main server of a plan.
    pub(super) fn new(plan: Plan, address: SocketAddr, bounds: &[Bound], doors: Doors) -> Class {
        let is_mail = |place: &&Place| place.service.protocol() != Protocol::Dns;
        let places = bounds.iter().map(|bound| bound.place.clone());
        let places: Vec<Place> = places.filter(|place| place.fixed && place.wanted.is_ipv4()).collect();
        let model = places.iter().find(is_mail).map(|place| place.host.clone()).unwrap_or_default();
        Class { plan, address, model, places, doors, students: Mutex::default() }
    }

    /// What it is.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where students join.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who has joined, from where, and the first of her ports.
    pub fn roll(&self) -> String {
        let students = self.students.blocking_lock();
        let mut text = String::new();
        for (name, student) in students.iter() {
            let port = student.bounds.first().map_or(0, |bound| bound.address.port());
            let _ = writeln!(text, "{name:<20}  from {}, ports from {port}", student.from);
        }
        let _ = writeln!(text, "{} students; code {}", students.len(), self.plan.code);
        text
    }

    /// Lets students in until the program ends.
    pub(super) async fn open(self: Arc<Class>, listener: TcpListener) {
        let room = Arc::new(Semaphore::new(AT_THE_DOOR));
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let class = self.clone();
                    tokio::spawn(async move {
                        // Who goes away without a word has not joined.
                        let _ = class.receive(stream, peer).await;
                        drop(permit);
                    });
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn say(&self, id: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<_> = args.iter().map(|(name, value)| (*name, (*value).into())).collect();
        Words::new(self.plan.lang).say(id, &args).replace('\n', "\r\n")
    }

    async fn tell(&self, stream: &mut TcpStream, id: &str, end: &str, args: &[(&str, &str)]) -> std::io::Result<()> {
        let text = self.say(id, args) + end;
        stream.write_all(text.as_bytes()).await
    }

    async fn receive(&self, mut stream: TcpStream, peer: SocketAddr) -> std::io::Result<()> {
        let mut lines = Lines::default();
        let mut tries = 0;
        self.tell(&mut stream, "class-welcome", "\r\n", &[]).await?;
        loop {
            self.tell(&mut stream, "class-code", " ", &[]).await?;
            let code = lines.next(&mut stream).await?;
            if code.eq_ignore_ascii_case(&self.plan.code) {
                break;
            }
            tries += 1;
            sleep(PENANCE).await;
            self.tell(&mut stream, "class-wrong-code", "\r\n", &[]).await?;
            if tries == TRIES {
                return stream.shutdown().await;
            }
        }
        loop {
            self.tell(&mut stream, "class-name", " ", &[]).await?;
            let name = lines.next(&mut stream).await?.to_ascii_lowercase();
            match self.join(&name, peer.ip()).await {
                Ok(bounds) => {
                    let address = stream.local_addr()?.ip();
                    stream.write_all(self.table(&name, &bounds, address).as_bytes()).await?;
                    return stream.shutdown().await;
                }
                Err(refusal) => self.tell(&mut stream, refusal, "\r\n", &[("name", &name)]).await?,
            }
        }
    }

    /// What a student has to know. `address` is the one that she has reached us at.
    fn table(&self, name: &str, bounds: &[Bound], address: IpAddr) -> String {
        let seen = |bound: &Bound| {
            let mut bound = bound.clone();
            bound.address.set_ip(address);
            bound.place.wanted.set_ip(address);
            bound
        };
        let bounds: Vec<Bound> = bounds.iter().map(seen).collect();
        let domain = format!("{name}.{}", crate::scenario::enrol::CLASS_DOMAIN);
        let table = table::text(&bounds, &domain).replace('\n', "\r\n");
        let welcome = self.say("class-joined", &[("name", name), ("domain", &domain), ("server", &self.model)]);
        format!("\r\n{welcome}\r\n\r\n{table}")
    }

    /// Gives a student her hosts and ports; who has them already gets them again.
    async fn join(&self, name: &str, from: IpAddr) -> Result<Vec<Bound>, Refusal> {
        if !is_student_name(name) {
            return Err("class-bad-name");
        }
        let mut students = self.students.lock().await;
        if let Some(student) = students.get(name) {
            return Ok(student.bounds.clone());
        }
        let number = students.len() as u32 + 1;
        if number > MAX_STUDENTS {
            return Err("class-full");
        }
        let (student, like) = (name.to_owned(), self.model.clone());
        let server = act(&self.doors.shared.driver, move |session| {
            session.apply(Input::Enrol { student: student.clone(), number, like }).ok()?;
            let server = server_name(&student);
            let host = session.cast().hosts.iter().find(|host| host.name == server)?;
            Some((host.fqdn.clone(), *host.addrs.first()?))
        });
        let (fqdn, addr) = server.await.flatten().ok_or("class-taken")?;
        let mut bounds = Vec::new();
        for place in self.places_of(name, number, &fqdn, addr) {
            let Ok((sockets, address)) = bind(&place).await else { continue };
            self.doors.open(sockets, place.clone());
            bounds.push(Bound { place, address });
        }
        students.insert(name.to_owned(), Student { from, bounds: bounds.clone() });
        Ok(bounds)
    }

    /// The sockets of a student: all services of her server, and of the class's the names and SMTP.
    fn places_of(&self, name: &str, number: u32, fqdn: &str, addr: IpAddr) -> Vec<Place> {
        let own = self.places.iter().filter(|place| place.host == self.model).map(|place| Place {
            host: server_name(name),
            fqdn: fqdn.to_owned(),
            inside: SocketAddr::new(addr, place.inside.port()),
            from: if place.side == Side::Inside { name.to_owned() } else { place.from.clone() },
            ..place.clone()
        });
        let common = |place: &&Place| match place.service {
            Service::Dns => true,
            Service::Smtp => place.host == self.model && place.side == Side::Inside,
            _ => false,
        };
        let common = self.places.iter().filter(common).map(|place| Place {
            from: name.to_owned(),
            side: if place.service == Service::Dns { Side::Inside } else { Side::Outside },
            ..place.clone()
        });
        let first = FIRST_PORT + PORTS * (number - 1) as u16;
        let all = own.chain(common).take(usize::from(PORTS)).zip(first..);
        let wanted = |port| SocketAddr::new(self.plan.address, if self.plan.port == 0 { 0 } else { port });
        all.map(|(place, port)| Place { wanted: wanted(port), ..place }).collect()
    }
}

/// Does something in the session.
async fn act<T: Send + 'static>(
    driver: &Handle,
    act: impl FnOnce(&mut crate::session::Session) -> T + Send + 'static,
) -> Option<T> {
    let (sender, done) = oneshot::channel();
    driver.send(Command::Act(Box::new(move |session| _ = sender.send(act(session)))));
    done.await.ok()
}

/// What somebody types at the door, line by line.
#[derive(Default)]
struct Lines {
    filter: Filter,
    text: Vec<u8>,
}

impl Lines {
    async fn next(&mut self, stream: &mut TcpStream) -> std::io::Result<String> {
        let too_long = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        loop {
            if let Some(end) = self.text.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim().trim_matches('\0').to_owned());
            }
            if self.text.len() > MAX_LINE {
                return Err(too_long());
            }
            let mut chunk = bytes::BytesMut::with_capacity(MAX_LINE);
            if timeout(PATIENCE, stream.read_buf(&mut chunk)).await?? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let filtered = self.filter.receive(chunk.freeze());
            self.text.extend_from_slice(&filtered.text);
            if !filtered.answer.is_empty() {
                stream.write_all(&filtered.answer).await?;
            }
        }
    }
}
