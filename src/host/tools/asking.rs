//! `rm`, `cp` and `mv`, which ask with `-i` before they remove or overwrite something.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{copying, files};
use crate::host::program::{Env, Filter, Program, Progress, Resume};
use crate::host::vfs::Node;

/// One of the three commands.
#[derive(Clone, Debug)]
pub struct Asking {
    tool: &'static str,
    run: Filter,
    /// Operands that are asked about, with the questions.
    questions: VecDeque<(String, String)>,
    /// Operands that are to stay as they are.
    refused: Vec<String>,
}

impl Asking {
    fn boxed(tool: &'static str, run: Filter) -> Box<dyn Program> {
        Box::new(Asking { tool, run, questions: VecDeque::new(), refused: Vec::new() })
    }

    /// `rm`.
    pub fn rm() -> Box<dyn Program> {
        Asking::boxed("rm", files::rm)
    }

    /// `cp`.
    pub fn cp() -> Box<dyn Program> {
        Asking::boxed("cp", copying::cp)
    }

    /// `mv`.
    pub fn mv() -> Box<dyn Program> {
        Asking::boxed("mv", copying::mv)
    }

    /// The questions that the command line asks for, if `-i` is the last word on that.
    fn plan(&mut self, env: &Env<'_, '_>) {
        let is_short = |arg: &&String| arg.starts_with('-') && !arg.starts_with("--") && arg.len() > 1;
        let letters: String = env.args[1..].iter().filter(is_short).map(String::as_str).collect();
        let asks = letters.chars().rev().find(|letter| "ifn".contains(*letter)) == Some('i');
        if !asks && !env.args.iter().any(|arg| arg == "--interactive") {
            return;
        }
        let mut operands: Vec<&String> = env.args[1..].iter().filter(|arg| !arg.starts_with('-')).collect();
        let stat = |name: &str| env.ctx.host.vfs.stat(&env.path(name), env.cred).ok();
        let is_dir = |name: &str| stat(name).is_some_and(|inode| matches!(inode.node, Node::Dir(_)));
        if self.tool == "rm" {
            for name in operands {
                let Some(inode) = stat(name) else { continue };
                let question = match &inode.node {
                    Node::Dir(_) if letters.contains(['r', 'R']) => format!("rm: descend into directory '{name}'? "),
                    Node::Dir(_) => continue,
                    Node::File(content) if content.size() == 0 => format!("rm: remove regular empty file '{name}'? "),
                    _ => format!("rm: remove regular file '{name}'? "),
                };
                self.questions.push_back((name.clone(), question));
            }
            return;
        }
        let Some(target) = operands.pop().cloned() else { return };
        for source in operands {
            let base = source.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let place =
                if is_dir(&target) { format!("{}/{base}", target.trim_end_matches('/')) } else { target.clone() };
            if stat(&place).is_some() && !is_dir(&place) {
                self.questions.push_back((source.clone(), format!("{}: overwrite '{place}'? ", self.tool)));
            }
        }
    }

    /// Runs the command on what was not refused.
    fn finish(&self, env: &mut Env<'_, '_>) -> Progress {
        if self.refused.is_empty() {
            return Progress::Exit((self.run)(env, Bytes::new()));
        }
        let args: Vec<String> = env.args.iter().filter(|arg| !self.refused.contains(arg)).cloned().collect();
        let operands = args[1..].iter().filter(|arg| !arg.starts_with('-')).count();
        if operands < if self.tool == "rm" { 1 } else { 2 } {
            return Progress::Exit(0);
        }
        let vars = env.vars;
        let mut inner = env.for_command(&args, vars);
        Progress::Exit((self.run)(&mut inner, Bytes::new()))
    }
}

impl Program for Asking {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        if matches!(resume, Resume::Start) {
            self.plan(env);
            let Some((_, question)) = self.questions.front() else { return self.finish(env) };
            env.stderr.extend_from_slice(question.as_bytes());
        }
        loop {
            let line = match env.stdin.take_line() {
                Some(line) => line,
                None if env.stdin.eof => Vec::new(),
                None => return Progress::Wait,
            };
            let Some((operand, _)) = self.questions.pop_front() else { return self.finish(env) };
            if !line.starts_with(b"y") && !line.starts_with(b"Y") {
                self.refused.push(operand);
            }
            match self.questions.front() {
                Some((_, question)) => env.stderr.extend_from_slice(question.as_bytes()),
                None => return self.finish(env),
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text};

    #[test]
    fn only_what_is_agreed_to_is_done() {
        let mut host = host();
        let line = "cd /tmp; echo 1 > a; echo 2 > b; : > c; printf 'n\\ny\\n' | rm -i a b; ls; echo y | mv -i c a; echo 5 > d; echo | cp -i d a; cat a; ls";
        let got = text(&run(&mut host, line));
        assert_eq!(got.0, "a\nc\na\nd\n");
        let asked = "rm: remove regular file 'a'? rm: remove regular file 'b'? mv: overwrite 'a'? cp: overwrite 'a'? ";
        assert_eq!(got.1, asked);
        assert_eq!(text(&run(&mut host, "cd /tmp; rm -if a; rm -r --interactive /tmp </dev/null; ls /tmp")).0, "d\n");
    }
}
