//! A session that is driven elsewhere: real sockets feed it, time follows the clock, and the window
//! looks on and acts like everybody else.

use crate::session::Session;

/// Something to be done in the session at the present moment.
pub type Deed = Box<dyn FnOnce(&mut Session) + Send>;

/// The one who drives the session, as the window sees it.
pub trait Shared {
    /// The session as it is now, if anything has happened since the last time.
    fn look(&mut self) -> Option<Session>;
    /// Does something in it.
    fn act(&self, deed: Deed);
    /// Where real programs find it, as a table of text.
    fn table(&self) -> &str;
    /// Whether whoever drives it wants the window to close.
    fn is_over(&self) -> bool {
        false
    }
    /// Ends it and gives the session back; nothing if it belongs to somebody else, who goes on.
    fn close(self: Box<Self>) -> Option<Session>;
}
