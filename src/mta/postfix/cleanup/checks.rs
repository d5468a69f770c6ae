//! Actions of header_checks(5) and body_checks(5) (`cleanup_act`).

use std::borrow::Cow;

use smol_str::SmolStr;

use super::conf::Table;
use super::message::Writer;
use super::state::{State, info_of, warn_of};
use super::status::Status;
use crate::mail::{dsn, header};

/// What becomes of a line.
pub enum Verdict {
    /// It stays.
    Keep,
    /// It is left out.
    Drop,
    /// This text takes its place.
    Replace(String),
}

/// Where a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a header.
    Header,
    /// In a body.
    Body,
}

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Place::Header => "header",
            Place::Body => "body",
        }
    }
}

impl State<'_, '_> {
    /// Looks a line up in a checks table and carries out the action.
    pub(super) fn check(&mut self, table: &Table, place: Place, line: &[u8], out: &mut Writer) -> Verdict {
        if !self.flags.filter || table.maps.is_empty() {
            return Verdict::Keep;
        }
        let line = String::from_utf8_lossy(line);
        match table.maps.find(&line, self.ctx.host) {
            Ok(Some(found)) => self.act(table, place, &line, &found.value, out),
            Ok(None) => Verdict::Keep,
            Err(error) => {
                for text in error.warnings {
                    self.log_line(format_args!("{text}"));
                }
                warn_of!(
                    self,
                    "{}: {} map lookup problem -- message not accepted, try again later",
                    self.id,
                    table.name
                );
                self.errs |= Status::WRITE;
                Verdict::Keep
            }
        }
    }

    fn act(&mut self, table: &Table, place: Place, line: &str, value: &str, out: &mut Writer) -> Verdict {
        let (command, text) = value.split_once([' ', '\t']).unwrap_or((value, ""));
        let (text, map) = (text.trim_start(), table.name);
        match command.to_ascii_uppercase().as_str() {
            "REJECT" => {
                let (_, code, default) = Status::CONT.detail();
                let (code, text) = if text.is_empty() { (code, default) } else { dsn::split(code, text) };
                let code = if code.starts_with(['4', '5']) { code.to_owned() } else { dsn::with_class('4', code) };
                let reason = format!("{code} {text}");
                self.errs |= if code.starts_with('4') { Status::DEFER } else { Status::CONT };
                self.flags.filter = false;
                self.log_action("reject", place, line, &reason);
                self.reason = Some(reason);
            }
            "WARN" => self.log_action("warning", place, line, text),
            "INFO" => self.log_action("info", place, line, text),
            "PASS" => {
                self.log_action("pass", place, line, text);
                self.flags.filter = false;
            }
            "FILTER" if text.is_empty() => warn_of!(self, "missing FILTER command argument in {map} map"),
            "FILTER" if !text.contains(':') => {
                warn_of!(self, "bad FILTER command {text} in {map} -- need transport:destination");
            }
            "FILTER" => {
                self.attributes.filter = text.into();
                self.log_action("filter", place, line, text);
            }
            "DISCARD" => {
                self.log_action("discard", place, line, text);
                self.flags.discard = true;
                self.flags.filter = false;
            }
            "HOLD" => {
                if !self.flags.hold && !self.flags.discard {
                    self.log_action("hold", place, line, text);
                    self.flags.hold = true;
                }
            }
            "PREPEND" if text.is_empty() => warn_of!(self, "PREPEND action without text in {map} map"),
            "PREPEND" if place == Place::Header && header::name_len(text.as_bytes()).is_none() => {
                warn_of!(self, "bad PREPEND header text \"{text}\" in {map} map -- need \"headername: headervalue\"");
            }
            "PREPEND" => {
                self.log_action("prepend", place, line, text);
                out.line(text.as_bytes());
            }
            "REPLACE" if text.is_empty() => warn_of!(self, "REPLACE action without text in {map} map"),
            "REPLACE" if place == Place::Header && header::name_len(text.as_bytes()).is_none() => {
                warn_of!(self, "bad REPLACE header text \"{text}\" in {map} map -- need \"headername: headervalue\"");
            }
            "REPLACE" => {
                self.log_action("replace", place, line, text);
                return Verdict::Replace(text.to_owned());
            }
            "REDIRECT" if !text.contains('@') => {
                warn_of!(self, "bad REDIRECT target \"{text}\" in {map} map -- need user@domain");
            }
            "REDIRECT" => {
                self.attributes.redirect = SmolStr::from(text);
                self.log_action("redirect", place, line, text);
                self.flags.filter = false;
            }
            "BCC" if !text.contains('@') => {
                warn_of!(self, "bad BCC address \"{text}\" in {map} map -- need user@domain");
            }
            "BCC" => {
                if !self.extra_bcc.iter().any(|known| known == text) {
                    self.extra_bcc.push(text.into());
                }
                self.log_action("bcc", place, line, text);
            }
            "STRIP" => {
                self.log_action("strip", place, line, text);
                return Verdict::Drop;
            }
            "IGNORE" => return Verdict::Drop,
            "DUNNO" | "OK" => {}
            _ => warn_of!(self, "unknown command in {map} map: {value}"),
        }
        Verdict::Keep
    }

    fn log_action(&mut self, action: &str, place: Place, line: &str, text: &str) {
        let attributes = &self.attributes;
        let origin: Cow<'_, str> = match attributes.client_name.as_str() {
            "" | "localhost" if attributes.uid.is_some() || attributes.client_address.is_empty() => {
                Cow::Borrowed("local")
            }
            "unknown" if attributes.client_address == "unknown" => Cow::Borrowed("unknown"),
            name => Cow::Owned(format!("{name}[{}]", attributes.client_address)),
        };
        let mut rest = format!("from=<{}>", self.sender);
        let mut add = |name: &str, value: &str| {
            rest.push_str(&format!(" {name}={value}"));
        };
        if let Some(recipient) = &self.last_recipient {
            add("to", &format!("<{recipient}>"));
        }
        if !attributes.protocol_name.is_empty() {
            add("proto", &attributes.protocol_name);
        }
        if !attributes.helo_name.is_empty() {
            add("helo", &format!("<{}>", attributes.helo_name));
        }
        let text = if text.is_empty() { String::new() } else { format!(": {text}") };
        let line: String = line.chars().take(200).map(|ch| if ch.is_control() { '?' } else { ch }).collect();
        info_of!(self, "{}: {action}: {} {line} from {origin}; {rest}{text}", self.id, place.as_str());
    }
}
