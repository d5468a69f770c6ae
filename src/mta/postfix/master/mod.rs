//! master(8): starts and stops the daemons, listens for them, and passes on what arrives.

use smol_str::SmolStr;

use crate::host::Host;
use crate::host::vfs::Cred;
use crate::sim::ProcId;

/// Where master(8) notes its process id, below the queue directory.
const PID_FILE: &str = "pid/master.pid";

/// The process of the running instance with this queue directory, if it runs.
pub fn running(host: &Host, queue_directory: &str) -> Option<ProcId> {
    let text = host.vfs.read_text(&format!("{queue_directory}/{PID_FILE}"), &Cred::ROOT).ok()?;
    let pid = ProcId(text.trim().parse().ok()?);
    let info = host.processes.get(&pid)?;
    info.command.contains("/master").then_some(pid)
}

/// Notes the process id of the running instance.
pub(super) fn write_pid(host: &mut Host, queue_directory: &str, pid: ProcId) {
    let path: SmolStr = format!("{queue_directory}/{PID_FILE}").into();
    let _ = host.vfs.mkdir_all(path.rsplit_once('/').map_or("/", |(directory, _)| directory));
    let _ = host.vfs.write(&path, format!("{:>10}\n", pid.0), 0o600, &Cred::ROOT);
}
