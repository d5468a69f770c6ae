//! What a student answers, compared with the student's own world.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

use super::compare::{self, normal};
use super::fork::Fork;
use super::pattern::{field_values, moments};
use super::state::{file_value, running_value};
use super::{Bench, Event, Finding, matches_text, same, text};
use crate::lab::written::Text;

/// Attempts that count fully.
const FULL: usize = 2;
/// Attempts that count at all; the last one half.
const MOST: usize = 3;

/// The answers given so far, by the id of what is asked, in order.
pub type Answers = BTreeMap<String, Vec<String>>;

/// A question that the student answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Its name; what `lab answer` takes.
    pub id: String,
    /// What is asked.
    pub ask: Text,
    /// Where the right answer comes from.
    pub is: Value,
    /// How answers are compared.
    #[serde(default)]
    pub compare: Compare,
    /// Percent that every mistake costs in an answer of several things; without it only the whole
    /// answer counts.
    #[serde(default)]
    pub each_wrong: Option<u64>,
}

/// Where a right answer comes from.
#[derive(Clone, Debug, Deserialize)]
pub enum Value {
    /// It is known; one of these.
    OneOf(Vec<String>),
    /// All of these.
    AllOf(Vec<String>),
    /// The values of a field of events in this student's world. An address is also answered
    /// rightly by the name of its host.
    Events {
        /// Which events.
        event: Event,
        /// Which field.
        field: String,
        /// Whether only the first such event counts.
        #[serde(default)]
        first: bool,
    },
    /// When such events happened, as `09:17` by the clock of the event's host.
    Moments(Event),
    /// The value of a parameter in the running daemons.
    Running {
        /// The host.
        host: String,
        /// The parameter.
        name: String,
    },
    /// The value of a parameter in the files.
    File {
        /// The host.
        host: String,
        /// The parameter.
        name: String,
    },
    /// What a command prints in a copy of the world, line by line.
    Output {
        /// The host.
        host: String,
        /// The command line, run as root.
        run: String,
    },
    /// How many such events there are.
    Count(Event),
    /// Lines like these that really were to be read in this world: in a log, in a reply, in the
    /// DNS, or when a connection failed.
    Seen(Vec<String>),
}

/// How an answer is compared with the right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Compare {
    /// It is one of the right values.
    #[default]
    One,
    /// It names all of the right values, in any order, and no other.
    Set,
    /// It names all of them in order.
    Sequence,
    /// It says for each name what belongs to it: `25=server, 587=program`.
    Mapping,
    /// Each answer is one find, until all of the right values are found.
    Collect,
    /// A number, or a time of day, that is at most so far from a right one.
    Near(u64),
}

impl Value {
    fn values(&self, bench: &Bench<'_>) -> Vec<String> {
        let lines = |output: &[u8]| String::from_utf8_lossy(output).lines().map(str::to_owned).collect();
        match self {
            Value::OneOf(values) | Value::AllOf(values) | Value::Seen(values) => values.clone(),
            Value::Events { event, field, first } => {
                let most = if *first { 1 } else { usize::MAX };
                field_values(bench, event, field, most)
            }
            Value::Moments(event) => moments(bench, event),
            Value::Running { host, name } => running_value(bench, host, name).into_iter().collect(),
            Value::File { host, name } => file_value(bench, host, name).into_iter().collect(),
            Value::Output { host, run } => {
                Fork::of(bench).run(host, "root", run, "").map(|exit| lines(&exit.stdout)).unwrap_or_default()
            }
            Value::Count(event) => vec![event.find(bench).len().to_string()],
        }
    }
}

impl Answer {
    /// The share of the points in percent.
    pub fn percent(&self, bench: &Bench<'_>) -> u64 {
        let right = self.is.values(bench);
        let given = self.given(bench);
        if self.compare == Compare::Collect {
            let found = self.found(given, &right, bench);
            let wrong = given.len() as u64 - found.counted;
            let share =
                (100 * found.values + right.len() as u64 / 2).checked_div(right.len() as u64).unwrap_or_default();
            return share.saturating_sub(wrong * self.each_wrong.unwrap_or_default());
        }
        let shares = given.iter().take(MOST).map(|answer| self.share(answer, &right, bench));
        shares
            .enumerate()
            .map(|(attempt, share)| if attempt < FULL { share } else { share / 2 })
            .max()
            .unwrap_or_default()
    }

    /// Whether everything was answered rightly, in whichever attempt.
    fn is_right(&self, bench: &Bench<'_>) -> bool {
        let right = self.is.values(bench);
        let given = self.given(bench);
        if self.compare == Compare::Collect {
            return !right.is_empty() && self.found(given, &right, bench).values == right.len() as u64;
        }
        self.right_attempt(bench).is_some()
    }

    /// Which of the answers that count was the first one to be right, counted from 0; nothing for a
    /// search, whose answers are right together.
    pub fn right_attempt(&self, bench: &Bench<'_>) -> Option<usize> {
        let right = self.is.values(bench);
        let single = self.compare != Compare::Collect;
        let mut counting = self.given(bench).iter().take(MOST);
        counting.position(|answer| single && self.share(answer, &right, bench) == 100)
    }

    fn given<'a>(&self, bench: &Bench<'a>) -> &'a [String] {
        bench.answers.get(&self.id).map(Vec::as_slice).unwrap_or_default()
    }

    /// What one answer is worth in percent.
    fn share(&self, answer: &str, right: &[String], bench: &Bench<'_>) -> u64 {
        if right.is_empty() {
            return 0;
        }
        let mistakes = match self.compare {
            Compare::One | Compare::Collect => {
                let one = right.iter().any(|right| is_one(answer, right, bench));
                return u64::from(one && self.is_real(answer, bench)) * 100;
            }
            Compare::Near(most) => {
                return u64::from(right.iter().any(|right| compare::is_near(answer, right, most))) * 100;
            }
            Compare::Set => compare::set(answer, right),
            Compare::Sequence => compare::sequence(answer, right),
            Compare::Mapping => compare::mapping(answer, right),
        };
        match (mistakes, self.each_wrong) {
            (0, _) => 100,
            (_, None) => 0,
            (mistakes, Some(cost)) => 100_u64.saturating_sub(mistakes.saturating_mul(cost)),
        }
    }

    /// Which of the right values were found by several answers.
    fn found(&self, given: &[String], right: &[String], bench: &Bench<'_>) -> Found {
        let mut open: Vec<&String> = right.iter().collect();
        let mut counted = 0;
        let mut before: Vec<String> = Vec::new();
        for answer in given.iter().filter(|answer| self.is_real(answer, bench)) {
            // What was found before is no mistake, but nothing new.
            counted += u64::from(right.iter().any(|right| is_one(answer, right, bench)));
            if before.contains(&normal(answer)) {
                continue;
            }
            before.push(normal(answer));
            if let Some(at) = open.iter().position(|right| is_one(answer, right, bench)) {
                open.remove(at);
            }
        }
        Found { values: (right.len() - open.len()) as u64, counted }
    }

    /// Whether an answer that must have been seen was.
    fn is_real(&self, answer: &str, bench: &Bench<'_>) -> bool {
        !matches!(self.is, Value::Seen(_)) || compare::was_seen(answer, bench.world)
    }

    /// What was answered, and whether it is right.
    pub fn look(&self, bench: &Bench<'_>) -> Finding {
        let given = self.given(bench);
        let ok = self.is_right(bench);
        let actual = match given.last() {
            None => text("not answered yet", "noch nicht beantwortet"),
            Some(_) if self.compare == Compare::Collect => {
                let right = self.is.values(bench);
                let found = self.found(given, &right, bench);
                let (all, wrong) = (right.len(), given.len() as u64 - found.counted);
                text(
                    format!("{} of {all} found, {wrong} wrong", found.values),
                    format!("{} von {all} gefunden, {wrong} falsch", found.values),
                )
            }
            Some(_) if ok => same(given.join("; ")),
            Some(answer) if given.len() < MOST => {
                let left = MOST - given.len();
                let (en, de) = if left == 1 { ("attempt", "Versuch") } else { ("attempts", "Versuche") };
                text(
                    format!("{answer} is not right; {left} {en} left"),
                    format!("{answer} stimmt nicht; noch {left} {de}"),
                )
            }
            Some(answer) => {
                let right = self.solution(bench);
                text(
                    format!("{answer} is not right; no attempt is left. Right is: {right}"),
                    format!("{answer} stimmt nicht; es ist kein Versuch mehr übrig. Richtig ist: {right}"),
                )
            }
        };
        Finding::new(ok, self.ask.clone(), actual)
    }

    /// The right answer as people write it.
    fn solution(&self, bench: &Bench<'_>) -> String {
        let plain = |value: &String| value.split('|').next().unwrap_or_default().trim_matches('*').to_owned();
        let values: Vec<String> = self.is.values(bench).iter().map(plain).collect();
        match self.compare {
            Compare::One | Compare::Near(_) => values.into_iter().next().unwrap_or_default(),
            _ => values.join(", "),
        }
    }
}

/// How far a search is that every answer adds to.
struct Found {
    /// Right values that were found.
    values: u64,
    /// Answers that found one.
    counted: u64,
}

/// Whether an answer is this value; an address is also named by its host.
fn is_one(answer: &str, right: &str, bench: &Bench<'_>) -> bool {
    if matches_text(&normal(answer), &normal(right)) {
        return true;
    }
    let addr = right.parse::<SocketAddr>().map(|socket| socket.ip()).or_else(|_| right.parse::<IpAddr>());
    let host = addr.ok().and_then(|addr| bench.world.host_of(addr)).map(|id| bench.world.host(id));
    let answer = normal(answer);
    host.is_some_and(|host| {
        answer.eq_ignore_ascii_case(&host.name)
            || answer.eq_ignore_ascii_case(&host.fqdn)
            || answer.parse().is_ok_and(|addr: IpAddr| host.addrs.contains(&addr))
    })
}
