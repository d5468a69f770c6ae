//! watch(1): a command again and again.

use std::time::Duration;

use crate::host::program::{Env, Program, Progress, Resume, Run};

/// Shortest time between two runs.
const SHORTEST: f64 = 0.1;
/// Longest time between two runs.
const LONGEST: f64 = 86_400.0;

/// `watch`.
#[derive(Clone, Debug)]
pub struct Watch {
    every: f64,
    header: bool,
    command: Vec<String>,
    exec: bool,
}

impl Watch {
    pub fn make() -> Box<dyn Program> {
        Box::new(Watch { every: 2.0, header: true, command: Vec::new(), exec: false })
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut args = env.args.iter().skip(1).peekable();
        while let Some(arg) = args.peek().filter(|arg| arg.starts_with('-')).map(|arg| arg.to_string()) {
            args.next();
            let value = match arg.strip_prefix("-n") {
                Some("") => args.next().cloned(),
                Some(value) => Some(value.to_owned()),
                None => None,
            };
            if let Some(value) = value {
                match value.parse::<f64>() {
                    Ok(seconds) if seconds.is_finite() => self.every = seconds.clamp(SHORTEST, LONGEST),
                    _ => {
                        env.errln(format!("watch: failed to parse argument: '{value}': Invalid argument"));
                        return Progress::Exit(1);
                    }
                }
            }
            self.header &= !matches!(arg.as_str(), "-t" | "--no-title");
            self.exec |= matches!(arg.as_str(), "-x" | "--exec");
        }
        self.command = args.cloned().collect();
        if self.command.is_empty() {
            env.errln("Usage:");
            env.errln(" watch [options] command");
            return Progress::Exit(1);
        }
        self.run(env)
    }

    fn run(&self, env: &mut Env<'_, '_>) -> Progress {
        if self.header {
            let host = &env.ctx.host;
            let time = env.ctx.now.zoned(&host.zone).strftime("%a %b %e %H:%M:%S %Y").to_string();
            let line = format!("Every {:.1}s: {}    {}: {time}", self.every, self.command.join(" "), host.hostname);
            env.outln(line);
            env.outln("");
        }
        let argv = if self.exec {
            self.command.clone()
        } else {
            vec!["sh".to_owned(), "-c".to_owned(), self.command.join(" ")]
        };
        Progress::Run(Box::new(Run { argv, stdin: Some(Default::default()), ..Run::default() }))
    }
}

impl Program for Watch {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Ran(_) => {
                env.ctx.wake_at(env.ctx.now + Duration::from_secs_f64(self.every), 0, "watch");
                Progress::Wait
            }
            Resume::Input(_) => self.run(env),
            _ => Progress::Wait,
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
    fn the_command_runs_again_until_somebody_ends_it() {
        let mut host = host();
        let line = "watch -n 5 -t 'date +%S' > x & sleep 12; kill $!; cat x";
        assert_eq!(text(&run(&mut host, line)).0, "00\n05\n10\n");
        assert_eq!(run(&mut host, "watch -n soon ls").status, 1);
    }
}
