//! Changing `main.cf`: comments and order stay.

use std::fmt::Write as _;

use super::Action;
use super::lines::{Block, blocks, commented, comments, logical};
use crate::host::Env;
use crate::mta::postfix::commands::console::Console;
use crate::mta::postfix::config::lines::split_nameval;

struct Change {
    name: String,
    value: String,
    done: bool,
}

/// Sets, removes or comments out parameters.
pub(super) fn run(
    env: &mut Env<'_, '_>,
    console: &Console,
    action: Action,
    directory: &str,
    names: &[String],
) -> Result<u8, String> {
    let mut changes = Vec::new();
    if names.is_empty() {
        return Err(match action {
            Action::Edit => "-e requires name=value argument",
            _ => "missing service argument",
        }
        .to_owned());
    }
    for text in names {
        if action == Action::Edit {
            let (name, value) = split_nameval(text).map_err(|error| format!("{error}: \"{text}\""))?;
            changes.retain(|change: &Change| change.name != name);
            changes.push(Change { name: name.to_owned(), value: value.to_owned(), done: false });
        } else {
            let name = text.trim_ascii();
            if name.contains(|c: char| c.is_ascii_whitespace() || c == '=') || name.is_empty() {
                return Err("-X or -# requires parameter names without value".to_owned());
            }
            changes.push(Change { name: name.to_owned(), value: String::new(), done: false });
        }
    }
    let path = format!("{directory}/main.cf");
    let absolute = env.path(&path);
    let text = env.ctx.host.vfs.read_text(&absolute, env.cred).map_err(|errno| format!("open {path}: {errno}"))?;
    let (new, notes) = change(&text, &path, action, &mut changes);
    notes.iter().for_each(|note| console.warning(env, note));
    let written = env.ctx.host.vfs.write(&absolute, new, 0o644, env.cred);
    written.map_err(|errno| format!("open {path}.tmp: {errno}"))?;
    Ok(0)
}

fn change(text: &str, path: &str, action: Action, changes: &mut [Change]) -> (String, Vec<String>) {
    let mut out = String::with_capacity(text.len());
    let mut notes = Vec::new();
    let put = |out: &mut String, line: &str| {
        out.push_str(line);
        out.push('\n');
    };
    for block in blocks(text) {
        let lines = match block {
            Block::Comment(line) => {
                put(&mut out, &line);
                continue;
            }
            Block::Text(lines) => lines,
        };
        let logical = logical(&lines);
        let name = logical.split(|c: char| c.is_ascii_whitespace() || c == '=').next().unwrap_or_default();
        let Some(change) = changes.iter_mut().find(|change| change.name == name) else {
            lines.iter().for_each(|line| put(&mut out, line));
            continue;
        };
        match action {
            Action::CommentOut => commented(&lines).iter().for_each(|line| put(&mut out, line)),
            Action::Edit => {
                if change.done {
                    notes.push(format!("{path}: multiple entries for \"{name}\""));
                } else {
                    let _ = writeln!(out, "{} = {}", change.name, change.value);
                }
                comments(&lines).for_each(|line| put(&mut out, line));
            }
            Action::Exclude | Action::Show => comments(&lines).for_each(|line| put(&mut out, line)),
        }
        change.done = true;
    }
    if action == Action::Edit {
        for change in changes.iter().filter(|change| !change.done) {
            let _ = writeln!(out, "{} = {}", change.name, change.value);
        }
    }
    (out, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, action: Action, names: &[(&str, &str)]) -> String {
        let mut changes: Vec<Change> = names
            .iter()
            .map(|(name, value)| Change { name: (*name).to_owned(), value: (*value).to_owned(), done: false })
            .collect();
        change(text, "/m", action, &mut changes).0
    }

    #[test]
    fn changes_only_what_is_named() {
        let text = "# a\nx = 1,\n  2\ny=3\n";
        assert_eq!(edit(text, Action::Edit, &[("x", "9"), ("z", "")]), "# a\nx = 9\ny=3\nz = \n");
        assert_eq!(edit(text, Action::Exclude, &[("x", "")]), "# a\ny=3\n");
        assert_eq!(edit(text, Action::CommentOut, &[("x", "")]), "# a\n#x = 1,\n#  2\ny=3\n");
    }
}
