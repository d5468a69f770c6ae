//! The commands that every host has.

use crate::host::Host;
use crate::host::program::Entry;
use crate::mta::postfix::commands;
use crate::mua::fetchmail::Fetchmail;
use crate::mua::mailx::Mailx;

/// Installs all commands that mxlab knows on a host.
pub fn install_programs(host: &mut Host) {
    crate::host::tools::install(&mut host.programs);
    commands::install(&mut host.programs);
    crate::mta::postfix::smtpd::sasl::commands::install(&mut host.programs);
    for name in ["mail", "mailx", "Mail"] {
        host.programs.install(name, Entry::Program(|| Box::new(Mailx::default())));
    }
    super::services::register(host);
    host.programs.install("fetchmail", Entry::Program(Fetchmail::program));
}
