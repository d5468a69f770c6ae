//! `tail`, which can follow a file while the world runs.

use std::time::Duration;

use super::args::Args;
use super::stream::{counts, open};
use crate::host::program::{Env, Program, Progress, Resume};

/// How often a followed file is looked at, as `tail` does without inotify.
const INTERVAL: Duration = Duration::from_secs(1);

/// `tail`.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    started: bool,
    followed: Vec<Followed>,
    shown: Option<usize>,
    headers: bool,
}

#[derive(Clone, Debug)]
struct Followed {
    name: String,
    size: u64,
}

impl Tail {
    pub fn make() -> Box<dyn Program> {
        Box::new(Tail::default())
    }

    fn start(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let args = counts(env.args);
        let long = [("lines", 'n'), ("bytes", 'c'), ("follow", 'f'), ("quiet", 'q'), ("retry", 'F')];
        let parsed = match Args::parse(&args, "n:c:fFqvs:", &long) {
            Ok(parsed) => parsed,
            Err(text) => {
                env.errln(format!("tail: {text}"));
                return Progress::Exit(1);
            }
        };
        let files = parsed.files();
        if files.iter().any(|name| name == "-") && !env.stdin.eof {
            return Progress::Wait;
        }
        self.started = true;
        let octets = parsed.value('c').is_some();
        let text = parsed.value('c').or(parsed.value('n')).unwrap_or("10");
        let Ok(count) = text.trim_start_matches(['+', '-']).parse::<usize>() else {
            let what = if octets { "bytes" } else { "lines" };
            env.errln(format!("tail: invalid number of {what}: ‘{text}’"));
            return Progress::Exit(1);
        };
        let from_start = text.starts_with('+');
        let follow = parsed.has('f') || parsed.has('F');
        self.headers = (files.len() > 1 && !parsed.has('q')) || parsed.has('v');
        let mut status = 0;
        for (nth, name) in files.iter().enumerate() {
            let content =
                if name == "-" { Some(std::mem::take(&mut env.stdin.buffer)) } else { open(env, "tail", name) };
            let Some(content) = content else {
                status = 1;
                if parsed.has('F') {
                    self.followed.push(Followed { name: name.clone(), size: 0 });
                }
                continue;
            };
            self.header(nth, name, env);
            let units: Vec<&[u8]> =
                if octets { content.chunks(1).collect() } else { content.split_inclusive(|o| *o == b'\n').collect() };
            let skip = if from_start { count.saturating_sub(1) } else { units.len().saturating_sub(count) };
            let begin: usize = units.iter().take(skip).map(|unit| unit.len()).sum();
            env.stdout.extend_from_slice(&content[begin..]);
            if follow && name != "-" {
                self.followed.push(Followed { name: name.clone(), size: content.len() as u64 });
            }
        }
        if self.followed.is_empty() {
            return Progress::Exit(status);
        }
        env.ctx.wake_at(env.ctx.now + INTERVAL, 0, "tail -f");
        Progress::Wait
    }

    fn header(&mut self, nth: usize, name: &str, env: &mut Env<'_, '_>) {
        if self.headers && self.shown != Some(nth) {
            let gap = if self.shown.is_some() { "\n" } else { "" };
            let shown = if name == "-" { "standard input" } else { name };
            env.stdout.extend_from_slice(format!("{gap}==> {shown} <==\n").as_bytes());
            self.shown = Some(nth);
        }
    }
}

impl Program for Tail {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        if !self.started {
            return self.start(env);
        }
        if env.reader_gone {
            return Progress::Exit(141);
        }
        if !matches!(resume, Resume::Input(_)) {
            return Progress::Wait;
        }
        for nth in 0..self.followed.len() {
            let Followed { name, size } = self.followed[nth].clone();
            let path = env.path(&name);
            let Ok(content) = env.ctx.host.vfs.read(&path, env.cred) else { continue };
            let now = content.size();
            if now == size {
                continue;
            }
            let all = content.to_vec();
            // A file that became shorter was truncated or replaced: start again.
            let from = if now < size { 0 } else { usize::try_from(size).unwrap_or(0) };
            self.header(nth, &name, env);
            env.stdout.extend_from_slice(all.get(from..).unwrap_or_default());
            self.followed[nth].size = now;
        }
        env.ctx.wake_at(env.ctx.now + INTERVAL, 0, "tail -f");
        Progress::Wait
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
