//! `dd` (dd(1)): copies octets in blocks.

use super::amount;
use super::read_at_most;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::vfs::{Content, Device, Errno, Node, Special};

/// `dd`.
#[derive(Clone, Debug, Default)]
pub struct Dd;

impl Dd {
    pub fn make() -> Box<dyn Program> {
        Box::new(Dd)
    }
}

impl Program for Dd {
    fn resume(&mut self, _: Resume, env: &mut Env<'_, '_>) -> Progress {
        let copy = match Copy::parse(env.args) {
            Ok(copy) => copy,
            Err(text) => {
                env.errln(format!("dd: {text}"));
                return Progress::Exit(1);
            }
        };
        let wanted = copy.count.map(|count| copy.skipped().saturating_add(count.octets(copy.input_block)));
        let enough = copy.input.is_some() || wanted.is_some_and(|wanted| env.stdin.buffer.len() >= wanted);
        if !enough && !env.stdin.eof {
            return Progress::Wait;
        }
        Progress::Exit(match copy.run(env) {
            Ok(()) => 0,
            Err(text) => {
                env.errln(format!("dd: {text}"));
                1
            }
        })
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// How much of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    /// So many octets.
    Octets(usize),
    /// So many blocks.
    Blocks(usize),
}

impl Amount {
    /// The amount in octets with blocks of this size.
    fn octets(self, block: usize) -> usize {
        match self {
            Amount::Octets(octets) => octets,
            Amount::Blocks(blocks) => blocks.saturating_mul(block),
        }
    }
}

/// What is to be copied, and how.
#[derive(Clone, Debug)]
struct Copy {
    input: Option<String>,
    output: Option<String>,
    input_block: usize,
    output_block: usize,
    count: Option<Amount>,
    skip: usize,
    seek: usize,
    truncates: bool,
    appends: bool,
    tells: bool,
}

impl Copy {
    fn parse(args: &[String]) -> Result<Copy, String> {
        let mut copy = Copy {
            input: None,
            output: None,
            input_block: 512,
            output_block: 512,
            count: None,
            skip: 0,
            seek: 0,
            truncates: true,
            appends: false,
            tells: true,
        };
        for arg in &args[1..] {
            let unknown = || format!("unrecognized operand ‘{arg}’\nTry 'dd --help' for more information.");
            let (key, value) = arg.split_once('=').ok_or_else(unknown)?;
            let number = || amount::parse(value).ok_or_else(|| format!("invalid number: ‘{value}’"));
            let block = || {
                number().and_then(|size| if size == 0 { Err(format!("invalid number: ‘{value}’")) } else { Ok(size) })
            };
            match key {
                "if" => copy.input = Some(value.to_owned()),
                "of" => copy.output = Some(value.to_owned()),
                "bs" => (copy.input_block, copy.output_block) = (block()?, block()?),
                "ibs" => copy.input_block = block()?,
                "obs" => copy.output_block = block()?,
                "count" => {
                    copy.count = Some(match value.strip_suffix('B').and_then(amount::parse) {
                        Some(octets) => Amount::Octets(octets),
                        None => Amount::Blocks(number()?),
                    });
                }
                "skip" | "iseek" => copy.skip = number()?,
                "seek" | "oseek" => copy.seek = number()?,
                "conv" => copy.truncates = !value.split(',').any(|word| word == "notrunc"),
                "oflag" => copy.appends = value.split(',').any(|word| word == "append"),
                "status" => copy.tells = !matches!(value, "none" | "noxfer"),
                "iflag" if value == "fullblock" => {}
                "iflag" => return Err(format!("invalid input flag: ‘{value}’")),
                _ => return Err(unknown()),
            }
        }
        Ok(copy)
    }

    fn skipped(&self) -> usize {
        self.skip.saturating_mul(self.input_block)
    }

    fn run(&self, env: &mut Env<'_, '_>) -> Result<(), String> {
        let most = self.count.map_or(amount::MOST, |count| count.octets(self.input_block));
        let all = self.skipped().saturating_add(most).min(amount::MOST + 1);
        let content = match &self.input {
            None => {
                let have = env.stdin.buffer.len().min(all);
                env.stdin.buffer.drain(..have).collect()
            }
            Some(name) => {
                let path = env.path(name);
                if self.count.is_none() && endless(env, &path) {
                    return Err(format!("error reading '{name}': it has no end; say count=N"));
                }
                read_at_most(env, &path, all).map_err(|error| format!("failed to open '{name}': {error}"))?
            }
        };
        if content.len() > amount::MOST {
            return Err("memory exhausted: mxlab copies at most 64 MiB".into());
        }
        let content = content.get(self.skipped()..).unwrap_or_default();
        match &self.output {
            None => env.stdout.extend_from_slice(content),
            Some(name) => {
                let path = env.path(name);
                let at = self.seek.saturating_mul(self.output_block);
                let (truncates, appends) = (self.truncates, self.appends);
                if at > amount::MOST {
                    return Err(format!("'{name}': cannot seek: Invalid argument"));
                }
                let is_new = truncates && at == 0 && !appends;
                let vfs = &mut env.ctx.host.vfs;
                let written = vfs.edit(&path, 0o666, env.cred, |old| {
                    let mut all = if is_new { Vec::new() } else { old.to_vec() };
                    let at = if appends { all.len() } else { at };
                    let end = at + content.len();
                    if truncates && !appends || all.len() < end {
                        all.resize(end, 0);
                    }
                    all[at..end].copy_from_slice(content);
                    *old = Content::from(all);
                    Ok(())
                });
                written.map_err(|error| match error {
                    Errno::NoSpc => format!("error writing '{name}': {error}"),
                    _ => format!("failed to open '{name}': {error}"),
                })?;
            }
        }
        if self.tells {
            tell(content.len(), self.input_block, self.output_block, env);
        }
        Ok(())
    }
}

fn endless(env: &Env<'_, '_>, path: &str) -> bool {
    let node = env.ctx.host.vfs.stat(path, env.cred).map(|inode| &inode.node);
    matches!(node, Ok(Node::Special(Special::Device(device))) if Device::is_endless(*device))
}

/// Octets that a simulated disk copies in a second.
const RATE: f64 = 500e6;

/// The summary on standard error.
fn tell(octets: usize, input_block: usize, output_block: usize, env: &mut Env<'_, '_>) {
    for (block, what) in [(input_block, "in"), (output_block, "out")] {
        env.errln(format!("{}+{} records {what}", octets / block, usize::from(!octets.is_multiple_of(block))));
    }
    let unit = if octets == 1 { "byte" } else { "bytes" };
    let seconds = octets as f64 / RATE + 0.0001;
    let rate = amount::decimal(octets as f64 / seconds);
    let size = match octets {
        0..1000 => String::new(),
        1000..1024 => format!(" ({})", amount::decimal(octets as f64)),
        _ => format!(" ({}, {})", amount::decimal(octets as f64), amount::binary(octets as f64)),
    };
    env.errln(format!("{octets} {unit}{size} copied, {} s, {rate}/s", significant(seconds)));
}

/// Six significant digits at most, as `%g` writes them.
fn significant(value: f64) -> String {
    let places = (5 - value.log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{value:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run_as, text};

    /// What a command line says on both outputs.
    fn said(line: &str) -> String {
        let (out, err, _) = text(&run_as(&mut host(), "root", &format!("{{ {line}; }} 2>&1"), "", false));
        assert_eq!(err, "");
        out
    }

    #[test]
    fn copies_blocks_and_tells_how_many() {
        let said = said("dd if=/dev/zero of=/tmp/big bs=1M count=2; wc -c < /tmp/big");
        assert_eq!(
            said,
            "2+0 records in\n2+0 records out\n2097152 bytes (2.1 MB, 2.0 MiB) copied, 0.0042943 s, 488 MB/s\n2097152\n"
        );
    }

    #[test]
    fn skips_seeks_and_keeps_what_is_behind() {
        let said = said(
            "printf abcdefgh > /tmp/a; dd if=/tmp/a bs=2 skip=1 count=2 status=none; echo; \
             printf XY | dd of=/tmp/a bs=1 seek=3 conv=notrunc status=none; cat /tmp/a; echo; \
             printf XY | dd of=/tmp/a bs=1 seek=3 status=none; cat /tmp/a",
        );
        assert_eq!(said, "cdef\nabcXYfgh\nabcXY");
    }

    #[test]
    fn numbers_beyond_all_files_read_nothing() {
        let most = usize::MAX;
        let said = said(&format!("echo x | dd bs={most} skip={most} count={most} status=none; echo $?"));
        assert_eq!(said, "0\n");
    }

    #[test]
    fn says_what_it_cannot_do() {
        assert_eq!(
            said("dd if=/dev/zero of=/tmp/x; dd if=/nosuch; dd bs=0; dd iflag=x; dd foo"),
            "dd: error reading '/dev/zero': it has no end; say count=N\n\
             dd: failed to open '/nosuch': No such file or directory\n\
             dd: invalid number: ‘0’\n\
             dd: invalid input flag: ‘x’\n\
             dd: unrecognized operand ‘foo’\nTry 'dd --help' for more information.\n"
        );
    }
}
