//! Lines that a person types at the terminal of `mxlab serve`, or writes to its control socket.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::live::command::Handle;
use crate::live::control::{self, Control, Line};
use crate::live::watch::Focus;
use crate::live::{Gateway, Stopper, class};

/// Does what lines say that a person types or writes to the control socket.
#[derive(Clone)]
struct Commander {
    driver: Handle,
    stop: Stopper,
    paused: Arc<AtomicBool>,
    focus: Focus,
    class: Option<Arc<class::Class>>,
}

/// Takes lines from the terminal and from the control socket.
pub fn attend(control: Option<&Path>, gateway: &Gateway, focus: Focus) {
    let commander = Commander {
        driver: gateway.driver(),
        stop: gateway.stopper(),
        paused: Arc::default(),
        focus,
        class: gateway.class().cloned(),
    };
    let is_terminal = std::io::stdin().is_terminal();
    let typed = commander.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let (answer, quit) = typed.obey(&line);
            eprint!("{answer}");
            if quit {
                return typed.stop.stop();
            }
        }
        if is_terminal {
            typed.stop.stop();
        }
    });
    #[cfg(unix)]
    if let Some(path) = control {
        control_socket(path, commander);
    }
    #[cfg(not(unix))]
    if control.is_some() {
        eprintln!("mxlab: --control needs Unix-domain sockets");
    }
}

#[cfg(unix)]
fn control_socket(path: &Path, commander: Commander) {
    // Whoever served here before is gone; whoever does so now keeps it.
    if std::os::unix::net::UnixStream::connect(path).is_err() {
        let _ = std::fs::remove_file(path);
    }
    let listener = match std::os::unix::net::UnixListener::bind(path) {
        Ok(listener) => listener,
        Err(error) => return eprintln!("mxlab: {}: {error}; there is no control socket", path.display()),
    };
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let Ok(reader) = stream.try_clone() else { continue };
            let commander = commander.clone();
            std::thread::spawn(move || {
                for line in std::io::BufReader::new(reader).lines().map_while(Result::ok) {
                    let (answer, quit) = commander.obey(&line);
                    let _ = stream.write_all(answer.as_bytes());
                    if quit {
                        return commander.stop.stop();
                    }
                }
            });
        }
    });
}

impl Commander {
    /// Does what a line says; the answer, and whether to leave.
    fn obey(&self, line: &str) -> (String, bool) {
        let wish = match control::parse(line) {
            Ok(Line::Wish(wish)) => wish,
            Ok(Line::Toggle) if self.paused.load(Ordering::Relaxed) => Control::Resume,
            Ok(Line::Toggle) => Control::Pause,
            Ok(Line::Help) => return (control::HELP.to_owned(), false),
            Ok(Line::Students) => {
                let roll = self.class.as_ref().map(|class| class.roll());
                return (roll.unwrap_or_else(|| "this is no class; begin with --class\n".to_owned()), false);
            }
            Ok(Line::Show(host)) => {
                self.focus.set(host);
                return (String::new(), false);
            }
            Ok(Line::Quit) => return (String::new(), true),
            Err(error) => return (format!("{error}\n"), false),
        };
        match crate::live::control(&self.driver, wish) {
            Some(report) => {
                self.paused.store(report.paused, Ordering::Relaxed);
                (format!("{report}\n"), false)
            }
            None => (String::new(), true),
        }
    }
}
