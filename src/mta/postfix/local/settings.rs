//! What local(8) is told by main.cf, in typed form.

use smol_str::SmolStr;

use super::template::Template;
use crate::host::vfs::Cred;
use crate::sim::Duration;

/// What led to a target: decides whether mail to files and commands is allowed
/// (`allow_mail_to_commands`, `allow_mail_to_files`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expansion {
    /// The recipient itself.
    #[default]
    None,
    /// An alias.
    Alias,
    /// A `.forward` file.
    Forward,
    /// An `:include:` file.
    Include,
}

/// A set of [`Expansion`] kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansions {
    /// `alias`.
    pub alias: bool,
    /// `forward`.
    pub forward: bool,
    /// `include`.
    pub include: bool,
}

impl Expansions {
    /// Reads a list as in `allow_mail_to_files`; the error is the unknown word.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Result<Expansions, String> {
        let mut set = Expansions::default();
        for word in words {
            match word.as_ref() {
                "alias" => set.alias = true,
                "forward" => set.forward = true,
                "include" => set.include = true,
                other => return Err(other.to_owned()),
            }
        }
        Ok(set)
    }

    /// Whether a target found this way is allowed.
    pub fn allows(self, expansion: Expansion) -> bool {
        match expansion {
            Expansion::None => false,
            Expansion::Alias => self.alias,
            Expansion::Forward => self.forward,
            Expansion::Include => self.include,
        }
    }
}

/// Where `Delivered-To:` is put in front (`prepend_delivered_header`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveredHeader {
    /// Into what commands get.
    pub command: bool,
    /// Into files.
    pub file: bool,
    /// Into forwarded mail: without it forwarding loops are not noticed.
    pub forward: bool,
}

/// The characters of values that survive `$name` expansion (`forward_expansion_filter` and its
/// kin).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One bit for each character of ASCII.
    ascii: u128,
    others: SmolStr,
}

impl Filter {
    /// The character, or `_` in its place.
    pub fn apply(&self, c: char) -> char {
        if self.keeps(c) { c } else { '_' }
    }

    /// Whether nothing of a text would become `_`.
    pub fn keeps_all(&self, text: &str) -> bool {
        text.chars().all(|c| self.keeps(c))
    }

    fn keeps(&self, c: char) -> bool {
        if c.is_ascii() { self.ascii >> c as u32 & 1 == 1 } else { self.others.contains(c) }
    }

    /// Whether it has no characters at all.
    pub fn is_empty(&self) -> bool {
        self.ascii == 0 && self.others.is_empty()
    }
}

impl From<&str> for Filter {
    fn from(text: &str) -> Filter {
        let ascii = text.chars().filter(char::is_ascii).fold(0, |bits, c| bits | 1 << c as u32);
        Filter { ascii, others: text.chars().filter(|c| !c.is_ascii()).collect() }
    }
}

/// The parameters of local(8), see its manual page; fields are named after them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as in postconf(5)")]
pub struct Settings {
    pub myhostname: SmolStr,
    pub mail_name: SmolStr,
    pub queue_directory: SmolStr,
    pub config_directory: SmolStr,
    pub recipient_delimiter: SmolStr,
    pub(super) forward_path: Vec<Template>,
    pub forward_expansion_filter: Filter,
    pub allow_mail_to_commands: Expansions,
    pub allow_mail_to_files: Expansions,
    /// `default_privs`: its user and group.
    pub default_privs: Cred,
    pub luser_relay: SmolStr,
    /// `propagate_unmatched_extensions` names `alias`.
    pub propagate_alias: bool,
    /// `propagate_unmatched_extensions` names `forward`.
    pub propagate_forward: bool,
    pub owner_request_special: bool,
    pub expand_owner_alias: bool,
    pub reset_owner_alias: bool,
    pub frozen_delivered_to: bool,
    pub home_mailbox: SmolStr,
    pub mail_spool_directory: SmolStr,
    pub mailbox_command: SmolStr,
    pub mailbox_transport: SmolStr,
    pub fallback_transport: SmolStr,
    pub mailbox_size_limit: u64,
    pub enable_original_recipient: bool,
    pub strict_mailbox_ownership: bool,
    pub require_home_directory: bool,
    pub prepend_delivered_header: DeliveredHeader,
    pub command_time_limit: Duration,
    pub local_command_shell: SmolStr,
    pub command_execution_directory: SmolStr,
    pub command_expansion_filter: Filter,
    pub execution_directory_expansion_filter: Filter,
    pub duplicate_filter_limit: u64,
    /// `mailbox_delivery_lock` names `dotlock`.
    pub dot_lock: bool,
    pub deliver_lock_attempts: u64,
    pub deliver_lock_delay: Duration,
    pub stale_lock_time: Duration,
}

impl Default for Settings {
    /// The defaults of Postfix 3.7 on Debian for a host without a name.
    fn default() -> Settings {
        let filter = "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        Settings {
            myhostname: "localhost".into(),
            mail_name: "Postfix".into(),
            queue_directory: "/var/spool/postfix".into(),
            config_directory: "/etc/postfix".into(),
            recipient_delimiter: "".into(),
            forward_path: ["$home/.forward${recipient_delimiter}${extension}", "$home/.forward"]
                .map(Template::parse)
                .into(),
            forward_expansion_filter: filter.into(),
            allow_mail_to_commands: Expansions { alias: true, forward: true, include: false },
            allow_mail_to_files: Expansions { alias: true, forward: true, include: false },
            default_privs: Cred { uid: 65534, gid: 65534, groups: Vec::new() },
            luser_relay: "".into(),
            propagate_alias: false,
            propagate_forward: false,
            owner_request_special: true,
            expand_owner_alias: false,
            reset_owner_alias: false,
            frozen_delivered_to: true,
            home_mailbox: "".into(),
            mail_spool_directory: "/var/mail".into(),
            mailbox_command: "".into(),
            mailbox_transport: "".into(),
            fallback_transport: "".into(),
            mailbox_size_limit: 51_200_000,
            enable_original_recipient: true,
            strict_mailbox_ownership: true,
            require_home_directory: false,
            prepend_delivered_header: DeliveredHeader { command: true, file: true, forward: true },
            command_time_limit: Duration::from_secs(1000),
            local_command_shell: "".into(),
            command_execution_directory: "".into(),
            command_expansion_filter: filter.into(),
            execution_directory_expansion_filter: filter.into(),
            duplicate_filter_limit: 1000,
            dot_lock: true,
            deliver_lock_attempts: 20,
            deliver_lock_delay: Duration::from_secs(1),
            stale_lock_time: Duration::from_secs(500),
        }
    }
}
