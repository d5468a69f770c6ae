//! The commands that every host has.

use std::sync::LazyLock;

use crate::host::dnsbl::{Delist, Trap};
use crate::host::program::Entry;
use crate::host::{Host, Programs};
use crate::mta::postfix::commands;
use crate::mua::curl::Curl;
use crate::mua::fetchmail::Fetchmail;
use crate::mua::mailx::Mailx;
use crate::mua::relaytest::RelayTest;
use crate::mua::swaks::Swaks;

/// The commands; hosts that have no others share the table.
static COMMANDS: LazyLock<Programs> = LazyLock::new(|| {
    let mut all = Programs::default();
    crate::host::tools::install(&mut all);
    commands::install(&mut all);
    crate::mailbox::admin::install(&mut all);
    crate::mta::postfix::smtpd::sasl::commands::install(&mut all);
    for name in ["mail", "mailx", "Mail"] {
        all.install(name, Entry::Program(|| Box::new(Mailx::default())));
    }
    all.install("curl", Entry::Program(Curl::program));
    all.install("delist", Entry::Program(Delist::program));
    all.install("dnsbl-trap", Entry::Program(Trap::program));
    all.install("fetchmail", Entry::Program(Fetchmail::program));
    all.install("relaytest", Entry::Program(RelayTest::program));
    all.install("swaks", Entry::Program(Swaks::program));
    all
});

/// Installs all commands that mxlab knows on a host.
pub fn install_programs(host: &mut Host) {
    host.programs.install_all(&COMMANDS);
    super::services::register(host);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::layout::{HostSpec, build};
    use crate::host::man;
    use crate::mta::postfix::config::defaults;
    use crate::sim::{HostId, Time};

    #[test]
    fn every_command_has_a_page_in_the_manual() {
        let mut host = build(&HostSpec::new(HostId(0), "mx1", "mx1.example.com", Time::default())).unwrap();
        install_programs(&mut host);
        let without: Vec<&str> = host.programs.names().filter(|name| man::find(name, None).next().is_none()).collect();
        assert_eq!(without, Vec::<&str>::new());
    }

    #[test]
    fn pages_of_parameters_are_about_real_ones() {
        let parameters = man::pages().filter(|page| page.synopsis.is_empty());
        let unknown: Vec<&str> = parameters.map(|page| page.name).filter(|name| !defaults::is_known(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new());
        assert!(man::pages().filter(|page| page.synopsis.is_empty()).count() > 150);
    }
}
