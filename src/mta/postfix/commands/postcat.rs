//! postcat(1): a queue file in readable form.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;

use super::console::Console;
use super::getopt::getopt;
use crate::host::Env;
use crate::host::vfs::Content;
use crate::mta::postfix::config::{self, Config};
use crate::mta::postfix::queue::{self, RecordKind};
use crate::mta::postfix::queue_file::{QueueFile, QueueName};
use crate::mta::postfix::showq;

const NAME: &str = "postcat";
const USAGE: &str = "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] \
    [-h (header text)] [-q (access queue)] [-v] [file(s)...]";

/// Which parts are shown; none chosen means all.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    envelope: bool,
    header: bool,
    body: bool,
}

/// Runs postcat(1).
pub fn run(env: &mut Env<'_, '_>, _stdin: Bytes) -> u8 {
    let console = Console::new(NAME, None);
    let mut parts = Parts::default();
    let (mut by_id, mut kinds, mut offsets) = (false, false, false);
    let split = match getopt(env.args, "bc:defhnoqrsv") {
        Ok(split) => split,
        Err(error) => return console.usage(env, &error, USAGE),
    };
    for option in split.0 {
        match option.letter {
            'q' => by_id = true,
            'd' => kinds = true,
            'o' => offsets = true,
            'e' => parts.envelope = true,
            'h' => parts.header = true,
            'b' => parts.body = true,
            _ => {}
        }
    }
    let names = split.1;
    if !(parts.envelope || parts.header || parts.body) {
        parts = Parts { envelope: true, header: true, body: true };
    }
    let mut notes = Vec::new();
    let config = Config::load_main(env.ctx.host, config::DIRECTORY, &mut notes);
    notes.iter().for_each(|note| console.note(env, note));
    let config = match config {
        Ok(config) => config,
        Err(error) => return console.fatal(env, &error.0),
    };
    let layout = showq::layout(&config.global(), env.ctx.host);
    let queues = [QueueName::Maildrop, QueueName::Hold, QueueName::Incoming, QueueName::Active, QueueName::Deferred];
    for name in names {
        let path = if by_id {
            if !queue::id::is_valid(&name) {
                return console.fatal(env, &format!("bad mail queue ID: {name}"));
            }
            let found = queues
                .into_iter()
                .map(|queue| layout.path(queue.as_str(), &name))
                .find(|path| env.ctx.host.vfs.exists(path));
            match found {
                Some(path) => path,
                None => return console.fatal(env, &format!("open queue file {name}: No such file or directory")),
            }
        } else {
            env.path(&name)
        };
        let file: Option<Arc<QueueFile>> = match env.ctx.host.vfs.read(&path, env.cred) {
            Ok(content) => Content::object(content),
            Err(error) if by_id => return console.fatal(env, &format!("open queue file {name}: {error}")),
            Err(error) => return console.fatal(env, &format!("open {path}: {error}")),
        };
        match file {
            Some(file) => {
                // Messages that are found by their id are named as in the queue directory.
                let inside = path.strip_prefix(&format!("{}/", layout.directory)).filter(|_| by_id);
                print(&file, inside.unwrap_or(&name), parts, (offsets, kinds), env);
            }
            None => console.note(env, &format!("warning: {path}: input is not a valid queue file")),
        }
    }
    0
}

fn print(file: &QueueFile, path: &str, parts: Parts, (offsets, kinds): (bool, bool), env: &mut Env<'_, '_>) {
    let all = parts.envelope;
    let records = queue::records(file);
    let mut section = Section::Envelope;
    if all {
        env.outln(format!("*** ENVELOPE RECORDS {path} ***"));
    }
    let mut offset = 0_u64;
    let mut in_header = true;
    for record in &records {
        let at = offset;
        offset += record.data.len() as u64 + if record.data.len() < 0x80 { 2 } else { 3 };
        let data = String::from_utf8_lossy(&record.data).into_owned();
        match record.kind {
            RecordKind::Message => {
                section = Section::Message;
                if all {
                    env.outln(format!("*** MESSAGE CONTENTS {path} ***"));
                }
                continue;
            }
            RecordKind::Extracted => {
                section = Section::Extracted;
                if all {
                    env.outln(format!("*** HEADER EXTRACTED {path} ***"));
                }
                continue;
            }
            RecordKind::End => {
                if all {
                    env.outln(format!("*** MESSAGE FILE END {path} ***"));
                }
                continue;
            }
            _ => {}
        }
        let shown = match section {
            Section::Message => {
                let header = in_header;
                in_header &= !data.is_empty();
                // The empty line between them goes with the body.
                if header && in_header { parts.header } else { parts.body }
            }
            Section::Envelope | Section::Extracted => all,
        };
        if !shown {
            continue;
        }
        let label = match (section, label(record.kind)) {
            (Section::Message, _) => data,
            (_, "attribute") => match data.strip_prefix("create_time=").and_then(|secs| secs.parse().ok()) {
                Some(secs) => {
                    let time = crate::sim::Time::from_secs(secs);
                    let date = time.zoned(&env.ctx.host.zone).strftime("%a %b %e %H:%M:%S %Y").to_string();
                    format!("create_time: {date}")
                }
                None => format!("named_attribute: {data}"),
            },
            (_, "message_arrival_time") => {
                let date = file.arrival.zoned(&env.ctx.host.zone).strftime("%a %b %e %H:%M:%S %Y").to_string();
                format!("message_arrival_time: {date}")
            }
            (_, label) => format!("{label}: {data}"),
        };
        let mut prefix = if offsets { format!("{at:9} ") } else { String::new() };
        if kinds {
            let _ = write!(prefix, "{:3} ", u32::from(record.kind.letter()));
        }
        if record.kind == RecordKind::Continued {
            env.stdout.extend_from_slice(format!("{prefix}{label}").as_bytes());
        } else {
            env.outln(format!("{prefix}{label}"));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Envelope,
    Message,
    Extracted,
}

/// Names of record types (rec_type(3)).
fn label(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Size => "message_size",
        RecordKind::Time => "message_arrival_time",
        RecordKind::Attribute | RecordKind::OriginalRecipient | RecordKind::DsnEnvid => "attribute",
        RecordKind::FullName => "sender_fullname",
        RecordKind::Sender => "sender",
        RecordKind::Verp => "verp_delimiters",
        RecordKind::Original => "original_recipient",
        RecordKind::Recipient => "recipient",
        RecordKind::Done => "done",
        RecordKind::Message | RecordKind::Normal | RecordKind::Continued => "regular_text",
        RecordKind::Extracted | RecordKind::End => "end",
    }
}
