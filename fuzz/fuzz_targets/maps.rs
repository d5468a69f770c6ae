//! A key (first line) and a source (the rest) for every kind of table that is written by hand.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::host::vfs::Cred;
use mxlab::mta::postfix::maps::{MapFlags, Maps, MatchList, Subject, Table};

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let (key, source) = text.split_once('\n').unwrap_or((&text, ""));
    let mut host = mxlab_fuzz::host();
    host.vfs.write("/etc/map", source, 0o644, &Cred::ROOT).expect("/etc/map");
    for kind in ["texthash", "regexp", "pcre", "cidr"] {
        let table = Table::new(&format!("{kind}:/etc/map"), MapFlags::FOLDED);
        let _ = (table.problems(&host), table.entries(&host));
        for key in [key, "alice@example.com", "192.0.2.1", "2001:db8::1"] {
            let found = table.find(key, &host);
            assert_eq!(found, table.find(key, &host), "asked twice");
        }
        if let Ok(maps) = Maps::parse("virtual_alias_maps", &format!("{kind}:/etc/map"), MapFlags::FOLDED) {
            let _ = (maps.find(key, &host), maps.find_partial(key, &host));
        }
    }
    for inline in [format!("inline:{{{key}}}"), format!("unionmap:{{{key}}}"), format!("static:{key}")] {
        let _ = Table::new(&inline, MapFlags::EXACT).find("x", &host);
    }
    if let Ok(list) = MatchList::parse("mynetworks", key, true) {
        let _ = list.matches(Subject::Domain("mail.example.com"), &host);
    }
});
