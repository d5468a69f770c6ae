//! What is known about a delivery at each point of its expansion, and `$name` expansion from it
//! (`local_expand(3)`).

use smol_str::{SmolStr, StrExt as _};

use super::settings::{Expansion, Filter};
use crate::host::accounts::User;
use crate::host::vfs::Cred;
use crate::trace::{Decision, Source};

/// With whose rights files are read and written and commands are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// User id; 0 means that nobody was chosen yet (`default_privs` applies).
    pub uid: u32,
    /// Group id, likewise.
    pub gid: u32,
    /// Home directory.
    pub home: Option<SmolStr>,
    /// Login shell.
    pub shell: Option<SmolStr>,
}

impl Rights {
    /// Those of a user.
    pub fn of(user: &User) -> Rights {
        Rights { uid: user.uid, gid: user.gid, home: Some(user.home.clone()), shell: Some(user.shell.clone()) }
    }

    /// For file access: the super-user if nobody was chosen.
    pub fn cred(&self) -> Cred {
        Cred { uid: self.uid, gid: self.gid, groups: Vec::new() }
    }

    /// For delivery: `default` if nobody was chosen.
    pub fn or(&self, default: &Cred) -> Cred {
        let uid = if self.uid == 0 { default.uid } else { self.uid };
        let gid = if self.gid == 0 { default.gid } else { self.gid };
        Cred { uid, gid, groups: Vec::new() }
    }
}

/// The state of one branch of the expansion; branches have copies.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Depth of the expansion.
    pub level: u32,
    /// Envelope sender; replaced by an `owner-` alias.
    pub sender: SmolStr,
    /// Who forwards: an `owner-` alias, the owner of a `.forward` file.
    pub owner: Option<SmolStr>,
    /// The address that is being delivered to.
    pub address: SmolStr,
    /// For `Delivered-To:`.
    pub delivered: SmolStr,
    /// The local part, lower case.
    pub local: SmolStr,
    /// The local part without extension.
    pub user: SmolStr,
    /// The domain.
    pub domain: SmolStr,
    /// The extension.
    pub extension: Option<SmolStr>,
    /// An extension that was not matched and is handed on to what the name expands to.
    pub unmatched: Option<SmolStr>,
    /// The name whose expansion led here.
    pub expanded_from: Option<SmolStr>,
    /// What kind of expansion led here.
    pub expansion: Expansion,
    /// Delivery rights.
    pub rights: Rights,
    /// How it came here; only in a full trace.
    pub why: Option<Decision>,
}

impl Attributes {
    /// Takes an address apart.
    pub fn set_address(&mut self, address: SmolStr, delimiters: &str) {
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        self.local = local.to_lowercase_smolstr();
        self.domain = domain.into();
        let (user, extension) = split_extension(&self.local, delimiters);
        self.extension = extension.map(SmolStr::from);
        self.user = if extension.is_some() { user.into() } else { self.local.clone() };
        self.address = address;
    }

    /// The character that separates user and extension.
    pub fn delimiter(&self) -> Option<char> {
        self.extension.as_ref().and_then(|_| self.local[self.user.len()..].chars().next())
    }

    /// Notes a step of the decision; `step` gives rule, input, whether it matched, and outcome.
    pub fn note<R: Into<SmolStr>, I: Into<SmolStr>, O: Into<SmolStr>>(
        &mut self,
        source: Option<Source>,
        step: impl FnOnce() -> (R, I, bool, O),
    ) {
        if let Some(why) = &mut self.why {
            let (rule, input, matched, outcome) = step();
            why.step(rule, input, matched, outcome);
            why.at(source);
        }
    }

    fn value(&self, name: &str) -> Option<SmolStr> {
        match name {
            "user" => Some(self.user.clone()),
            "home" => self.rights.home.clone(),
            "shell" => self.rights.shell.clone(),
            "domain" => Some(self.domain.clone()).filter(|domain| !domain.is_empty()),
            "local" => Some(self.local.clone()),
            "mailbox" => Some(self.local.clone()),
            "recipient" => Some(self.address.clone()),
            "extension" => self.extension.clone(),
            "recipient_delimiter" => self.delimiter().map(|c| SmolStr::from(c.encode_utf8(&mut [0; 4]) as &str)),
            _ => None,
        }
    }
}

/// Splits a local part at the first of the delimiter characters, unless it stands at the very
/// beginning or the name is one that is never split (`split_addr(3)`).
pub fn split_extension<'a>(local: &'a str, delimiters: &str) -> (&'a str, Option<&'a str>) {
    const RESERVED: [&str; 3] = ["mailer-daemon", "postmaster", "double-bounce"];
    if delimiters.is_empty() || RESERVED.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        return (local, None);
    }
    let owner_names = local.len() > 6 && local.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("owner-"))
        || local.len() > 8 && local.get(local.len() - 8..).is_some_and(|end| end.eq_ignore_ascii_case("-request"));
    if delimiters.contains('-') && owner_names {
        return (local, None);
    }
    match local.char_indices().find(|(at, c)| *at > 0 && delimiters.contains(*c)) {
        Some((at, c)) => (&local[..at], Some(&local[at + c.len_utf8()..])),
        None => (local, None),
    }
}

/// The outcome of expanding `$name` in a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub text: String,
    /// Whether a name without a value was asked for.
    pub undefined: bool,
    /// Whether `$extension` was used and has a value.
    pub extension: bool,
    /// Whether the syntax was wrong.
    pub malformed: bool,
}

/// Expands `$name`, `${name}`, `${name?text}` and `${name:text}`. Characters of values that are
/// not in `filter` become `_`; an empty filter lets all through.
pub fn expand(template: &str, attributes: &Attributes, filter: &Filter) -> Expanded {
    let mut expanded = Expanded::default();
    expand_into(&mut expanded, template, attributes, filter);
    expanded
}

fn expand_into(out: &mut Expanded, template: &str, attributes: &Attributes, filter: &Filter) {
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'$', rest.as_bytes()) {
        out.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.text.push('$');
            rest = after;
            continue;
        }
        let (inner, after) = match rest.strip_prefix(['{', '(']) {
            Some(inner) => match closing(inner) {
                Some(end) => (&inner[..end], &inner[end + 1..]),
                None => {
                    out.malformed = true;
                    return;
                }
            },
            None => rest.split_at(name_len(rest)),
        };
        rest = after;
        let (name, conditional) = inner.split_at(name_len(inner));
        if name.is_empty() {
            out.malformed = true;
            return;
        }
        let value = attributes.value(name);
        out.extension |= name == "extension" && value.is_some();
        match (conditional.chars().next(), value) {
            (None, Some(value)) if filter.is_empty() || filter.keeps_all(&value) => out.text.push_str(&value),
            (None, Some(value)) => out.text.extend(value.chars().map(|c| filter.apply(c))),
            (None, None) => out.undefined = true,
            (Some('?'), Some(_)) | (Some(':'), None) => expand_into(out, &conditional[1..], attributes, filter),
            (Some('?' | ':'), _) => {}
            _ => out.malformed = true,
        }
    }
    out.text.push_str(rest);
}

fn name_len(text: &str) -> usize {
    text.bytes().position(|octet| !octet.is_ascii_alphanumeric() && octet != b'_').unwrap_or(text.len())
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' if depth == 0 => return Some(at),
            '}' | ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice(address: &str) -> Attributes {
        let mut attributes = Attributes {
            rights: Rights { home: Some("/home/a b".into()), ..Rights::default() },
            ..Attributes::default()
        };
        attributes.set_address(address.into(), "+-");
        attributes
    }

    #[test]
    fn the_first_delimiter_splits_and_special_names_stay_whole() {
        let cases = [
            ("alice+a-b", "alice", Some("a-b")),
            ("+alice", "+alice", None),
            ("owner-list", "owner-list", None),
            ("list-request", "list-request", None),
            ("MAILER-DAEMON", "MAILER-DAEMON", None),
        ];
        for (local, user, extension) in cases {
            assert_eq!(split_extension(local, "+-"), (user, extension));
        }
    }

    #[test]
    fn templates_take_values_conditions_and_the_filter() {
        let with = alice("Alice-x@example.com");
        let without = alice("alice@example.com");
        let path = "$home/.forward${recipient_delimiter}${extension}";
        assert_eq!(expand(path, &with, &Filter::default()).text, "/home/a b/.forward-x");
        assert!(expand(path, &with, &Filter::default()).extension);
        assert!(expand(path, &without, &Filter::default()).undefined);
        assert_eq!(expand("$home", &with, &"/home".into()).text, "/home/___");
        assert_eq!(
            expand("$user@example.net${extension?+$extension}${extension:none}", &without, &Filter::default()).text,
            "alice@example.netnone"
        );
        assert!(expand("${user", &with, &Filter::default()).malformed);
    }
}
