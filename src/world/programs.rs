//! The commands that every host has.

use crate::host::Host;
use crate::mta::postfix::commands;

/// Installs all commands that mxlab knows on a host.
pub fn install_programs(host: &mut Host) {
    commands::install(&mut host.programs);
}
