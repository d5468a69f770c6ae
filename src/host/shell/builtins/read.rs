//! `read`: one line from standard input into variables; and `mapfile` (bash): all lines into an array.

use crate::host::process::Ctx;
use crate::host::shell::exec::{Frame, Shell};
use crate::host::shell::files::Read;
use crate::host::shell::machine::{Machine, TaskId};
use crate::host::shell::parser::is_identifier;

/// Where what was read is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Into {
    /// Word by word into variables, the rest into the last.
    #[default]
    Variables,
    /// Word by word into an array (`read -a`).
    Words,
    /// Line by line into an array (`mapfile`).
    Lines,
}

/// A `read` that has not seen the end of its line yet.
#[derive(Clone, Debug, Default)]
pub struct ReadLine {
    names: Vec<String>,
    into: Into,
    /// Whether lines lose their ends (`mapfile -t`).
    trim: bool,
    raw: bool,
    /// What to print before.
    pub prompt: Option<String>,
    most: Option<usize>,
    /// Whether what is typed is not to be shown.
    pub silent: bool,
    /// Whether no more will be typed for it.
    pub ended: bool,
    line: Vec<u8>,
}

impl ReadLine {
    /// From the arguments of `read`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(args: &[String]) -> Result<ReadLine, String> {
        let mut read = ReadLine::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-r" => read.raw = true,
                "-p" => read.prompt = args.next().cloned(),
                "-n" => read.most = args.next().and_then(|text| text.parse().ok()),
                "-s" => read.silent = true,
                "-e" => {}
                "-a" | "-ra" => {
                    read.into = Into::Words;
                    read.raw |= arg == "-ra";
                }
                "-t" => {
                    args.next();
                }
                "-rp" => {
                    read.raw = true;
                    read.prompt = args.next().cloned();
                }
                name if is_identifier(name) => read.names.push(name.to_owned()),
                name => return Err(format!("{name}: bad variable name")),
            }
        }
        Ok(read)
    }

    /// From the arguments of `mapfile`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn lines(args: &[String]) -> Result<ReadLine, String> {
        let mut read = ReadLine { into: Into::Lines, raw: true, ..ReadLine::default() };
        for arg in args {
            match arg.as_str() {
                "-t" => read.trim = true,
                name if is_identifier(name) => read.names = vec![name.to_owned()],
                name => return Err(format!("`{name}': not a valid identifier")),
            }
        }
        Ok(read)
    }

    /// Splits the line into the variables; the last one gets the rest.
    fn assign(&self, shell: &mut Shell) -> Result<(), String> {
        let text = String::from_utf8_lossy(&self.line).into_owned();
        let ifs = shell.state.get("IFS").unwrap_or(" \t\n").to_owned();
        let is_blank = |c: char| ifs.contains(c) && c.is_ascii_whitespace();
        let array = self.names.first().map_or("MAPFILE", String::as_str);
        match self.into {
            Into::Variables => {}
            Into::Words => {
                let words = text.split(|c| ifs.contains(c)).filter(|word| !word.is_empty());
                return shell.state.set_list(array, words.map(|word| (None, word.to_owned())).collect(), false);
            }
            Into::Lines => {
                let end = if self.trim { "\n" } else { "" };
                let line = |line: &str| (None, line.strip_suffix(end).unwrap_or(line).to_owned());
                return shell.state.set_list(array, text.split_inclusive('\n').map(line).collect(), false);
            }
        }
        if self.names.is_empty() {
            return shell.state.set("REPLY", text);
        }
        let mut rest = text.trim_start_matches(is_blank);
        for (nth, name) in self.names.iter().enumerate() {
            if nth + 1 == self.names.len() {
                return shell.state.set(name, rest.trim_end_matches(is_blank));
            }
            let end = rest.find(|c| ifs.contains(c)).unwrap_or(rest.len());
            shell.state.set(name, &rest[..end])?;
            rest = rest[end..].trim_start_matches(is_blank);
            if let Some(c) = rest.chars().next().filter(|c| ifs.contains(*c)) {
                rest = rest[c.len_utf8()..].trim_start_matches(is_blank);
            }
        }
        Ok(())
    }
}

/// Goes on with a `read`; whether it could.
pub fn read_step(shell: &mut Shell, id: TaskId, mut read: ReadLine, machine: &mut Machine, ctx: &mut Ctx<'_>) -> bool {
    let fd = machine.task(id).and_then(|task| task.fds.get(&0)).copied();
    let status = loop {
        match fd.map_or(Read::Eof, |fd| machine.read(fd, 1, ctx)) {
            Read::Data(data) if data == b"\n" && read.into != Into::Lines => {
                if !read.raw && ends_in_backslash(&read.line) {
                    read.line.pop();
                    continue;
                }
                break 0;
            }
            Read::Data(data) => {
                read.line.extend(data);
                if read.most.is_some_and(|most| read.line.len() >= most) {
                    break 0;
                }
            }
            Read::Eof => break u8::from(read.into != Into::Lines),
            Read::Wait if read.ended => break 1,
            Read::Wait => {
                shell.frames.push(Frame::Read(read));
                return false;
            }
        }
    };
    if !read.raw {
        let mut plain = Vec::new();
        let mut octets = read.line.iter();
        while let Some(octet) = octets.next() {
            if *octet == b'\\' {
                plain.extend(octets.next());
            } else {
                plain.push(*octet);
            }
        }
        read.line = plain;
    }
    shell.state.status = status;
    if let Err(text) = read.assign(shell) {
        shell.complain(id, &format!("read: {text}"), machine, ctx);
        shell.state.status = 2;
    }
    true
}

fn ends_in_backslash(line: &[u8]) -> bool {
    line.iter().rev().take_while(|octet| **octet == b'\\').count() % 2 == 1
}
