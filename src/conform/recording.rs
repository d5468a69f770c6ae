//! What a run of a case gave, in the format of the recordings.

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use crate::scenario::dialogue::SessionResult;

/// Result of an `exec` step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExecResult {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status; `timeout` if it did not end.
    pub exit: ExitStatus,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ExitStatus {
    /// With this status.
    Status(u8),
    /// Not within a minute.
    #[serde(serialize_with = "write_timeout")]
    Timeout,
}

fn write_timeout<S: serde::Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("timeout")
}

/// One connection that a scripted server saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SinkSession {
    /// The client's address.
    pub peer: String,
    /// `C: `, `S: ` and `!: ` lines.
    pub transcript: Vec<String>,
}

/// A raw, un-normalised result.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// By id, in order of steps.
    pub sessions: Vec<(String, SessionResult)>,
    /// By id, in order of steps.
    pub exec: Vec<(String, ExecResult)>,
    /// Lines of the mail log by host, in order of the case.
    pub mail_log: Vec<(String, Vec<String>)>,
    /// Messages by `host:path`.
    pub mailboxes: Vec<(String, Vec<String>)>,
    /// Objects of `postqueue -j` by host.
    pub queue: Vec<(String, Vec<Value>)>,
    /// Sessions by sink.
    pub received: Vec<(String, Vec<SinkSession>)>,
    /// Remarks; not for comparison.
    pub notes: Vec<String>,
}

impl Recording {
    /// As the JSON object that `expect` is.
    pub fn to_json(&self) -> Value {
        let mut all = Map::new();
        all.insert("sessions".into(), object(&self.sessions));
        all.insert("exec".into(), object(&self.exec));
        all.insert("mail_log".into(), object(&self.mail_log));
        all.insert("mailboxes".into(), object(&self.mailboxes));
        all.insert("queue".into(), object(&self.queue));
        if !self.received.is_empty() {
            all.insert("received".into(), object(&self.received));
        }
        if !self.notes.is_empty() {
            all.insert("notes".into(), json!(self.notes));
        }
        Value::Object(all)
    }
}

fn object<T: Serialize>(entries: &[(String, T)]) -> Value {
    Value::Object(entries.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}
