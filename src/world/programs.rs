//! The commands that every host has.

use crate::host::Host;

/// Installs all commands that mxlab knows on a host.
pub fn install_programs(host: &mut Host) {
    // Each part installs its own commands here.
    crate::mta::postfix::commands::install(&mut host.programs);
}
