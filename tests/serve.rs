//! `mxlab serve` as a program: however it is told to end, sockets and recording are closed in good
//! order.
#![cfg(all(feature = "live", unix))]
#![allow(clippy::disallowed_methods, reason = "these tests start a program and talk to it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mxlab::session::Recording;

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Serving {
    folder: PathBuf,
    child: Child,
    /// Somebody who has been greeted.
    client: BufReader<TcpStream>,
}

impl Serving {
    fn start(name: &str) -> Serving {
        let folder = std::env::temp_dir().join(format!("mxlab-serve-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut child = Command::new(env!("CARGO_BIN_EXE_mxlab"))
            .args(["serve", "practice", "--json", "--single-address", "--record"])
            .arg(folder.join("run.mxrec"))
            .arg("--control")
            .arg(folder.join("control"))
            .env("XDG_STATE_HOME", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("mxlab");
        let mut table = String::new();
        let out = BufReader::new(child.stdout.take().expect("its output"));
        for line in out.lines() {
            let line = line.expect("text");
            table.push_str(&line);
            if line == "]" {
                break;
            }
        }
        let rows: serde_json::Value = serde_json::from_str(&table).expect("a table");
        let smtp = rows.as_array().expect("rows").iter().find(|row| row["service"] == "smtp").expect("SMTP");
        let address = format!("{}:{}", smtp["address"].as_str().expect("text"), smtp["port"]);
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let mut client = BufReader::new(stream);
        let mut greeting = String::new();
        client.read_line(&mut greeting).expect("a greeting");
        assert!(greeting.starts_with("220 "), "{greeting}");
        Serving { folder, child, client }
    }

    fn ends(mut self) {
        let status = self.wait();
        assert_eq!(status.code(), Some(0));
        let mut rest = String::new();
        assert_eq!(self.client.read_to_string(&mut rest).ok(), Some(0), "the connection is closed, not reset");
        let recording = std::fs::read_to_string(self.folder.join("run.mxrec")).expect("a recording");
        assert!(Recording::parse(&recording).is_ok(), "it is whole");
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => return status,
                None if Instant::now() > end => {
                    let _ = self.child.kill();
                    panic!("it does not end");
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

#[test]
fn signals_end_it_in_good_order() {
    for signal in ["TERM", "INT", "HUP"] {
        let serving = Serving::start(signal);
        let pid = serving.child.id().to_string();
        Command::new("kill").args(["-s", signal, &pid]).status().expect("kill(1)");
        serving.ends();
    }
}

#[test]
fn q_at_the_terminal_ends_it_in_good_order() {
    let mut serving = Serving::start("q");
    serving.child.stdin.as_mut().expect("its input").write_all(b"q\n").expect("it reads");
    serving.ends();
}

#[test]
fn q_at_the_control_socket_ends_it_in_good_order() {
    let serving = Serving::start("control");
    let mut control = UnixStream::connect(serving.folder.join("control")).expect("a control socket");
    control.write_all(b"q\n").expect("it reads");
    serving.ends();
}
