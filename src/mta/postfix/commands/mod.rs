//! Commands of Postfix, as programs of a host.

mod console;
mod getopt;
pub mod messages;
mod newaliases;
mod postalias;
pub mod postcat;
mod postconf;
pub mod postdrop;
pub mod postfix;
mod postfix_script;
mod postkick;
mod postlock;
mod postlog;
mod postmap;
mod postmulti;
pub mod postqueue;
pub mod postsuper;
pub mod posttls_finger;
pub mod qshape;
pub mod sendmail;
mod table_tool;
#[cfg(test)]
mod tests;

use crate::host::Programs;
use crate::host::program::{Entry, Filter};

/// Whether a command reads standard input with these arguments.
type Reads = fn(&[String]) -> bool;

/// Installs the commands.
pub fn install(programs: &mut Programs) {
    let dash: Reads = |args| args.iter().any(|arg| arg == "-");
    let never: Reads = |_| false;
    let filters: [(&'static str, Filter, Reads); 10] = [
        ("postconf", postconf::run, never),
        ("postmap", postmap::run, table_tool::reads_input),
        ("postalias", postalias::run, table_tool::reads_input),
        ("newaliases", newaliases::run, never),
        ("postmulti", postmulti::run, never),
        ("postcat", postcat::run, dash),
        ("postqueue", postqueue::run, never),
        ("mailq", postqueue::mailq, never),
        ("postsuper", postsuper::run, dash),
        ("qshape", qshape::run, never),
    ];
    for (name, run, reads) in filters {
        programs.install(name, Entry::Filter { run, reads });
    }
    super::smtpd::sasl::commands::install(programs);
    programs.install("postlog", Entry::Program(|| Box::new(postlog::Postlog::default())));
    programs.install("postlock", Entry::Program(|| Box::new(postlock::Postlock::default())));
    programs.install("postkick", Entry::Program(|| Box::new(postkick::Postkick)));
    programs.install("posttls-finger", Entry::Program(|| Box::new(posttls_finger::PosttlsFinger::default())));
    programs.install("postfix", Entry::Program(|| Box::new(postfix::PostfixCommand::default())));
    programs.install("sendmail", Entry::Program(|| Box::new(sendmail::Sendmail::default())));
}
