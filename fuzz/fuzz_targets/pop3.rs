//! Octets of a POP3 client: any split gives the same session.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mxlab::mailbox::memory::MemoryStore;
use mxlab::mailbox::pop3::{Output, Server, Tls};

fn session<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Output> {
    let mut store = MemoryStore::with("alice", "x", &["Subject: one\n\n.dot\n", "Subject: two\n\nlast line"]);
    let mut out = Vec::new();
    let mut server = Server::new(Tls::Unavailable, true, &mut out);
    pieces.for_each(|piece| server.handle(piece, &mut store, &mut out));
    out
}

fuzz_target!(|data: &[u8]| {
    let whole = session(std::iter::once(data));
    assert_eq!(whole, session(mxlab_fuzz::pieces(data)));
    // The same after a login.
    let login: &[u8] = b"USER alice\r\nPASS x\r\n";
    let whole = session([login, data].into_iter());
    assert_eq!(whole, session(std::iter::once(login).chain(mxlab_fuzz::pieces(data))));
});
