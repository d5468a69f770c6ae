//! postkick(1): sends a request to a service of Postfix through its socket.

use super::console::Console;
use crate::host::vfs::Cred;
use crate::host::{Env, Program, Progress, Resume};
use crate::mta::postfix::config;

/// The running command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postkick;

impl Program for Postkick {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let mut words: Vec<&String> = env.args.iter().skip(1).collect();
        let mut directory = config::DIRECTORY;
        if words.len() > 1 && words[0] == "-c" {
            directory = words[1];
            words.drain(..2);
        }
        let [class, service, request] = words[..] else {
            env.errln("postkick: fatal: usage: postkick [-c config_dir] [-v] class service request");
            return Progress::Exit(1);
        };
        let queue = match super::postdrop::load_config(env.ctx, directory) {
            Ok(config) => config.global().get("queue_directory"),
            Err(error) => {
                env.errln(format!("postkick: fatal: {}", error.0));
                return Progress::Exit(1);
            }
        };
        let path = format!("{queue}/{class}/{service}");
        let request = request.clone();
        match env.ctx.host.vfs.resolve(&path, &Cred::ROOT) {
            Ok(_) => {
                env.ctx.trigger(path, request.into_bytes());
                Progress::Exit(0)
            }
            Err(error) => {
                let (class, service) = (class.clone(), service.clone());
                let console = Console::new("postkick", None);
                console.warning(env, &format!("unable to look up {class}/{service}: {error}"));
                console.warning(
                    env,
                    &format!("Cannot contact class {class} service {service} - perhaps the mail system is down"),
                );
                Progress::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}
