//! postlock(1): locks a mail folder and runs a command.

use super::console::Console;
use super::getopt::getopt;
use super::messages::status;
use crate::host::program::Run;
use crate::host::vfs::Errno;
use crate::host::{Env, Program, Progress, Resume};

const USAGE: &str = "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...";

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Postlock {
    /// The lock file to remove at the end.
    lock: Option<String>,
}

impl Program for Postlock {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.start(env),
            Resume::Ran(status) => {
                if let Some(lock) = self.lock.take() {
                    // Somebody may have removed it.
                    let _ = env.ctx.host.vfs.unlink(&lock, env.cred);
                }
                Progress::Exit(status)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

impl Postlock {
    fn start(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let console = Console::new("postlock", None);
        let operands = match getopt(env.args, "c:l:v") {
            Ok((_, operands)) => operands,
            Err(error) => {
                console.usage(env, &error, USAGE);
                return Progress::Exit(status::TEMPFAIL);
            }
        };
        let Some((folder, argv)) = operands.split_first().filter(|(_, argv)| !argv.is_empty()) else {
            console.fatal(env, USAGE);
            return Progress::Exit(status::TEMPFAIL);
        };
        let lock = format!("{}.lock", env.path(folder));
        if let Err(error) = make_lock(&lock, env) {
            console.fatal(env, &format!("open file {folder}: unable to create lock file {folder}.lock: {error}"));
            return Progress::Exit(status::TEMPFAIL);
        }
        self.lock = Some(lock);
        Progress::Run(Box::new(Run { argv: argv.to_vec(), ..Run::default() }))
    }
}

fn make_lock(lock: &str, env: &mut Env<'_, '_>) -> Result<(), Errno> {
    if env.ctx.host.vfs.exists(lock) {
        return Err(Errno::Exist);
    }
    let text = format!("{}", env.ctx.proc.0);
    env.ctx.host.vfs.write(lock, text, 0o444, env.cred).map(|_| ())
}
