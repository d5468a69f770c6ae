//! What a person wants of a running gateway, as one line of text each: typed at its terminal, or
//! written to its control socket.

use std::time::Duration;

use crate::scenario::parse_duration;
use crate::session::Input;
use crate::sim::Time;
use crate::sim::faults::Block;
use crate::smtp::rehearsal::{Failure, Stage};

/// A wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Time stands.
    Pause,
    /// Time goes on.
    Resume,
    /// Up to the next thing that happens, then time stands.
    Step,
    /// Thousandths of the wall's speed.
    Speed(u64),
    /// Time jumps.
    Jump(Duration),
    /// The network is changed.
    Fault(Box<Input>),
    /// How is it?
    Status,
}

/// How it is after a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Virtual time.
    pub time: Time,
    /// Whether it stands.
    pub paused: bool,
    /// Its speed in thousandths.
    pub permille: u64,
    /// Events so far.
    pub events: u64,
    /// Open sockets.
    pub sockets: usize,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let how = if self.paused { "standing".to_owned() } else { format!("{}x", self.permille as f64 / 1000.0) };
        write!(f, "{} ({how}), {} events, {} open sockets", self.time, self.events, self.sockets)
    }
}

/// The wishes, for people.
pub const HELP: &str = "\
  p          pause, or go on
  s          step: up to the next thing that happens, at most an hour
  f 1h       fast-forward by one hour (90s, 10m, 2d)
  x 10       ten times the speed of the clock (x 1 is normal)
  block 25   connections to port 25 vanish; block 25 reject: they are refused
  repair 25  they pass again
  fault rcpt 451        RCPT is answered with 451 (also: drop, delay10); stages: helo mail rcpt data message quit …
  fault mail 421 2 ws1  only the second MAIL of a client at ws1
  repair rcpt           no longer
  show ws1   --watch: only the dialogues of ws1; show: of all again
  students   who has joined the class, and from where
  i          virtual time, events, open sockets
  q          quit
";

/// A line typed at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A wish.
    Wish(Control),
    /// Pause, or go on if time stands.
    Toggle,
    /// Leave.
    Quit,
    /// Show the help.
    Help,
    /// Who has joined the class?
    Students,
    /// Watch the dialogues of one host only, or of all again.
    Show(Option<String>),
}

/// Reads a line.
///
/// # Errors
/// It is not understood; in words for people.
pub fn parse(line: &str) -> Result<Line, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let wish = match words.as_slice() {
        [] | ["i" | "status"] => Control::Status,
        ["p" | "pause-or-resume"] => return Ok(Line::Toggle),
        ["pause" | "freeze"] => Control::Pause,
        ["resume" | "go"] => Control::Resume,
        ["s" | "step"] => Control::Step,
        ["x" | "speed", factor] => match factor.trim_end_matches('x').parse::<f64>() {
            Ok(factor) if (0.001..=1_000_000.0).contains(&factor) => Control::Speed((factor * 1000.0).round() as u64),
            _ => return Err(format!("{factor}: a speed is a number from 0.001 to 1000000")),
        },
        ["f" | "forward", span] => match parse_duration(span) {
            Some(span) => Control::Jump(span),
            None => return Err(format!("{span}: not a stretch of time; write 90s or 2h30m")),
        },
        ["block", port, how @ ..] => {
            let Ok(port) = port.parse() else { return Err(format!("{port}: not a port")) };
            let block = match how {
                [] | ["drop"] => Block::Drop,
                ["reject"] => Block::Reject,
                ["unreachable"] => Block::Unreachable,
                _ => return Err("block PORT [drop|reject|unreachable]".to_owned()),
            };
            let effect = crate::session::FaultEffect::Block(block);
            let name = format!("port {port}");
            Control::Fault(Box::new(Input::Fault { name, from: None, to: None, port: Some(port), effect }))
        }
        ["fault", stage, failure, rest @ ..] => Control::Fault(Box::new(fault(stage, failure, rest)?)),
        ["repair", name] if name.parse::<u16>().is_ok() => {
            Control::Fault(Box::new(Input::Repair { name: format!("port {name}") }))
        }
        ["repair", stage] => Control::Fault(Box::new(Input::Repair { name: format!("fault {stage}") })),
        ["students" | "who"] => return Ok(Line::Students),
        ["show"] => return Ok(Line::Show(None)),
        ["show", host] => return Ok(Line::Show(Some((*host).to_owned()))),
        ["q" | "quit" | "exit"] => return Ok(Line::Quit),
        ["?" | "h" | "help"] => return Ok(Line::Help),
        _ => return Err(format!("`{}` is not understood; ? shows what is", line.trim())),
    };
    Ok(Line::Wish(wish))
}

/// Reads what stands after `fault`: stage, failure, and perhaps the number and the client's host.
///
/// # Errors
/// It is not understood; in words for people.
pub fn fault(stage: &str, failure: &str, rest: &[&str]) -> Result<Input, String> {
    let name = format!("fault {stage}");
    let Some(at) = Stage::parse(stage) else {
        return Err(format!(
            "{stage}: a stage is helo, starttls, auth, mail, rcpt, data, message, rset, noop, vrfy or quit"
        ));
    };
    let Some(failure) = Failure::parse(failure) else {
        return Err(format!("{failure}: a fault is a code from 400 to 599, drop, or delay and seconds (delay10)"));
    };
    let nth = rest.first().and_then(|nth| nth.parse().ok());
    let who = match (nth, rest) {
        (Some(_), [_]) | (None, []) => None,
        (Some(_), [_, host]) | (None, [host]) => Some((*host).to_owned()),
        _ => return Err("fault STAGE WHAT [NUMBER] [HOST]".to_owned()),
    };
    Ok(Input::Rehearse { name, who, stage: at, nth, failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wishes() {
        let wish = |line: &str| match parse(line) {
            Ok(Line::Wish(control)) => control,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(wish("x 10"), Control::Speed(10_000));
        assert_eq!(wish("speed 0.5x"), Control::Speed(500));
        assert_eq!(wish("f 1h"), Control::Jump(Duration::from_secs(3600)));
        assert_eq!(wish("s"), Control::Step);
        assert!(matches!(wish("block 25 reject"), Control::Fault(_)));
        assert_eq!(parse("q"), Ok(Line::Quit));
        assert!(matches!(wish("fault rcpt 451 2 ws1"), Control::Fault(_)));
        for wrong in ["fault lunch 451", "fault rcpt 250", "x 0", "x fast", "f", "f soon", "block smtp", "dance"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
