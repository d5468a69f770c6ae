//! Octets as a message given to `sendmail -t`, through cleanup and the queue to mailbox or bounce.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    let (mut world, mx1) = mxlab_fuzz::site();
    mxlab_fuzz::run(&mut world, mx1, "alice", "sendmail -t", &text);
    mxlab_fuzz::pass(&mut world, 120);
});
