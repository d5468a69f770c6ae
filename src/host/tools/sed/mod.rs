//! sed(1): the stream editor.

mod edit;
mod parse;
mod script;
mod substitute;

use bytes::Bytes;

use super::args::Args;
use super::posix_regex::Syntax;
use super::{input, read_file};
use crate::host::program::Env;
use edit::Editor;
use parse::Parser;
use script::Action;

/// `sed`.
pub fn sed(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    // -i takes an optional suffix, which is attached.
    let mut suffix = None;
    let args: Vec<String> = env
        .args
        .iter()
        .enumerate()
        .map(|(nth, arg)| match arg.strip_prefix("-i").or_else(|| arg.strip_prefix("--in-place")) {
            Some(rest) if nth > 0 && !arg.starts_with("--i") => {
                suffix = Some(rest.to_owned());
                "-i".to_owned()
            }
            Some(rest) if nth > 0 => {
                suffix = Some(rest.trim_start_matches('=').to_owned());
                "-i".to_owned()
            }
            _ => arg.clone(),
        })
        .collect();
    let long = [
        ("quiet", 'n'),
        ("silent", 'n'),
        ("expression", 'e'),
        ("regexp-extended", 'E'),
        ("file", 'f'),
        ("separate", 's'),
        ("null-data", 'z'),
        ("unbuffered", 'u'),
    ];
    let mut parsed = match Args::parse(&args, "nie:f:Ersuz", &long) {
        Ok(parsed) => parsed,
        Err(text) => {
            env.errln(format!("sed: {text}"));
            return 1;
        }
    };
    let mut script: Vec<String> = parsed.values('e').map(str::to_owned).collect();
    for name in parsed.values('f').map(str::to_owned).collect::<Vec<_>>() {
        match read_file(env, &env.path(&name)) {
            Ok(octets) => script.push(String::from_utf8_lossy(&octets).into_owned()),
            Err(error) => {
                env.errln(format!("sed: couldn't open file {name}: {error}"));
                return 1;
            }
        }
    }
    if !parsed.has('e') && !parsed.has('f') {
        if parsed.operands.is_empty() {
            env.errln("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...");
            return 1;
        }
        script.push(parsed.operands.remove(0));
    }
    let script = script.join("\n");
    let extended = parsed.has('E') || parsed.has('r');
    let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
    let mut parser =
        Parser { chars: script.chars().peekable(), syntax, commands: Vec::new(), blocks: Vec::new(), last_regex: None };
    if let Err(text) = parser.script() {
        let at = script.chars().count() - parser.chars.clone().count();
        env.errln(format!("sed: -e expression #1, char {at}: {text}"));
        return 1;
    }
    let commands = parser.commands;
    let mut reads = std::collections::BTreeMap::new();
    for command in &commands {
        if let Action::Read(file) = &command.action {
            reads.insert(file.clone(), read_file(env, &env.path(file)).unwrap_or_default());
        }
    }
    let in_place = parsed.has('i');
    let mut status = 0;
    let mut streams: Vec<(String, Vec<u8>)> = Vec::new();
    for name in parsed.files() {
        let content = if in_place || name != "-" {
            match read_file(env, &env.path(&name)) {
                Ok(content) => Some(content),
                Err(crate::host::vfs::Errno::IsDir) => {
                    env.errln(format!("sed: couldn't edit {name}: not a regular file"));
                    None
                }
                Err(error) => {
                    env.errln(format!("sed: can't read {name}: {error}"));
                    None
                }
            }
        } else {
            input(env, &stdin, "sed", &name)
        };
        match content {
            Some(content) => streams.push((name, content)),
            None => status = 2,
        }
    }
    let end = if parsed.has('z') { b'\0' } else { b'\n' };
    if !in_place && !parsed.has('s') {
        let mut all = Vec::new();
        for (_, mut content) in streams {
            if !all.is_empty() && !all.ends_with(&[end]) {
                all.push(end);
            }
            all.append(&mut content);
        }
        streams = vec![("-".into(), all)];
    }
    for (name, content) in streams {
        let mut lines: Vec<&[u8]> = content.split(|octet| *octet == end).collect();
        let unfinished = !content.is_empty() && !content.ends_with(&[end]);
        if !unfinished {
            lines.pop();
        }
        let mut editor = Editor {
            active: commands.iter().map(|command| command.begins_active().then_some(0)).collect(),
            commands: &commands,
            end,
            lines,
            next: 0,
            space: Vec::new(),
            hold: Vec::new(),
            appended: Vec::new(),
            out: Vec::new(),
            quiet: parsed.has('n'),
            quit: None,
            written: Vec::new(),
            reads: reads.clone(),
        };
        editor.run();
        let (mut out, written, quit) = (editor.out, editor.written, editor.quit);
        if unfinished && quit.is_none() && out.ends_with(&[end]) {
            out.pop();
        }
        for (file, text) in written {
            let path = env.path(&file);
            let _ = env.ctx.host.vfs.write(&path, text, 0o644, env.cred);
        }
        if in_place {
            if let Err(error) = replace(env, &name, &content, out, suffix.as_deref().unwrap_or_default()) {
                env.errln(format!("sed: couldn't open file {name}: {error}"));
                status = 4;
            }
        } else {
            env.stdout.extend(out);
        }
        if let Some(quit) = quit {
            return quit.max(status);
        }
    }
    status
}

/// Writes a new file in the place of the old one, with its mode and owner.
fn replace(
    env: &mut Env<'_, '_>,
    name: &str,
    old: &[u8],
    new: Vec<u8>,
    suffix: &str,
) -> Result<(), crate::host::vfs::Errno> {
    let path = env.path(name);
    let vfs = &mut env.ctx.host.vfs;
    let (mode, uid, gid) = {
        let inode = vfs.stat(&path, env.cred)?;
        (inode.mode, inode.uid, inode.gid)
    };
    if !suffix.is_empty() {
        vfs.write(&format!("{path}{suffix}"), old.to_vec(), mode, env.cred)?;
    }
    let temporary = format!("{}/sedXXXXXX", path.rsplit_once('/').map_or("", |(dir, _)| dir));
    vfs.create_new(&temporary, new, mode, env.cred)?;
    let _ = vfs.chown(&temporary, Some(uid), Some(gid), env.cred);
    vfs.rename(&temporary, &path, env.cred)
}
