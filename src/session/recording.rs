//! The recording file: what happened is scenario, seed and inputs; digests show damage.
//!
//! One JSON object per line, each after a checksum that also covers the line before it. The first
//! line is the header, the last one the end; what stands between is inputs and digests.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::exam::Exam;
use super::input::Input;
use crate::lab::Student;
use crate::sim::Time;
use crate::trace::Level;

/// Version of the file format.
pub const FORMAT: u32 = 1;
/// Version of this engine: with another one digests are not comparable.
pub const ENGINE: &str = env!("CARGO_PKG_VERSION");
/// A file with more lines than these is refused.
pub const MAX_LINES: usize = 1_000_000;

/// What a recording belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the format.
    #[serde(rename = "mxlab_recording")]
    pub format: u32,
    /// Version of the engine that wrote it.
    pub engine: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Digest of the scenario's texts.
    pub scenario_digest: String,
    /// The seed.
    pub seed: u64,
    /// How much was recorded in the trace.
    pub level: Level,
    /// Whether the scenario's script was played beside the inputs.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub script: bool,
    /// The lab that was done, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<LabHeader>,
}

fn yes() -> bool {
    true
}

fn is_yes(script: &bool) -> bool {
    *script
}

/// Which lab, in whose variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabHeader {
    /// The lab's name.
    pub name: String,
    /// Digest of the lab's files.
    pub digest: String,
    /// Whose variant.
    pub student: Student,
    /// The terms, if it is done as an exam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exam: Option<Exam>,
}

/// One line after the header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    /// An input.
    Input {
        /// Its number, counted from 1.
        seq: u64,
        /// Its moment.
        time: Time,
        /// Number of events before it: shows the first input that has another effect than it had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<u64>,
        /// Octets in the files of all hosts before it, for the same purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        octets: Option<u64>,
        /// What was done.
        input: Input,
    },
    /// A digest of the world at a moment.
    Digest {
        /// The moment.
        time: Time,
        /// Events so far.
        events: u64,
        /// [`crate::world::World::digest`].
        digest: String,
    },
    /// The end of the recording.
    End {
        /// Number of inputs.
        end: u64,
    },
}

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What it belongs to.
    pub header: Header,
    /// Inputs and digests in order.
    pub entries: Vec<Entry>,
}

/// A file that is no intact recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Damage {
    /// The first line that is not good, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
    /// What could be read before it; `None` if not even the header.
    pub readable: Option<Box<Recording>>,
}

impl Recording {
    /// The inputs with their moments.
    pub fn inputs(&self) -> impl Iterator<Item = (Time, &Input)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Input { time, input, .. } => Some((*time, input)),
            _ => None,
        })
    }

    /// Keeps only so many inputs, and the digests up to the last of them.
    pub fn truncate(&mut self, inputs: usize) {
        let mut seen = 0;
        self.entries.retain(|entry| {
            seen += usize::from(matches!(entry, Entry::Input { .. }));
            seen <= inputs && !matches!(entry, Entry::End { .. })
        });
    }

    /// The file.
    pub fn to_text(&self) -> String {
        let (mut lines, header) = Lines::begin(&self.header);
        let mut text = header.into_bytes();
        self.entries.iter().for_each(|entry| lines.entry(entry, &mut text));
        lines.entry(&Entry::End { end: self.inputs().count() as u64 }, &mut text);
        String::from_utf8(text).unwrap_or_else(|_| unreachable!("JSON is UTF-8"))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The first line that was changed, is missing or not understood, with what stands before it.
    pub fn parse(text: &str) -> Result<Recording, Damage> {
        let damage = |line: usize, reason: String, readable: Option<Recording>| Damage {
            line,
            reason,
            readable: readable.map(Box::new),
        };
        let mut chain = String::new();
        let mut recording: Option<Recording> = None;
        let mut last_time = Time::default();
        let mut seq = 0;
        let mut number = 0;
        for line in text.lines() {
            number += 1;
            if number > MAX_LINES {
                return Err(damage(number, format!("more than {MAX_LINES} lines"), recording));
            }
            let Some((sum, json)) = line.split_once(' ') else {
                return Err(damage(number, "this is no line of a recording".into(), recording));
            };
            chain = checksum(&chain, json.as_bytes());
            if sum != chain {
                let reason = "the checksum is wrong: this line, or one before it, was changed, removed or added";
                return Err(damage(number, reason.into(), recording));
            }
            let Some(known) = &mut recording else {
                match serde_json::from_str::<Header>(json) {
                    Ok(header) if header.format > FORMAT => {
                        let reason = format!("format {} is newer than {FORMAT}, the newest known here", header.format);
                        return Err(damage(number, reason, None));
                    }
                    Ok(header) => recording = Some(Recording { header, entries: Vec::new() }),
                    Err(error) => return Err(damage(number, format!("not a header: {error}"), None)),
                }
                continue;
            };
            match serde_json::from_str::<Entry>(json) {
                Ok(Entry::End { end }) if end == seq => {
                    return match text.lines().nth(number) {
                        None => Ok(recording.unwrap_or_else(|| unreachable!("the header was read"))),
                        Some(_) => Err(damage(number + 1, "there is text after the end".into(), recording)),
                    };
                }
                Ok(Entry::End { end }) => {
                    return Err(damage(number, format!("{end} inputs announced, {seq} found"), recording));
                }
                Ok(entry) => {
                    if let Entry::Input { seq: found, time, .. } = &entry {
                        seq += 1;
                        if *found != seq || *time < last_time {
                            return Err(damage(number, format!("input {found} is out of order"), recording));
                        }
                        last_time = *time;
                    }
                    known.entries.push(entry);
                }
                Err(error) => return Err(damage(number, format!("not understood: {error}"), recording)),
            }
        }
        Err(damage(number + 1, "the recording ends too early: its last lines are missing".into(), recording))
    }
}

/// Writes a recording line by line, while it comes into being. Without its [`Entry::End`] a file
/// is readable up to where it stops.
#[derive(Clone, Debug)]
pub struct Lines {
    chain: String,
    json: Vec<u8>,
}

impl Lines {
    /// Begins with the line of a header.
    pub fn begin(header: &Header) -> (Lines, String) {
        let mut lines = Lines { chain: String::new(), json: Vec::new() };
        let mut line = Vec::new();
        lines.line(header, &mut line);
        (lines, String::from_utf8(line).unwrap_or_else(|_| unreachable!("JSON is UTF-8")))
    }

    /// Appends the line of the next entry to a text.
    pub fn entry(&mut self, entry: &Entry, text: &mut Vec<u8>) {
        self.line(entry, text);
    }

    fn line(&mut self, what: &impl Serialize, text: &mut Vec<u8>) {
        self.json.clear();
        // Neither a vector nor these values can refuse.
        let _ = serde_json::to_writer(&mut self.json, what);
        self.chain = checksum(&self.chain, &self.json);
        text.extend_from_slice(self.chain.as_bytes());
        text.push(b' ');
        text.extend_from_slice(&self.json);
        text.push(b'\n');
    }
}

/// Eight hexadecimal digits over the checksum before and this line.
fn checksum(before: &str, json: &[u8]) -> String {
    let hash = Sha256::new().chain_update(before).chain_update("\n").chain_update(json).finalize();
    let first = hash.iter().take(4).fold(0, |number, octet| number << 8 | u32::from(*octet));
    format!("{first:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Recording {
        let header = Header {
            format: FORMAT,
            engine: ENGINE.into(),
            scenario: "first-mail".into(),
            scenario_digest: "abc".into(),
            seed: 1,
            level: Level::Full,
            script: true,
            lab: None,
        };
        let input = |seq, line: &str| Entry::Input {
            seq,
            time: Time::from_secs(seq),
            events: None,
            octets: None,
            input: Input::Command { host: "mx1".into(), user: "root".into(), line: line.into(), stdin: String::new() },
        };
        let digest = Entry::Digest { time: Time::from_secs(2), events: 7, digest: "d".into() };
        Recording { header, entries: vec![input(1, "mailq"), digest, input(2, "postqueue -f")] }
    }

    #[test]
    fn a_recording_survives_the_way_to_text_and_back() {
        assert_eq!(Recording::parse(&sample().to_text()), Ok(sample()));
    }

    #[test]
    fn truncation_names_the_line_and_keeps_what_was_read() {
        let text = sample().to_text();
        let lines: Vec<&str> = text.lines().collect();
        let damage = Recording::parse(&lines[..3].join("\n")).unwrap_err();
        assert_eq!(damage.line, 4);
        assert!(damage.reason.contains("too early"));
        assert_eq!(damage.readable.unwrap().entries.len(), 2);
        let cut_within_a_line = &text[..text.len() - 10];
        assert_eq!(Recording::parse(cut_within_a_line).unwrap_err().line, 5);
    }

    #[test]
    fn a_changed_or_removed_line_is_named() {
        let changed = sample().to_text().replace("mailq", "postq");
        let damage = Recording::parse(&changed).unwrap_err();
        assert_eq!((damage.line, damage.readable.unwrap().entries.len()), (2, 0));
        let text = sample().to_text();
        let removed: Vec<&str> = text.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| line).collect();
        assert_eq!(Recording::parse(&removed.join("\n")).unwrap_err().line, 2);
    }

    #[test]
    fn a_newer_format_is_refused() {
        let mut newer = sample();
        newer.header.format = FORMAT + 1;
        assert!(Recording::parse(&newer.to_text()).unwrap_err().reason.contains("newer"));
    }

    proptest! {
        #[test]
        fn any_text_gives_an_error_and_no_panic(text in ".*") {
            prop_assert!(Recording::parse(&text).is_err());
        }
    }
}
