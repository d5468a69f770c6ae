//! Text as /etc/aliases of a running Postfix: mail to root and bob comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::host::vfs::Cred;
use mxlab::mail::address::{print_list, scan};
use mxlab::mta::postfix::maps::aliases::{parse_aliases, split_alias};

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    parse_aliases("/etc/aliases", "hash:/etc/aliases", &text, true);
    for line in text.lines() {
        if let Ok((_, value)) = split_alias(line) {
            let _ = print_list(&scan(&value), ' ');
        }
    }
    let (mut world, mx1) = mxlab_fuzz::site();
    let host = world.host_mut(mx1);
    host.vfs.write("/etc/aliases", text.as_str(), 0o644, &Cred::ROOT).expect("/etc/aliases");
    host.vfs.write("/home/bob/.forward", text.as_str(), 0o644, &Cred::ROOT).expect(".forward");
    host.vfs.chown("/home/bob/.forward", Some(1001), Some(1001), &Cred::ROOT).expect("a user");
    mxlab_fuzz::run(&mut world, mx1, "root", "newaliases", "");
    mxlab_fuzz::run(&mut world, mx1, "alice", "sendmail root bob", "Subject: x\n\ny\n");
    mxlab_fuzz::pass(&mut world, 60);
});
