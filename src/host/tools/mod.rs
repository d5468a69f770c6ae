//! Text and system tools with the output of the real ones (coreutils, grep, sed, awk, findutils).

mod accounts;
mod amount;
mod args;
mod asking;
mod attributes;
mod awk;
mod bind;
mod column;
mod copying;
mod date;
mod dd;
mod diff;
mod editor;
mod files;
mod find;
mod follow;
mod grep;
mod identity;
mod iptables;
mod journal;
mod jq;
mod less;
mod ls;
pub mod maileater;
mod man;
mod net;
mod nft;
mod openssl;
mod operands;
mod packages;
mod password_prompt;
mod posix_regex;
mod privileges;
mod processes;
mod run;
mod sed;
mod sockets;
mod sort;
mod space;
mod ssh;
mod stream;
mod system;
mod systemctl;
mod text;
mod ufw;
mod watch;

pub use diff::{Hunk, hunks};
pub use editor::NO_TERMINAL;
pub use posix_regex::Syntax;

use self::operands::Operands;
use super::program::{Entry, Env, Filter, Program, Programs};
use super::vfs::{Errno, Node, Special};

type Reads = fn(&[String]) -> bool;

/// Installs all tools.
pub fn install(programs: &mut Programs) {
    for (name, run, reads) in FILTERS {
        programs.install(name, Entry::Filter { run: *run, reads: *reads });
    }
    for (name, make) in PROGRAMS {
        programs.install(name, Entry::Program(*make));
    }
}

fn never(_: &[String]) -> bool {
    false
}

/// Tools that read standard input when no operand names a file, or one is `-`.
fn without_files(args: &[String]) -> bool {
    Operands::PLAIN.read_stdin(args)
}

/// As [`without_files`], for a tool that reads standard input in place of a second file.
fn without_two(args: &[String]) -> bool {
    args.iter().skip(1).filter(|arg| !arg.starts_with('-')).count() < 2
}

/// The operands of `grep`.
const PATTERN: Operands = Operands { valued: "efmABCd", attached: "", before: 1, instead: "ef" };
/// The operands of `sed`.
const SCRIPT: Operands = Operands { valued: "efl", attached: "i", before: 1, instead: "ef" };

fn always(_: &[String]) -> bool {
    true
}

const FILTERS: &[(&str, Filter, Reads)] = &[
    ("[", system::bracket, never),
    ("base64", text::base64, |args| Operands::valued("w").read_stdin(args)),
    ("basename", text::basename, never),
    ("addgroup", accounts::groupadd, never),
    ("chpasswd", accounts::chpasswd, always),
    ("delgroup", accounts::groupdel, never),
    ("deluser", accounts::deluser, never),
    ("groupadd", accounts::groupadd, never),
    ("groupdel", accounts::groupdel, never),
    ("chgrp", attributes::chgrp, never),
    ("chmod", attributes::chmod, never),
    ("chown", attributes::chown, never),
    ("clear", system::clear, never),
    ("column", column::column, |args| Operands::valued("scoNR").read_stdin(args)),
    ("comm", text::comm, |args| Operands { before: 1, ..Operands::PLAIN }.read_stdin(args)),
    ("cut", text::cut, |args| Operands::valued("dfcbo").read_stdin(args)),
    ("date", date::date, never),
    ("cmp", diff::cmp, without_two),
    ("diff", diff::diff, without_files),
    ("dirname", text::dirname, never),
    ("du", space::du, never),
    ("df", space::df, never),
    ("echo", system::echo, never),
    ("apt-cache", packages::apt_cache, never),
    ("aptitude", packages::aptitude, never),
    ("alternatives", packages::update_alternatives, never),
    ("debconf-set-selections", packages::debconf_set_selections, without_files),
    ("debconf-show", packages::debconf_show, never),
    ("dpkg", packages::dpkg, never),
    ("dpkg-query", packages::dpkg_query, never),
    ("egrep", grep::egrep, |args| PATTERN.read_stdin(args)),
    ("expr", system::expr, never),
    ("false", system::r#false, never),
    ("fgrep", grep::fgrep, |args| PATTERN.read_stdin(args)),
    ("file", files::file, never),
    ("fold", text::fold, |args| Operands::valued("w").read_stdin(args)),
    ("getent", accounts::getent, never),
    ("groups", identity::groups, never),
    ("hostname", identity::hostname, never),
    ("hostnamectl", journal::hostnamectl, never),
    ("id", identity::id, never),
    ("ip", net::ip, never),
    ("install", copying::install, never),
    ("ip6tables", iptables::iptables, never),
    ("ip6tables-save", iptables::save, never),
    ("iptables", iptables::iptables, never),
    ("iptables-save", iptables::save, never),
    ("jq", jq::jq, jq::reads),
    ("ln", copying::ln, never),
    ("logger", journal::logger, journal::logger_reads),
    ("logname", identity::whoami, never),
    ("ls", ls::ls, never),
    ("md5sum", text::md5sum, |args| Operands::PLAIN.read_stdin(args)),
    ("mkdir", files::mkdir, never),
    ("mkfifo", files::mkfifo, never),
    ("mktemp", files::mktemp, never),
    ("named-checkconf", bind::checkconf, never),
    ("named-checkzone", bind::checkzone, never),
    ("netstat", sockets::netstat, never),
    ("nft", nft::nft, nft::reads),
    ("nproc", identity::nproc, never),
    ("nl", text::nl, |args| Operands::valued("bdfhilnsvw").read_stdin(args)),
    ("od", text::od, |args| Operands::valued("AtNjw").read_stdin(args)),
    ("paste", text::paste, |args| Operands::valued("d").read_stdin(args)),
    ("pgrep", processes::pgrep, never),
    ("pidof", processes::pidof, never),
    ("pkill", processes::pkill, never),
    ("ps", processes::ps, never),
    ("printenv", system::printenv, never),
    ("printf", system::printf, never),
    ("pwd", system::pwd, never),
    ("readlink", files::readlink, never),
    ("realpath", files::realpath, never),
    ("rev", text::rev, |args| Operands::PLAIN.read_stdin(args)),
    ("rndc", bind::rndc, never),
    ("rpm", packages::rpm, never),
    ("rmdir", files::rmdir, never),
    ("sed", sed::sed, |args| SCRIPT.read_stdin(args)),
    ("seq", system::seq, never),
    ("sha256sum", text::sha256sum, |args| Operands::PLAIN.read_stdin(args)),
    ("ss", sockets::ss, never),
    ("sort", sort::sort, |args| Operands::valued("ktoST").read_stdin(args)),
    ("stat", attributes::stat, never),
    ("sync", system::r#true, never),
    ("tac", text::tac, |args| Operands::PLAIN.read_stdin(args)),
    ("test", system::test, never),
    ("touch", attributes::touch, never),
    ("tr", text::tr, always),
    ("true", system::r#true, never),
    ("fallocate", files::fallocate, never),
    ("truncate", files::truncate, never),
    ("tty", identity::tty, never),
    ("ufw", ufw::ufw, never),
    ("uname", identity::uname, never),
    ("uniq", sort::uniq, |args| Operands::valued("fsw").read_stdin(args)),
    ("uptime", system::uptime, never),
    ("update-alternatives", packages::update_alternatives, never),
    ("useradd", accounts::useradd, never),
    ("userdel", accounts::userdel, never),
    ("usermod", accounts::usermod, never),
    ("wc", text::wc, without_files),
    ("users", identity::who, never),
    ("w", identity::w, never),
    ("who", identity::who, never),
    ("which", system::which, never),
    ("whoami", identity::whoami, never),
];

type Make = fn() -> Box<dyn Program>;

const PROGRAMS: &[(&str, Make)] = &[
    ("adduser", accounts::AddUser::make),
    ("apt", packages::Apt::make),
    ("apt-get", packages::Apt::make),
    ("awk", awk::Awk::make),
    ("cat", stream::Cat::make),
    ("cp", asking::Asking::cp),
    ("dd", dd::Dd::make),
    ("dnf", packages::Apt::make),
    ("dpkg-reconfigure", packages::Apt::make),
    ("yum", packages::Apt::make),
    ("dig", net::Dig::make),
    ("editor", editor::Editor::make),
    ("env", run::Wrapper::make),
    ("find", find::Find::make),
    ("gawk", awk::Awk::make),
    ("grep", grep::Grep::make),
    ("mawk", awk::Awk::make),
    ("host", net::HostTool::make),
    ("head", stream::Head::make),
    ("apropos", man::Man::make),
    ("journalctl", journal::Journalctl::make),
    ("less", less::Less::make),
    ("man", man::Man::make),
    ("more", less::Less::make),
    ("mv", asking::Asking::mv),
    ("nano", editor::Editor::make),
    ("nc", net::Telnet::make),
    ("netcat", net::Telnet::make),
    ("nice", run::Wrapper::make),
    ("nohup", run::Wrapper::make),
    ("nslookup", net::Nslookup::make),
    ("openssl", openssl::Openssl::make),
    ("passwd", accounts::Passwd::make),
    ("ping", net::Ping::make),
    ("ping6", net::Ping::make),
    ("rm", asking::Asking::rm),
    ("sleep", run::Sleep::make),
    ("ssh", ssh::Ssh::make),
    ("su", privileges::Su::make),
    ("sudo", privileges::Sudo::make),
    ("sudoedit", privileges::Sudo::make),
    ("service", systemctl::Systemctl::make),
    ("systemctl", systemctl::Systemctl::make),
    ("tail", follow::Tail::make),
    ("tee", stream::Tee::make),
    ("telnet", net::Telnet::make),
    ("timeout", run::Timeout::make),
    ("vi", editor::Editor::make),
    ("vim", editor::Editor::make),
    ("watch", watch::Watch::make),
    ("whatis", man::Man::make),
    ("xargs", run::Xargs::make),
    ("yes", stream::Yes::make),
];

/// Reads an operand: a file, or standard input for `-`. Errors are reported as `tool: name: why`.
fn input(env: &mut Env<'_, '_>, stdin: &[u8], tool: &str, name: &str) -> Option<Vec<u8>> {
    if name == "-" || name == "/dev/stdin" {
        return Some(stdin.to_vec());
    }
    let path = env.path(name);
    match read_file(env, &path) {
        Ok(content) => Some(content),
        Err(error) => {
            env.errln(format!("{tool}: {name}: {error}"));
            None
        }
    }
}

/// A file's octets; pipes and sockets are empty. Of a device without end a tool that wants all gets
/// the first mebibyte.
fn read_file(env: &mut Env<'_, '_>, path: &str) -> Result<Vec<u8>, Errno> {
    read_device(env, path, 1 << 20)
}

/// At most so many octets of a file, from its beginning.
fn read_at_most(env: &mut Env<'_, '_>, path: &str, most: usize) -> Result<Vec<u8>, Errno> {
    let mut octets = read_device(env, path, most)?;
    octets.truncate(most);
    Ok(octets)
}

/// A file's octets, but only so many of a device.
fn read_device(env: &mut Env<'_, '_>, path: &str, most: usize) -> Result<Vec<u8>, Errno> {
    let vfs = &mut env.ctx.host.vfs;
    let special = match vfs.read(path, env.cred) {
        Ok(content) => return Ok(content.to_vec()),
        Err(error) => match vfs.stat(path, env.cred).map(|inode| &inode.node) {
            Ok(Node::Special(special)) if error == Errno::NxIo => *special,
            _ => return Err(error),
        },
    };
    Ok(match special {
        Special::Device(device) => device.octets(vfs.random_seed(), 0, most),
        Special::Fifo | Special::Socket => Vec::new(),
    })
}

/// The lines of octets as text, without line ends.
fn lines(octets: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(octets);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if octets.is_empty() { Vec::new() } else { text.split('\n').map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests;
