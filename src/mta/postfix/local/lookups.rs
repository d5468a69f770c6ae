//! The questions that an expansion asks of the rest of Postfix.

use smol_str::SmolStr;

use crate::trace::Source;

/// Tables that local(8) looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `mailbox_transport_maps`.
    MailboxTransport,
    /// `mailbox_command_maps`.
    MailboxCommand,
    /// `fallback_transport_maps`.
    FallbackTransport,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// What it expands to.
    pub value: SmolStr,
    /// The table: `hash:/etc/aliases`.
    pub table: SmolStr,
    /// Where it stands, if known.
    pub source: Option<Source>,
    /// User id of the owner of the table's file: the rights for its files and commands.
    pub owner: u32,
}

/// A table that cannot be read now; its own warnings have been logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// The table.
    pub table: SmolStr,
    /// Lines for the log, without `warning: `.
    pub warnings: Vec<String>,
}

/// Where an address belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To this delivery agent; the address in full.
    Here(SmolStr),
    /// Elsewhere; the address in full.
    Elsewhere(SmolStr),
    /// The address has no valid form.
    BadSyntax(SmolStr),
    /// Tables for routing cannot be read now.
    Unavailable,
}

/// Answers from tables and address rewriting.
pub trait Lookups {
    /// Looks up a name in `alias_maps`.
    fn alias(&mut self, name: &str) -> Result<Option<Alias>, Unavailable>;
    /// Looks up a user in another table.
    fn find(&mut self, table: Table, user: &str) -> Result<Option<SmolStr>, Unavailable>;
    /// Brings an address (in external form) into canonical form and finds out where it belongs.
    fn route(&mut self, sender: &str, address: &str) -> Route;
    /// Brings an address into canonical form only (`canon_addr_internal(3)`).
    fn canonical(&mut self, address: &str) -> SmolStr;
}
