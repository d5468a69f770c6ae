//! Text as main.cf: it is read or refused with a reason, and every value can be asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::host::vfs::Cred;
use mxlab::mta::postfix::config::{Config, DIRECTORY, MainCf};

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let mut host = mxlab_fuzz::host();
    host.vfs.mkdir_all(DIRECTORY).expect("/etc/postfix");
    host.vfs.write("/etc/postfix/main.cf", text.as_str(), 0o644, &Cred::ROOT).expect("main.cf");
    let mut notes = Vec::new();
    let _ = MainCf::parse("/etc/postfix/main.cf", &text, &mut notes);
    let Ok(config) = Config::load_main(&host, DIRECTORY, &mut notes) else { return };
    let params = config.global();
    for name in config.main.names().take(100) {
        let _ = (params.get(name), params.list(name), params.source(name));
        let _ = (params.bool(name), params.int(name), params.time(name));
        let _ = (params.maps(name), params.match_list(name));
    }
    for name in ["myhostname", "mydomain", "myorigin", "mynetworks", "mydestination", "smtpd_banner"] {
        let _ = params.get(name);
    }
    let _ = (params.time("queue_run_delay"), params.int("message_size_limit"), params.bool("biff"));
});
