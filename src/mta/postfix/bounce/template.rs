//! The texts of notifications (bounce(5)): built in, or from `bounce_template_file`.

use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::host::Host;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::Params;

/// Which notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Mail could not be delivered.
    Failure,
    /// Mail is delayed.
    Delay,
    /// Mail was delivered (`NOTIFY=SUCCESS`).
    Success,
    /// The report of `sendmail -v` and `-bv`.
    Verify,
}

const ALL: [Template; 4] = [Template::Failure, Template::Delay, Template::Success, Template::Verify];

const HELP: &str = "For further assistance, please send mail to postmaster.\n\n\
                    If you do so, please include this problem report. You can\n\
                    delete your own text from the attached returned message.\n";

/// Units of the time parameters in a text, with their seconds.
const UNITS: [(&str, u64); 5] =
    [("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("weeks", 604_800)];

impl Template {
    /// The name of its entry in a template file.
    fn name(self) -> &'static str {
        match self {
            Template::Failure => "failure_template",
            Template::Delay => "delay_template",
            Template::Success => "success_template",
            Template::Verify => "verify_template",
        }
    }

    /// `Content-Description:` of the original message.
    pub fn original(self) -> &'static str {
        match self {
            Template::Failure | Template::Delay => "Undelivered Message",
            Template::Success | Template::Verify => "Message",
        }
    }

    /// The built-in text, with parameters not yet replaced.
    fn built_in(self) -> Text {
        let (subject, postmaster) = match self {
            Template::Failure => ("Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail"),
            Template::Delay => ("Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail"),
            Template::Success => ("Successful Mail Delivery Report", ""),
            Template::Verify => ("Mail Delivery Status Report", ""),
        };
        let body = match self {
            Template::Failure => format!(
                "I'm sorry to have to inform you that your message could not\n\
                 be delivered to one or more recipients. It's attached below.\n\n{HELP}"
            ),
            Template::Delay => format!(
                "####################################################################\n\
                 # THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n\
                 ####################################################################\n\n\
                 Your message could not be delivered for more than $delay_warning_time_hours hour(s).\n\
                 It will be retried until it is $maximal_queue_lifetime_days day(s) old.\n\n{HELP}"
            ),
            Template::Success => "Your message was successfully delivered to the destination(s)\n\
                                  listed below. If the message was delivered to mailbox you will\n\
                                  receive no further notifications. Otherwise you may still receive\n\
                                  notifications of mail delivery errors from other systems.\n"
                .to_owned(),
            Template::Verify => "Enclosed is the mail delivery report that you requested.\n".to_owned(),
        };
        Text {
            origin: "[built-in]".into(),
            charset: "utf-8".into(),
            from: "Mail Delivery System <MAILER-DAEMON>".into(),
            subject: subject.into(),
            postmaster_subject: postmaster.into(),
            body: format!(
                "This is the mail system at host $myhostname.\n\n{body}\n                   The mail system\n"
            ),
            warnings: Vec::new(),
        }
    }
}

/// The text of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where it comes from, for warnings.
    pub origin: SmolStr,
    /// `Charset:`.
    pub charset: SmolStr,
    /// `From:`.
    pub from: SmolStr,
    /// `Subject:` of what the sender gets.
    pub subject: SmolStr,
    /// `Postmaster-Subject:`.
    pub postmaster_subject: SmolStr,
    /// The lines before the list of recipients.
    pub body: String,
    /// What bounce(8) complains about before it uses the text.
    pub warnings: Vec<String>,
}

/// The texts of all notifications, with parameters replaced.
#[derive(Clone, Debug)]
pub struct Texts([Text; 4]);

impl Texts {
    /// The built-in texts, or those of `bounce_template_file`; what the file lacks is built in.
    pub fn load(params: &Params<'_>, host: &Host) -> Texts {
        let path = params.get("bounce_template_file");
        let file = host.vfs.read_text(&path, &Cred::ROOT).unwrap_or_default();
        Texts(ALL.map(|template| {
            let mut text = template.built_in();
            if let Some(entry) = entry(&file, template.name()) {
                text.origin = path.clone();
                text.read(entry);
            }
            if text.postmaster_subject.is_empty() {
                text.postmaster_subject = text.subject.clone();
            }
            text.replace_parameters(template, params);
            text
        }))
    }

    /// The text of a notification.
    pub fn get(&self, template: Template) -> &Text {
        let [failure, delay, success, verify] = &self.0;
        match template {
            Template::Failure => failure,
            Template::Delay => delay,
            Template::Success => success,
            Template::Verify => verify,
        }
    }
}

/// The lines of `NAME = <<MARK` up to the mark.
fn entry<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        at += line.len();
        let Some((key, mark)) = line.split_once('=') else { continue };
        let Some(mark) = mark.trim().strip_prefix("<<").map(str::trim) else { continue };
        if key.trim() == name {
            let rest = &file[at..];
            let mut end = 0;
            for line in rest.split_inclusive('\n') {
                if line.trim_end() == mark {
                    return Some(&rest[..end]);
                }
                end += line.len();
            }
        }
    }
    None
}

impl Text {
    /// Reads an entry: header fields, an empty line, the text.
    fn read(&mut self, entry: &str) {
        let (header, body) = entry.split_once("\n\n").unwrap_or((entry, ""));
        for line in header.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = SmolStr::from(value.trim());
            match name.to_ascii_lowercase().as_str() {
                "charset" => self.charset = value,
                "from" => self.from = value,
                "subject" => self.subject = value,
                "postmaster-subject" => self.postmaster_subject = value,
                _ => {}
            }
        }
        self.body = body.to_owned();
    }

    fn replace_parameters(&mut self, template: Template, params: &Params<'_>) {
        for parameter in ["delay_warning_time", "maximal_queue_lifetime"] {
            let span = params.time(parameter).unwrap_or(Duration::ZERO);
            for (unit, secs) in UNITS {
                let name = format!("{parameter}_{unit}");
                if !self.body.contains(&name) {
                    continue;
                }
                let value = span.as_secs() / secs;
                if value == 0 && template == Template::Delay {
                    self.warnings.extend([
                        format!("{}: zero result in delay template conversion of parameter \"{name}\"", self.origin),
                        format!("please reduce time unit \"{unit}\" of \"{name}\" in delay template"),
                        "for instructions see the bounce(5) manual".to_owned(),
                    ]);
                }
                let value = format_smolstr!("{value}");
                self.body = self.body.replace(&format!("${name}"), &value).replace(&format!("${{{name}}}"), &value);
            }
        }
        self.body = params.expanded(&self.body).to_string();
    }

    /// `Content-Transfer-Encoding:` of the text.
    pub fn encoding(&self) -> &'static str {
        if self.charset.eq_ignore_ascii_case("us-ascii") { "7bit" } else { "8bit" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_entries_of_a_template_file() {
        let file = "# mine\nfailure_template = <<EOF\nCharset: us-ascii\nSubject: Sorry\n\nNo luck at $myhostname.\n\nBye\nEOF\nx = y\n";
        let mut text = Template::Failure.built_in();
        text.read(entry(file, "failure_template").unwrap());
        assert_eq!((text.subject.as_str(), text.encoding()), ("Sorry", "7bit"));
        assert_eq!(text.body, "No luck at $myhostname.\n\nBye\n");
        assert_eq!(entry(file, "delay_template"), None);
        assert_eq!(entry("failure_template = <<EOF\nunfinished\n", "failure_template"), None);
    }
}
