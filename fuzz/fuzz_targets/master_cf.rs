//! Text as master.cf: every service that was read can be found and asked for its parameters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::host::vfs::Cred;
use mxlab::mta::postfix::config::{Config, DIRECTORY, MasterCf};

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let mut notes = Vec::new();
    let Ok(master) = MasterCf::parse("/etc/postfix/master.cf", &text, &mut notes) else { return };
    for entry in &master.entries {
        assert!(master.find(&entry.name, entry.kind).is_some(), "a service that cannot be found");
    }
    let mut host = mxlab_fuzz::host();
    host.vfs.mkdir_all(DIRECTORY).expect("/etc/postfix");
    host.vfs.write("/etc/postfix/main.cf", "", 0o644, &Cred::ROOT).expect("main.cf");
    host.vfs.write("/etc/postfix/master.cf", text.as_str(), 0o644, &Cred::ROOT).expect("master.cf");
    let Ok(config) = Config::load(&host, DIRECTORY) else { return };
    for entry in config.master.entries.iter().take(50) {
        let params = config.service(entry);
        let _ = (params.get("smtpd_banner"), params.maps("virtual_alias_maps"), params.time("smtpd_timeout"));
        entry.overrides.iter().for_each(|(name, _)| drop(params.get(name)));
    }
});
