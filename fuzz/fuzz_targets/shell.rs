//! Text as a command line on a host: it is parsed, and running it comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::host::shell::parser::Parser;

fuzz_target!(|data: &[u8]| {
    let text = mxlab_fuzz::text(data);
    for bash in [false, true] {
        let mut parser = Parser::new(text.chars().collect(), bash);
        while let Ok(Some(_)) = parser.next_line() {}
    }
    let (mut world, mx1) = mxlab_fuzz::lone_world();
    mxlab_fuzz::run(&mut world, mx1, "alice", &text, "one\ntwo\nthree\n");
});
