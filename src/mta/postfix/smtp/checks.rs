//! `smtp_header_checks` and its kin: content that changes on its way out (`header_body_checks(3)`
//! of Postfix).

use bytes::Bytes;

use super::conf::SmtpConf;
use crate::host::Host;
use crate::mail::header::{Field, Name, name_len};
use crate::mail::mime::{self, Class, Visitor};
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::{LookupError, Maps};
use crate::mta::postfix::queue_file::Message;

/// A table, and the parameter that names it.
#[derive(Clone, Debug)]
struct Table {
    parameter: String,
    maps: Maps,
}

/// The four tables.
#[derive(Clone, Debug)]
pub struct Checks {
    header: Table,
    mime: Table,
    nested: Table,
    body: Table,
}

/// A line for the log. The queue id is put before what is said about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// What was done.
    Done(String),
    /// An entry of a table makes no sense.
    Warning(String),
}

impl Checks {
    /// Reads `smtp_header_checks` and the others; `prefix` is `smtp` or `lmtp`.
    ///
    /// # Errors
    /// A parameter names no table.
    pub fn load(prefix: &str, params: &Params<'_>) -> Result<Checks, Fatal> {
        let table = |name: &str| {
            let parameter = format!("{prefix}_{name}_checks");
            Ok(Table { maps: params.maps(&parameter)?, parameter })
        };
        Ok(Checks {
            header: table("header")?,
            mime: table("mime_header")?,
            nested: table("nested_header")?,
            body: table("body")?,
        })
    }

    fn all(&self) -> [&Table; 4] {
        [&self.header, &self.mime, &self.nested, &self.body]
    }

    fn are_empty(&self) -> bool {
        self.all().iter().all(|table| table.maps.is_empty())
    }

    /// What is logged when the tables are opened.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        self.all().iter().flat_map(|table| table.maps.problems(host)).collect()
    }
}

/// Applies the checks. Nothing if there are none.
///
/// # Errors
/// A table cannot be read.
pub(super) fn apply(
    message: &Message,
    conf: &SmtpConf,
    host: &Host,
) -> Result<Option<(Message, Vec<Remark>)>, LookupError> {
    if conf.checks.are_empty() {
        return Ok(None);
    }
    let mut walk = Walk {
        checks: &conf.checks,
        host,
        primary: true,
        header: Vec::new(),
        body: Vec::new(),
        remarks: Vec::new(),
        error: None,
    };
    mime::walk(&message.to_vec(), &mut walk);
    match walk.error {
        Some(error) => Err(error),
        None => {
            let (header, body) = (Bytes::from(walk.header), Bytes::from(walk.body));
            Ok(Some((Message { header, separator: message.separator, body }, walk.remarks)))
        }
    }
}

struct Walk<'a> {
    checks: &'a Checks,
    host: &'a Host,
    primary: bool,
    header: Vec<u8>,
    body: Vec<u8>,
    remarks: Vec<Remark>,
    error: Option<LookupError>,
}

impl Walk<'_> {
    fn write(&mut self, lines: &[u8]) {
        let out = if self.primary { &mut self.header } else { &mut self.body };
        out.extend_from_slice(lines);
        out.push(b'\n');
    }

    fn check(&mut self, table: &Table, place: &str, lines: &[u8]) {
        let text = String::from_utf8_lossy(lines);
        let found = match table.maps.find(&text, self.host) {
            _ if table.maps.is_empty() => None,
            Ok(found) => found,
            Err(error) => {
                self.error = Some(error);
                None
            }
        };
        let Some(found) = found else { return self.write(lines) };
        let parameter = &table.parameter;
        let (command, argument) = found.value.split_once([' ', '\t']).unwrap_or((&found.value, ""));
        let argument = argument.trim_start();
        let done = |action: &str| {
            let start: String = text.chars().take(200).collect();
            let tail = if argument.is_empty() { String::new() } else { format!(": {argument}") };
            Remark::Done(format!("{action}: {place} {start}{tail}"))
        };
        let command = command.to_ascii_uppercase();
        let needs_field = place == "header" && name_len(argument.as_bytes()).is_none();
        match command.as_str() {
            "WARN" => self.remarks.push(done("warning")),
            "INFO" => self.remarks.push(done("info")),
            "REPLACE" | "PREPEND" if argument.is_empty() => {
                self.remarks.push(Remark::Warning(format!("{command} action without text in {parameter} map")));
            }
            "REPLACE" | "PREPEND" if needs_field => self.remarks.push(Remark::Warning(format!(
                "bad {command} header text \"{argument}\" in {parameter} map -- need \"headername: headervalue\""
            ))),
            "REPLACE" => {
                self.remarks.push(done("replace"));
                return self.write(argument.as_bytes());
            }
            "PREPEND" => {
                self.remarks.push(done("prepend"));
                self.write(argument.as_bytes());
            }
            "STRIP" => {
                self.remarks.push(done("strip"));
                return;
            }
            "IGNORE" => return,
            "DUNNO" => {}
            _ => {
                let text = format!("unsupported command in {parameter} map: {}", found.value);
                self.remarks.push(Remark::Warning(text));
            }
        }
        self.write(lines);
    }
}

impl Visitor for Walk<'_> {
    fn field(&mut self, class: Class, field: Field<'_>) {
        let is_mime = Name::find(field.name).is_some_and(|(name, _)| name.is_mime());
        let checks = self.checks;
        let table = match class {
            _ if is_mime => &checks.mime,
            Class::Primary => &checks.header,
            Class::Multipart => &checks.mime,
            Class::Nested => &checks.nested,
        };
        self.check(table, "header", field.raw);
    }

    fn end_of_header(&mut self, class: Class, separator: bool) {
        if class == Class::Primary {
            self.primary = false;
        } else if separator {
            self.write(b"");
        }
    }

    fn line(&mut self, line: &[u8]) {
        let checks = self.checks;
        self.check(&checks.body, "body", line);
    }
}
