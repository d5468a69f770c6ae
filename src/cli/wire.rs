//! A session behind real sockets, as the window sees it.

use crate::gui::shared::{Deed, Shared};
use crate::live::command::{Command, Handle};
use crate::live::plan::Choice;
use crate::live::{Gateway, Options, Stopper, table};
use crate::session::Session;

/// The window's end of a gateway.
pub struct Wire {
    driver: Handle,
    seen: Option<u64>,
    table: String,
    stopper: Stopper,
    /// The gateway, if the window opened it: it ends with this value.
    gateway: Option<Gateway>,
}

impl Wire {
    /// Attaches to a gateway that somebody else owns.
    pub fn of(gateway: &Gateway, domain: &str) -> Wire {
        let mut table = table::text(gateway.bounds(), domain);
        gateway.notes().iter().for_each(|note| table.push_str(&format!("{note}\n")));
        Wire { driver: gateway.driver(), seen: None, table, stopper: gateway.stopper(), gateway: None }
    }

    /// Opens sockets for a session.
    ///
    /// # Errors
    /// They cannot be opened; in words for people.
    pub fn open(session: Session) -> Result<Wire, String> {
        let domain = super::serve::first_domain(session.scenario());
        let seats = session.lab().map(|lab| lab.lab.permits.hosts.keys().cloned().collect());
        let choice = Choice { seats, ..Choice::default() };
        let options = Options { choice, authority: super::serve::state_directory(), ..Options::default() };
        let gateway = Gateway::start(session, options).map_err(|error| error.to_string())?;
        let mut wire = Wire::of(&gateway, &domain);
        wire.gateway = Some(gateway);
        Ok(wire)
    }
}

impl Shared for Wire {
    fn look(&mut self) -> Option<Session> {
        let moved = self.driver.moved();
        if self.seen == Some(moved) {
            return None;
        }
        self.seen = Some(moved);
        self.driver.act(|session| session.clone())
    }

    fn act(&self, deed: Deed) {
        self.driver.send(Command::Act(deed));
    }

    fn table(&self) -> &str {
        &self.table
    }

    fn is_over(&self) -> bool {
        self.stopper.is_over()
    }

    fn close(mut self: Box<Self>) -> Option<Session> {
        self.gateway.take()?.stop()
    }
}
