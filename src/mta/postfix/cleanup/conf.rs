//! The parameters of cleanup(8), checked once.

use std::time::Duration;

use smol_str::{SmolStr, StrExt as _};

use super::maps::Masquerade;
use crate::host::Host;
use crate::mail::header::{Name, Names};
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::maps::{AddressFinder, Maps};
use crate::mta::postfix::milter::Milters;
use crate::mta::postfix::trivial_rewrite::Rewriter;

/// Tables that are known in warnings by the name of their parameter.
#[derive(Clone, Debug)]
pub struct Table {
    /// The parameter.
    pub name: &'static str,
    /// The tables.
    pub maps: Maps,
}

impl Table {
    fn load(params: &Params<'_>, name: &'static str) -> Result<Table, Fatal> {
        Ok(Table { name, maps: params.maps(name)? })
    }
}

/// Which addresses a canonical table or masquerading applies to (`canonical_classes` and the like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the values")]
pub struct Classes {
    pub envelope_sender: bool,
    pub envelope_recipient: bool,
    pub header_sender: bool,
    pub header_recipient: bool,
}

const SENDERS: [&str; 2] = ["envelope_sender", "header_sender"];
const RECIPIENTS: [&str; 2] = ["envelope_recipient", "header_recipient"];

impl Classes {
    /// Reads a parameter that may name these classes. What is wrong is told of `canonical_classes`
    /// for all three parameters about canonical tables.
    fn load(params: &Params<'_>, name: &str, allowed: &[&str]) -> Result<Classes, Fatal> {
        let words = params.list(name);
        if let Some(word) = words.iter().find(|word| !allowed.contains(&word.as_str())) {
            let title = if name.ends_with("canonical_classes") { "canonical_classes" } else { name };
            return Err(Fatal(format!("unknown {title} value \"{word}\" in \"{}\"", params.get(name))));
        }
        let has = |word: &str| words.iter().any(|found| found == word);
        Ok(Classes {
            envelope_sender: has("envelope_sender"),
            envelope_recipient: has("envelope_recipient"),
            header_sender: has("header_sender"),
            header_recipient: has("header_recipient"),
        })
    }
}

/// How a generated `From:` shows the full name (`header_from_format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromFormat {
    /// `From: Full Name <address>`.
    Standard,
    /// `From: address (Full Name)`.
    Obsolete,
}

/// All of them.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the parameters, see postconf(5)")]
pub struct Conf {
    pub rewriter: Rewriter,
    pub myhostname: SmolStr,
    pub mail_name: SmolStr,
    pub finder: AddressFinder,
    pub empty_address_recipient: SmolStr,
    pub canonical: Table,
    pub canonical_classes: Classes,
    pub sender_canonical: Table,
    pub sender_canonical_classes: Classes,
    pub recipient_canonical: Table,
    pub recipient_canonical_classes: Classes,
    pub masquerade: Masquerade,
    pub masquerade_classes: Classes,
    pub virtual_alias: Table,
    pub virtual_alias_recursion_limit: u64,
    pub virtual_alias_expansion_limit: u64,
    pub virtual_alias_address_length_limit: u64,
    pub propagate_canonical: bool,
    pub propagate_virtual: bool,
    pub sender_bcc: Table,
    pub recipient_bcc: Table,
    pub always_bcc: SmolStr,
    pub non_smtpd_milters: Milters,
    pub header_checks: Table,
    pub mime_header_checks: Table,
    pub nested_header_checks: Table,
    pub body_checks: Table,
    pub body_checks_size_limit: u64,
    pub header_size_limit: u64,
    pub line_length_limit: u64,
    pub message_size_limit: u64,
    pub hopcount_limit: u64,
    pub disable_mime_input_processing: bool,
    pub always_add_missing_headers: bool,
    pub undisclosed_recipients_header: SmolStr,
    /// `message_drop_headers` that are known fields.
    pub dropped_headers: Names,
    /// The others, lower case.
    pub dropped_others: Vec<SmolStr>,
    pub from_format: FromFormat,
    pub enable_long_queue_ids: bool,
    pub enable_original_recipient: bool,
    pub duplicate_filter_limit: u64,
    pub delay_warning: Option<Duration>,
    pub smtputf8_enable: bool,
    pub replace_stray_cr_lf: bool,
}

impl Conf {
    /// Reads the parameters.
    pub fn load(params: &Params<'_>) -> Result<Conf, Fatal> {
        let table = |name| Table::load(params, name);
        let propagate = params.list("propagate_unmatched_extensions");
        let warn = params.time("delay_warning_time")?;
        Ok(Conf {
            rewriter: Rewriter::load(params)?,
            myhostname: params.get("myhostname"),
            mail_name: params.get("mail_name"),
            finder: AddressFinder::load(params)?,
            empty_address_recipient: params.get("empty_address_recipient"),
            canonical: table("canonical_maps")?,
            canonical_classes: Classes::load(params, "canonical_classes", &[SENDERS, RECIPIENTS].concat())?,
            sender_canonical: table("sender_canonical_maps")?,
            sender_canonical_classes: Classes::load(params, "sender_canonical_classes", &SENDERS)?,
            recipient_canonical: table("recipient_canonical_maps")?,
            recipient_canonical_classes: Classes::load(params, "recipient_canonical_classes", &RECIPIENTS)?,
            masquerade: Masquerade {
                domains: params.list("masquerade_domains"),
                exceptions: params.match_list("masquerade_exceptions")?,
            },
            masquerade_classes: Classes::load(params, "masquerade_classes", &[SENDERS, RECIPIENTS].concat())?,
            virtual_alias: table("virtual_alias_maps")?,
            virtual_alias_recursion_limit: params.int("virtual_alias_recursion_limit")?,
            virtual_alias_expansion_limit: params.int("virtual_alias_expansion_limit")?,
            virtual_alias_address_length_limit: params.int("virtual_alias_address_length_limit")?,
            propagate_canonical: propagate.iter().any(|word| word == "canonical"),
            propagate_virtual: propagate.iter().any(|word| word == "virtual"),
            sender_bcc: table("sender_bcc_maps")?,
            recipient_bcc: table("recipient_bcc_maps")?,
            always_bcc: params.get("always_bcc"),
            non_smtpd_milters: Milters::load("non_smtpd_milters", params, true),
            header_checks: table("header_checks")?,
            mime_header_checks: table("mime_header_checks")?,
            nested_header_checks: table("nested_header_checks")?,
            body_checks: table("body_checks")?,
            body_checks_size_limit: params.int("body_checks_size_limit")?,
            header_size_limit: params.int("header_size_limit")?,
            line_length_limit: params.int("line_length_limit")?.max(1),
            message_size_limit: params.int("message_size_limit")?,
            hopcount_limit: params.int("hopcount_limit")?,
            disable_mime_input_processing: params.bool("disable_mime_input_processing")?,
            always_add_missing_headers: params.bool("always_add_missing_headers")?,
            undisclosed_recipients_header: params.get("undisclosed_recipients_header"),
            dropped_headers: dropped(params).0,
            dropped_others: dropped(params).1,
            from_format: match params.get("header_from_format").as_str() {
                "obsolete" => FromFormat::Obsolete,
                _ => FromFormat::Standard,
            },
            enable_long_queue_ids: params.bool("enable_long_queue_ids")?,
            enable_original_recipient: params.bool("enable_original_recipient")?,
            duplicate_filter_limit: params.int("duplicate_filter_limit")?,
            delay_warning: (!warn.is_zero()).then_some(warn),
            smtputf8_enable: params.bool("smtputf8_enable")?,
            replace_stray_cr_lf: params.bool("cleanup_replace_stray_cr_lf")?,
        })
    }

    /// Whether addresses in headers can change only by being completed.
    pub fn headers_are_only_completed(&self) -> bool {
        self.canonical.maps.is_empty()
            && self.sender_canonical.maps.is_empty()
            && self.recipient_canonical.maps.is_empty()
            && self.masquerade.domains.is_empty()
    }

    /// What the program logs when it opens its tables: each table once.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        let tables = [
            &self.canonical,
            &self.sender_canonical,
            &self.recipient_canonical,
            &self.virtual_alias,
            &self.header_checks,
            &self.mime_header_checks,
            &self.nested_header_checks,
            &self.body_checks,
            &self.sender_bcc,
            &self.recipient_bcc,
        ];
        let mut problems = Vec::new();
        for line in tables.iter().flat_map(|table| table.maps.problems(host)) {
            if !problems.contains(&line) {
                problems.push(line);
            }
        }
        problems
    }

    /// Whether header or body checks look into the message's parts.
    pub fn checks_parts(&self) -> bool {
        let tables = [&self.mime_header_checks, &self.nested_header_checks, &self.body_checks];
        tables.iter().any(|table| !table.maps.is_empty())
    }
}

fn dropped(params: &Params<'_>) -> (Names, Vec<SmolStr>) {
    let (mut names, mut others) = (Names::default(), Vec::new());
    for word in params.list("message_drop_headers") {
        match Name::find(word.as_bytes()) {
            Some((name, _)) => names.insert(name),
            None => others.push(word.to_lowercase_smolstr()),
        }
    }
    (names, others)
}
