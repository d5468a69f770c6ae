//! Changing `master.cf`.

use super::lines::{Block, blocks, commented, comments, logical};
use super::show_master::{FIELDS, Request, tidy};
use super::{Action, Options, Subject, print};
use crate::host::Env;
use crate::mta::postfix::commands::console::Console;
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::master_cf::{RawEntry, raw_entries};
use crate::mta::postfix::config::tokens::words;

/// A request with the new value, if one is to be set.
struct Change {
    text: String,
    value: Option<String>,
    matched: bool,
}

/// Sets, removes or comments out entries, fields or parameters.
pub(super) fn run(
    env: &mut Env<'_, '_>,
    console: &Console,
    options: &Options,
    directory: &str,
    names: &[String],
) -> Result<u8, String> {
    if names.is_empty() {
        return Err("missing service argument".to_owned());
    }
    let mut changes = Vec::new();
    for text in names {
        changes.push(parse_change(text, options)?);
    }
    let path = format!("{directory}/master.cf");
    let absolute = env.path(&path);
    let text = env.ctx.host.vfs.read_text(&absolute, env.cred).map_err(|errno| format!("open {path}: {errno}"))?;
    let new = change(&text, &path, options, &mut changes)?;
    // Entries that are not there need no removing.
    let silent = options.subject == Subject::Entries && options.action == Action::Exclude;
    for change in changes.iter().filter(|change| !change.matched && !silent) {
        let shown = match &change.value {
            Some(value) => format!("{}={value}", change.text),
            None => change.text.clone(),
        };
        console.warning(env, &format!("unmatched service_name/type: \"{shown}\""));
    }
    let written = env.ctx.host.vfs.write(&absolute, new, 0o644, env.cred);
    written.map_err(|errno| format!("open {path}.tmp: {errno}"))?;
    Ok(0)
}

fn parse_change(text: &str, options: &Options) -> Result<Change, String> {
    let name = text.split('=').next().unwrap_or_default().trim_ascii();
    if options.subject == Subject::Entries && name.split('/').count() != 2 {
        return Err("-Me, -MX or -M# requires service_name/type".to_owned());
    }
    if options.action != Action::Edit {
        return Ok(Change { text: text.to_owned(), value: None, matched: false });
    }
    let (name, value) = split_nameval(text).map_err(|error| format!("{error}: \"{text}\""))?;
    let request = Request::parse(name);
    match options.subject {
        Subject::Entries if words(value, |c| c.is_ascii_whitespace()).len() < FIELDS.len() => {
            return Err(format!("bad field count: \"{text}\""));
        }
        Subject::Fields if !FIELDS.contains(&request.item) => {
            return Err(format!("invalid service attribute name: \"{}\"", request.item));
        }
        Subject::Overrides if value.contains(|c: char| c.is_ascii_whitespace()) => {
            return Err("-Pe does not accept whitespace in parameter value".to_owned());
        }
        _ => {}
    }
    Ok(Change { text: name.to_owned(), value: Some(value.to_owned()), matched: false })
}

fn change(text: &str, path: &str, options: &Options, changes: &mut [Change]) -> Result<String, String> {
    let mut out: Vec<String> = Vec::new();
    for block in blocks(text) {
        let lines = match block {
            Block::Comment(line) => {
                out.push(line);
                continue;
            }
            Block::Text(lines) => lines,
        };
        let mut entry = parse_entry(&logical(&lines), path)?;
        let mut touched = false;
        let mut dropped = false;
        for change in changes.iter_mut() {
            let request = Request::parse(&change.text);
            if !request.matches(&entry) {
                continue;
            }
            match (options.subject, &change.value) {
                (Subject::Entries, Some(value)) => entry = parse_entry(value, path)?,
                (Subject::Entries | Subject::Main, None) => dropped = true,
                (Subject::Fields, Some(value)) => set_field(&mut entry, request.item, value),
                (Subject::Overrides, value) => {
                    let changed = set_override(&mut entry, request.item, value.as_deref());
                    if !changed {
                        continue;
                    }
                }
                _ => {}
            }
            touched = true;
            change.matched = true;
            if options.subject == Subject::Entries && change.value.is_some() {
                break;
            }
        }
        if !touched {
            out.extend(lines);
        } else if dropped && options.action == Action::CommentOut {
            out.extend(commented(&lines));
        } else {
            if !dropped {
                out.push(show(&entry));
            }
            out.extend(comments(&lines).cloned());
        }
    }
    for change in changes.iter_mut().filter(|change| !change.matched) {
        if let (Subject::Entries, Some(value)) = (options.subject, &change.value) {
            out.push(show(&parse_entry(value, path)?));
            change.matched = true;
        }
    }
    Ok(out.into_iter().map(|line| line + "\n").collect())
}

fn show(entry: &RawEntry) -> String {
    let command: Vec<String> = entry.command.iter().map(|word| tidy(word)).collect();
    print::entry(&entry.columns, &command, true)
}

fn parse_entry(text: &str, path: &str) -> Result<RawEntry, String> {
    let mut entries = raw_entries(path, text, &mut Vec::new()).map_err(|error| error.0)?;
    entries.pop().ok_or_else(|| format!("bad field count: \"{text}\""))
}

fn set_field(entry: &mut RawEntry, field: &str, value: &str) {
    match FIELDS.iter().position(|known| *known == field) {
        Some(at) if at < entry.columns.len() => value.clone_into(&mut entry.columns[at]),
        Some(_) => {
            entry.command = words(value, |c| c.is_ascii_whitespace()).into_iter().map(str::to_owned).collect();
        }
        None => {}
    }
}

/// Sets or removes a parameter; whether there was anything to do.
fn set_override(entry: &mut RawEntry, name: &str, value: Option<&str>) -> bool {
    let mut at = 1;
    while entry.command.get(at).is_some_and(|word| word.starts_with('-')) {
        let is_option = entry.command.get(at).is_some_and(|word| word == "-o");
        let text = entry.command.get(at + 1).map(|word| tidy(word)).unwrap_or_default();
        if is_option && text.trim_start_matches('{').split('=').next() == Some(name) {
            match value {
                Some(value) => entry.command[at + 1] = format!("{name}={value}"),
                None => {
                    entry.command.drain(at..at + 2);
                }
            }
            return true;
        }
        at += if is_option { 2 } else { 1 };
    }
    let Some(value) = value else { return false };
    let at = at.min(entry.command.len());
    entry.command.splice(at..at, ["-o".to_owned(), format!("{name}={value}")]);
    true
}
