//! `test`, `[` and `[[` (test(1)).

use crate::host::Host;
use crate::host::shell::pattern::{Pattern, absolute};
use crate::host::shell::state::State;
use crate::host::vfs::{Cred, Node, Special};

/// Evaluates a condition: 0 if it holds, 1 if not.
///
/// # Errors
/// What is wrong with it, without the name of the command.
pub fn test(words: &[String], state: &State, host: &Host) -> Result<u8, String> {
    evaluate(words, &state.cwd, &state.cred, host)
}

/// As [`test()`], for who is no shell.
///
/// # Errors
/// What is wrong with it.
pub fn evaluate(words: &[String], cwd: &str, cred: &Cred, host: &Host) -> Result<u8, String> {
    let mut test = Test { words, pos: 0, cwd, cred, host, depth: 0 };
    if words.is_empty() {
        return Ok(1);
    }
    let value = match words {
        // POSIX: the number of words decides, so that values may look like operators.
        [one] => !one.is_empty(),
        [not, one] if not == "!" => one.is_empty(),
        [left, op, right] if is_binary(op) => test.binary(left, op, right)?,
        _ => {
            let value = test.or()?;
            match words.get(test.pos) {
                // The first of two words should have been an operator.
                Some(_) if words.len() == 2 => return Err(format!("{}: unexpected operator", words[0])),
                Some(extra) => return Err(format!("{extra}: unexpected operator")),
                None => value,
            }
        }
    };
    Ok(u8::from(!value))
}

/// An error of dash's `test` as bash puts it.
pub fn in_words_of_bash(text: &str) -> String {
    if let Some(word) = text.strip_prefix("Illegal number: ") {
        return format!("{word}: integer expression expected");
    }
    match text.strip_suffix(": unexpected operator") {
        Some(word) => format!("{word}: unary operator expected"),
        None => text.to_owned(),
    }
}

struct Test<'a> {
    words: &'a [String],
    pos: usize,
    cwd: &'a str,
    cred: &'a Cred,
    host: &'a Host,
    depth: u32,
}

fn is_binary(op: &str) -> bool {
    matches!(
        op,
        "=" | "==" | "!=" | "=~" | "<" | ">" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-nt" | "-ot" | "-ef"
    )
}

impl Test<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.pos).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.pos)?.clone();
        self.pos += 1;
        Some(word)
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.peek() == Some("-o") {
            self.pos += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.peek() == Some("-a") {
            self.pos += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        self.depth += 1;
        if self.depth > 64 {
            return Err("expression too deep".into());
        }
        let value = if self.peek() == Some("!") && self.pos + 1 < self.words.len() {
            self.pos += 1;
            !self.not()?
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(value)
    }

    fn primary(&mut self) -> Result<bool, String> {
        let Some(word) = self.next() else { return Err("argument expected".into()) };
        if let Some(op) = self.peek().filter(|op| is_binary(op)).map(str::to_owned)
            && let Some(right) = self.words.get(self.pos + 1).cloned()
        {
            self.pos += 2;
            return self.binary(&word, &op, &right);
        }
        if word == "(" {
            let value = self.or()?;
            if self.next().as_deref() != Some(")") {
                return Err("closing paren expected".into());
            }
            return Ok(value);
        }
        let is_unary = word.len() == 2 && word.starts_with('-') && "nzefdrwxshLpSbcugkOGt".contains(&word[1..]);
        if is_unary && let Some(operand) = self.next() {
            return Ok(self.unary(&word, &operand));
        }
        Ok(!word.is_empty())
    }

    fn unary(&self, op: &str, operand: &str) -> bool {
        match op {
            "-n" => return !operand.is_empty(),
            "-z" => return operand.is_empty(),
            "-t" => return false,
            _ => {}
        }
        if operand.is_empty() {
            return false;
        }
        let path = absolute(self.cwd, operand);
        let vfs = &self.host.vfs;
        if op == "-L" || op == "-h" {
            let inode = vfs.resolve_link(&path, self.cred).ok().and_then(|ino| vfs.inode(ino));
            return inode.is_some_and(|inode| matches!(inode.node, Node::Symlink(_)));
        }
        let Ok(inode) = vfs.stat(&path, self.cred) else { return false };
        let may = |want| vfs.access(&path, self.cred, want).is_ok();
        match op {
            "-f" => matches!(inode.node, Node::File(_)),
            "-d" => matches!(inode.node, Node::Dir(_)),
            "-p" => matches!(inode.node, Node::Special(Special::Fifo)),
            "-S" => matches!(inode.node, Node::Special(Special::Socket)),
            "-c" => matches!(inode.node, Node::Special(Special::Device(_))),
            "-b" => false,
            "-s" => inode.size() > 0,
            "-r" => may(4),
            "-w" => may(2),
            "-x" => may(1) && (self.cred.uid != 0 || inode.mode & 0o111 != 0),
            "-u" => inode.mode & 0o4000 != 0,
            "-g" => inode.mode & 0o2000 != 0,
            "-k" => inode.mode & 0o1000 != 0,
            "-O" => inode.uid == self.cred.uid,
            "-G" => inode.gid == self.cred.gid,
            _ => true,
        }
    }

    fn binary(&self, left: &str, op: &str, right: &str) -> Result<bool, String> {
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("Illegal number: {text}"));
        let vfs = &self.host.vfs;
        let stat = |path: &str| vfs.stat(&absolute(self.cwd, path), self.cred);
        Ok(match op {
            "=" | "==" => left == right || (op == "==" && Pattern::from_text(right).matches(left)),
            "!=" => left != right,
            "=~" => regex::Regex::new(right).map_err(|_| format!("{right}: bad regular expression"))?.is_match(left),
            "<" => left < right,
            ">" => left > right,
            "-eq" => number(left)? == number(right)?,
            "-ne" => number(left)? != number(right)?,
            "-lt" => number(left)? < number(right)?,
            "-le" => number(left)? <= number(right)?,
            "-gt" => number(left)? > number(right)?,
            "-ge" => number(left)? >= number(right)?,
            "-nt" => match (stat(left), stat(right)) {
                (Ok(left), Ok(right)) => left.mtime > right.mtime,
                (left, right) => left.is_ok() && right.is_err(),
            },
            "-ot" => match (stat(left), stat(right)) {
                (Ok(left), Ok(right)) => left.mtime < right.mtime,
                (left, right) => left.is_err() && right.is_ok(),
            },
            _ => {
                let ino = |path: &str| vfs.resolve(&absolute(self.cwd, path), self.cred).ok();
                ino(left).is_some() && ino(left) == ino(right)
            }
        })
    }
}
