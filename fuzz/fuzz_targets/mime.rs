//! Octets as a message: headers, addresses and MIME as cleanup and the IMAP server read them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::mail::address::{self, parse_list, print_list, scan};
use mxlab::mail::header::{Field, Fields, split};
use mxlab::mail::mime::{Class, Visitor, has_8bit, parameter, walk};
use mxlab::mailbox::imap::structure;
use mxlab::mailbox::mbox;

/// Counts octets, to see that nothing appears twice.
struct Counter {
    octets: usize,
}

impl Visitor for Counter {
    fn field(&mut self, _: Class, field: Field<'_>) {
        self.octets += field.raw.len();
    }
    fn end_of_header(&mut self, _: Class, _: bool) {}
    fn line(&mut self, line: &[u8]) {
        self.octets += line.len();
    }
}

fuzz_target!(|data: &[u8]| {
    let mut counter = Counter { octets: 0 };
    walk(data, &mut counter);
    assert!(counter.octets <= data.len(), "octets that were not there");
    let (end, _, body) = split(data);
    assert!(end <= body && body <= data.len());
    for field in Fields::new(data) {
        let text = field.unfolded();
        let _ = (parameter(&text, "boundary"), has_8bit(field.value));
        let tokens = scan(&text);
        let _ = (print_list(&tokens, '\n'), address::externalize(&tokens));
        let _ = parse_list(&print_list(&parse_list(&text), ' '));
        let plain = address::internalize(&tokens);
        assert_eq!(address::unquote(&address::quote(&plain)), plain, "quoting is undone");
    }
    let part = structure::split(data);
    let _ = (structure::envelope(part.header), structure::body_structure(part, true, 0));
    let _ = structure::find(part, &[1, 2, 1]);
    let file = bytes::Bytes::copy_from_slice(data);
    let entries = mbox::parse(&file);
    let rendered = bytes::Bytes::from(mbox::render(&entries));
    assert_eq!(mbox::parse(&rendered).len(), entries.len(), "messages survive rewriting the mailbox");
});
