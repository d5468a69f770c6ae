//! Commands to mxlab itself, which begin with a colon.

use rustyline::completion::Pair;

use super::{greeting, lab};
use crate::scenario::parse_duration;
use crate::session::story::{self, Detail, Lang, Style};
use crate::session::{Input, Session};
use crate::sim::Duration;

/// Longest stretch that is let pass at once.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

/// A command to mxlab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meta {
    /// Says what there is.
    Help,
    /// Lists the hosts.
    Hosts,
    /// Shows the time.
    Time,
    /// Lets time pass.
    Wait(Duration),
    /// Goes back so far.
    Back(Duration),
    /// Tells what happened.
    Story {
        /// With all details.
        verbose: bool,
    },
    /// Writes the recording.
    Save(String),
    /// Switches a host on or off.
    Power {
        /// Which.
        host: String,
        /// On.
        up: bool,
    },
    /// Speaks to the lab that is being done.
    Lab(lab::Command),
    /// Leaves.
    Quit,
}

const NAMES: [&str; 10] = [":back", ":help", ":hosts", ":lab", ":power", ":quit", ":save", ":story", ":time", ":wait"];

/// Whether a line is one: a colon and a letter, or the word `lab` while a lab is being done.
pub fn is_meta(line: &str, session: &Session) -> bool {
    has_colon(line) || lab::is_lab(line, session)
}

/// A colon before a letter: `: > file` is the shell's.
fn has_colon(line: &str) -> bool {
    line.strip_prefix(':').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '?'))
}

/// Completes the name of one.
pub fn complete(line: &str) -> (usize, Vec<Pair>) {
    let fitting = NAMES.iter().filter(|name| name.starts_with(line));
    (0, fitting.map(|name| Pair { display: (*name).into(), replacement: format!("{name} ") }).collect())
}

impl Meta {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it and what would be right.
    pub fn parse(line: &str, lang: Lang) -> Result<Meta, String> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        if matches!(name, "lab" | ":lab") {
            return Ok(Meta::Lab(lab::Command::parse(&words.collect::<Vec<_>>())));
        }
        let argument = words.next();
        let stretch = |text: Option<&str>| {
            let text = text.map(|text| text.trim_start_matches(['+', '-']));
            text.and_then(parse_duration).filter(|stretch| *stretch <= LONGEST_WAIT).ok_or_else(|| {
                lang.pick(
                    ":wait and :back take a stretch of time: 90s, 10m, 2h30m",
                    ":wait und :back brauchen eine Zeitspanne: 90s, 10m, 2h30m",
                )
                .to_owned()
            })
        };
        Ok(match name {
            ":help" | ":h" | ":?" => Meta::Help,
            ":hosts" => Meta::Hosts,
            ":time" if argument.is_none() => Meta::Time,
            ":time" | ":wait" => Meta::Wait(stretch(argument)?),
            ":back" => Meta::Back(stretch(argument)?),
            ":story" => Meta::Story { verbose: argument == Some("-v") },
            ":save" => match argument {
                Some(file) => Meta::Save(file.to_owned()),
                None => return Err(lang.pick(":save FILE", ":save DATEI").to_owned()),
            },
            ":power" => match (argument, words.next()) {
                (Some(host), Some("on")) => Meta::Power { host: host.into(), up: true },
                (Some(host), Some("off")) => Meta::Power { host: host.into(), up: false },
                _ => return Err(":power HOST on|off".into()),
            },
            ":quit" | ":q" => Meta::Quit,
            name => {
                let near = crate::scenario::problem::nearest(name, NAMES);
                let near = near.unwrap_or(":help");
                return Err(match lang {
                    Lang::En => format!("{name}: no such command; did you mean {near}?"),
                    Lang::De => format!("{name}: unbekannter Befehl; war {near} gemeint?"),
                });
            }
        })
    }

    /// Does it; what there is to say about it is returned.
    ///
    /// # Errors
    /// It is not possible; in words for people.
    pub fn run(&self, session: &mut Session, lang: Lang) -> Result<String, String> {
        match self {
            Meta::Help => Ok(lang.pick(HELP.0, HELP.1).to_owned()),
            Meta::Hosts => Ok(greeting::hosts(session, lang)),
            Meta::Time => Ok(clock(session)),
            Meta::Wait(stretch) => {
                let until = session.world().now() + *stretch;
                session.advance(until);
                session.apply(Input::Pass).map_err(|error| error.to_string())?;
                Ok(String::new())
            }
            Meta::Back(stretch) => {
                let now = session.world().now();
                let start = session.scenario().start;
                let back = now.since(start).saturating_sub(*stretch);
                session.rewind(start + back);
                Ok(clock(session))
            }
            Meta::Story { .. } if session.hides_answers() => {
                let words = ("the story is told when the exam is over", "die Geschichte gibt es nach der Prüfung");
                Err(lang.pick(words.0, words.1).to_owned())
            }
            Meta::Story { verbose } => {
                let detail = if *verbose { Detail::Verbose } else { Detail::Normal };
                let style = Style { lang, detail, colour: crate::cli::run::colour(), events: Vec::new() };
                Ok(story::tell(session, &style))
            }
            Meta::Save(file) => {
                let text = session.recording().to_text();
                let written = crate::cli::files::write_atomically(file.as_ref(), text.as_bytes());
                written.map(|()| String::new()).map_err(|error| format!("{file}: {error}"))
            }
            Meta::Power { host, up } => {
                let input = Input::Power { host: host.clone(), up: *up };
                session.apply(input).map(|_| String::new()).map_err(|error| error.to_string())
            }
            Meta::Lab(command) if session.lab().is_some() => command.run(session, lang),
            Meta::Lab(_) => Err(lang.pick("no lab is being done", "es läuft keine Übung").to_owned()),
            Meta::Quit => Ok(String::new()),
        }
    }
}

/// The virtual time for people.
fn clock(session: &Session) -> String {
    let now = session.world().now().zoned(&jiff::tz::TimeZone::UTC);
    format!("{}\n", now.strftime("%a %Y-%m-%d %H:%M:%S UTC"))
}

const HELP: (&str, &str) = (
    "\
A host's own commands: `help` and `man`. To mxlab itself you speak with a colon:
  :hosts              the hosts, and what runs on them
  :time               the virtual time
  :wait 10m           let time pass (also :time +10m)
  :back 10m           go back, to go on differently
  :story [-v]         tell what happened so far
  :power HOST on|off  switch a host on or off
  :lab status         how the lab stands (also `lab status`; :lab help tells the rest)
  :save FILE          write a recording (what is typed is kept in any case)
  :quit               leave
ssh [USER@]HOST goes to another host, exit comes back. nano and vi open your own editor.
While a command runs: Ctrl+C ends it, Ctrl+\\ jumps to what happens next. Ctrl+D at the prompt leaves.
",
    "\
Befehle des Hosts: `help` und `man`. Mit mxlab selbst spricht man mit Doppelpunkt:
  :hosts              die Hosts, und was auf ihnen läuft
  :time               die virtuelle Zeit
  :wait 10m           Zeit vergehen lassen (auch :time +10m)
  :back 10m           zurückgehen und anders weitermachen
  :story [-v]         erzählen, was bisher geschah
  :power HOST on|off  einen Host ein- oder ausschalten
  :lab status         wie die Übung steht (auch `lab status`; :lab help sagt den Rest)
  :save DATEI         Aufzeichnung schreiben (Getipptes bleibt ohnehin erhalten)
  :quit               verlassen
ssh [NUTZER@]HOST geht auf einen anderen Host, exit zurück. nano und vi öffnen den eigenen Editor.
Während ein Befehl läuft: Strg+C beendet ihn, Strg+\\ springt zum nächsten Geschehen. Strg+D verlässt die Shell.
",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_begin_commands_to_mxlab_only_before_letters() {
        assert!(has_colon(":help"));
        assert!(!has_colon(": > /tmp/x"));
        assert!(!has_colon("echo :help"));
    }

    #[test]
    fn commands_are_read_or_what_is_right_is_said() {
        let parse = |line| Meta::parse(line, Lang::En);
        assert_eq!(parse(":wait 10m"), Ok(Meta::Wait(Duration::from_secs(600))));
        assert_eq!(parse(":time +1h"), Ok(Meta::Wait(Duration::from_secs(3600))));
        assert_eq!(parse(":time"), Ok(Meta::Time));
        assert_eq!(parse(":power mx1 off"), Ok(Meta::Power { host: "mx1".into(), up: false }));
        assert!(parse(":wait soon").unwrap_err().contains("2h30m"));
        assert!(parse(":wait 999999d").is_err());
        assert!(parse(":hots").unwrap_err().contains(":hosts"));
    }

    #[test]
    fn the_help_names_every_command_in_both_languages() {
        for name in NAMES.iter().filter(|name| **name != ":help") {
            assert!(HELP.0.contains(name) && HELP.1.contains(name), "{name}");
        }
    }
}
