//! Octets of an IMAP client: any split gives the same session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::mailbox::imap::{Output, Server};
use mxlab::mailbox::memory::MemoryStore;
use mxlab::mailbox::pop3::Tls;

const MULTIPART: &str = "Subject: two\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\n";

fn session<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Output> {
    let mut store = MemoryStore::with("alice", "x", &["From: a@b\nSubject: one\n\nbody\n", MULTIPART]);
    let mut out = Vec::new();
    let mut server = Server::new(Tls::Unavailable, true, &mut out);
    pieces.for_each(|piece| server.handle(piece, &mut store, &mut out));
    out
}

fuzz_target!(|data: &[u8]| {
    let whole = session(std::iter::once(data));
    assert_eq!(whole, session(mxlab_fuzz::pieces(data)));
    // The same with a selected mailbox.
    let login: &[u8] = b"a LOGIN alice x\r\nb SELECT INBOX\r\n";
    let whole = session([login, data].into_iter());
    assert_eq!(whole, session(std::iter::once(login).chain(mxlab_fuzz::pieces(data))));
});
