//! The texts of notifications (bounce(5), `bounce_template_file`).

use std::fmt::Write as _;

use smol_str::{SmolStr, format_smolstr};

use crate::host::Host;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::lines::split_nameval;
use crate::mta::postfix::config::{Fatal, Params, expand};

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

/// Where texts come from that no file replaces.
const BUILT_IN: &str = "[built-in]";

const HELP: &str = "For further assistance, please send mail to postmaster.\n\n\
                    If you do so, please include this problem report. You can\n\
                    delete your own text from the attached returned message.\n";

impl Template {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Template; 4] = [Template::Failure, Template::Delay, Template::Success, Template::Verify];

    /// The name in messages: `failure`.
    fn name(self) -> &'static str {
        match self {
            Template::Failure => "failure",
            Template::Delay => "delay",
            Template::Success => "success",
            Template::Verify => "verify",
        }
    }

    /// `Content-Description:` of the original message.
    pub fn original(self) -> &'static str {
        match self {
            Template::Failure | Template::Delay => "Undelivered Message",
            Template::Success | Template::Verify => "Message",
        }
    }

    fn built_in(self) -> Texts {
        let (subject, postmaster_subject, body) = match self {
            Template::Failure => (
                "Undelivered Mail Returned to Sender",
                Some("Postmaster Copy: Undelivered Mail"),
                format!(
                    "I'm sorry to have to inform you that your message could not\n\
                     be delivered to one or more recipients. It's attached below.\n\n{HELP}"
                ),
            ),
            Template::Delay => (
                "Delayed Mail (still being retried)",
                Some("Postmaster Warning: Delayed Mail"),
                format!(
                    "####################################################################\n\
                     # THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n\
                     ####################################################################\n\n\
                     Your message could not be delivered for more than $delay_warning_time_hours hour(s).\n\
                     It will be retried until it is $maximal_queue_lifetime_days day(s) old.\n\n{HELP}"
                ),
            ),
            Template::Success => (
                "Successful Mail Delivery Report",
                None,
                "Your message was successfully delivered to the destination(s)\n\
                 listed below. If the message was delivered to mailbox you will\n\
                 receive no further notifications. Otherwise you may still receive\n\
                 notifications of mail delivery errors from other systems.\n"
                    .to_owned(),
            ),
            Template::Verify => (
                "Mail Delivery Status Report",
                None,
                "Enclosed is the mail delivery report that you requested.\n".to_owned(),
            ),
        };
        Texts {
            origin: BUILT_IN.into(),
            charset: "us-ascii".into(),
            from: "Mail Delivery System <MAILER-DAEMON>".into(),
            subject: subject.into(),
            postmaster_subject: postmaster_subject.map(SmolStr::from),
            text: format!(
                "This is the mail system at host $myhostname.\n\n{body}\n                   The mail system\n"
            ),
        }
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The file, for messages about it.
    origin: SmolStr,
    charset: SmolStr,
    /// `From:`.
    pub from: SmolStr,
    /// `Subject:` of what the sender gets.
    pub subject: SmolStr,
    /// `Subject:` of the postmaster's copy, if there is one.
    pub postmaster_subject: Option<SmolStr>,
    /// The lines before the list of recipients, not expanded.
    text: String,
}

/// Text that was expanded, with what bounce(8) complains about meanwhile.
pub type Expanded = (Result<String, Fatal>, Vec<String>);

impl Texts {
    /// The character set, as the notification names it.
    pub fn charset(&self) -> &str {
        if self.charset == "us-ascii" { "utf-8" } else { &self.charset }
    }

    /// The text with the values of parameters, line by line.
    pub fn expand(&self, template: Template, params: &Params<'_>) -> Expanded {
        let mut warnings = Vec::new();
        let mut out = String::with_capacity(self.text.len());
        for line in self.text.lines() {
            let mut undefined = false;
            let mut names = |name: &str| match self.span(name, template, params, &mut warnings) {
                Some(value) => Some(value),
                None => {
                    let value = params.raw(name).map(|_| params.get(name));
                    undefined |= value.is_none();
                    value
                }
            };
            let expanded = expand::expand(line, &mut names);
            let (origin, name) = (&self.origin, template.name());
            match expanded {
                Ok(_) if undefined => {
                    let text = format!("{origin}: undefined $name in {name} template: {line}");
                    return (Err(Fatal(text)), warnings);
                }
                Ok(text) => {
                    out.push_str(&text);
                    out.push('\n');
                }
                Err(error) => {
                    warnings.push(error.to_string());
                    let text = format!("{origin}: bad $name syntax in {name} template: {line}");
                    return (Err(Fatal(text)), warnings);
                }
            }
        }
        (Ok(out), warnings)
    }

    /// A span of time in another unit: `delay_warning_time_hours`.
    fn span(&self, name: &str, template: Template, params: &Params<'_>, warnings: &mut Vec<String>) -> Option<SmolStr> {
        const UNITS: [(&str, u64); 5] =
            [("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("weeks", 604_800)];
        let (parameter, unit) = name.rsplit_once('_')?;
        let (_, divisor) = UNITS.into_iter().find(|(known, _)| *known == unit)?;
        if !matches!(parameter, "delay_warning_time" | "maximal_queue_lifetime") {
            return None;
        }
        let value = params.time(parameter).ok()?.as_secs() / divisor;
        if value == 0 {
            let (origin, template) = (&self.origin, template.name());
            warnings.extend([
                format!("{origin}: zero result in {template} template conversion of parameter \"{name}\""),
                format!("please reduce time unit \"{unit}\" of \"{name}\" in {template} template"),
                "for instructions see the bounce(5) manual".to_owned(),
            ]);
        }
        Some(format_smolstr!("{value}"))
    }

    /// As `postconf -t` shows it.
    pub fn dump(&self, template: Template) -> String {
        let mut out = format!(
            "{}_template = <<EOF\nCharset: {}\nFrom: {}\nSubject: {}\n",
            template.name(),
            self.charset,
            self.from,
            self.subject
        );
        if let Some(subject) = &self.postmaster_subject {
            // Writing to a string does not fail.
            let _ = writeln!(out, "Postmaster-Subject: {subject}");
        }
        let _ = write!(out, "\n{}EOF\n", self.text);
        out
    }

    /// As `postconf -b` shows it.
    pub fn dump_expanded(template: Template, text: &str) -> String {
        format!("expanded_{}_text = <<EOF\n{text}EOF\n", template.name())
    }

    /// Takes a template of a file.
    fn replaced(self, template: Template, origin: &str, content: &str) -> Result<Texts, String> {
        let fail = |what: &str| format!("{origin}: {what} {} template -- ignoring this template", template.name());
        let mut texts = Texts { origin: origin.into(), ..self };
        let mut rest = content;
        while let Some((line, after)) = rest.split_once('\n').filter(|(line, _)| !line.is_empty()) {
            let Some((label, value)) = line.split_once(':').filter(|(label, _)| !label.contains([' ', '\t'])) else {
                break;
            };
            let value = value.trim();
            if value.is_empty() {
                return Err(fail(&format!("empty \"{label}\" header value in")));
            }
            if !value.is_ascii() {
                return Err(fail(&format!("non-ASCII \"{label}\" header value in")));
            }
            match label.to_ascii_lowercase().as_str() {
                "charset" => texts.charset = value.into(),
                "from" => texts.from = value.into(),
                "subject" => texts.subject = value.into(),
                "postmaster-subject" if texts.postmaster_subject.is_some() => {
                    texts.postmaster_subject = Some(value.into());
                }
                "postmaster-subject" => return Err(fail(&format!("inapplicable \"{label}\" header label in"))),
                _ => return Err(fail(&format!("unknown \"{label}\" header label in"))),
            }
            rest = after;
        }
        let text = rest.strip_prefix('\n').unwrap_or(rest);
        if text.is_empty() {
            return Err(fail("missing message text in"));
        }
        if !text.is_ascii() && texts.charset == "us-ascii" {
            return Err(format!(
                "{origin}: 8-bit message text in {} template\nplease specify a charset value other than us-ascii\n\
                 -- ignoring this template for now",
                template.name()
            ));
        }
        texts.text = text.to_owned();
        Ok(texts)
    }
}

/// The texts of all notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templates {
    texts: [Texts; 4],
    /// What bounce(8) complains about when it reads the file.
    pub warnings: Vec<String>,
}

impl Templates {
    /// The built-in texts, or those of `bounce_template_file`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(params: &Params<'_>, host: &Host) -> Result<Templates, Fatal> {
        let path = params.get("bounce_template_file");
        if path.is_empty() {
            return Ok(Templates { texts: Template::ALL.map(Template::built_in), warnings: Vec::new() });
        }
        Templates::read(&path, host)
    }

    /// The texts of a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &str, host: &Host) -> Result<Templates, Fatal> {
        let text = host.vfs.read_text(path, &Cred::ROOT).map_err(|errno| Fatal(format!("open {path}: {errno}")))?;
        Ok(Templates::parse(path, &text))
    }

    fn parse(path: &str, text: &str) -> Templates {
        let mut templates = Templates { texts: Template::ALL.map(Template::built_in), warnings: Vec::new() };
        let mut lines = (1_u32..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = match split_nameval(line) {
                Ok(pair) => pair,
                Err(error) => {
                    templates.warnings.push(format!("{path}, line {number}: {error}: \"{line}\""));
                    continue;
                }
            };
            let content = match value.strip_prefix("<<") {
                None => format!("{value}\n"),
                Some(marker) => {
                    let marker = marker.trim();
                    let mut content = String::new();
                    let mut last = number;
                    let ended = lines.by_ref().any(|(number, line)| {
                        last = number;
                        let ends = line == marker;
                        if !ends {
                            content.push_str(line);
                            content.push('\n');
                        }
                        ends
                    });
                    if !ended {
                        let text = format!("{path}, line {}: missing \"{marker}\" end marker", last + 1);
                        templates.warnings.push(text);
                    }
                    content
                }
            };
            let known = Template::ALL.into_iter().find(|template| name == format!("{}_template", template.name()));
            let Some(template) = known else {
                let text = format!("{path}, line {number}: unknown template name: {name} -- ignoring this template");
                templates.warnings.push(text);
                continue;
            };
            match template.built_in().replaced(template, path, &content) {
                Ok(texts) => templates.texts[template as usize] = texts,
                Err(warning) => templates.warnings.extend(warning.lines().map(str::to_owned)),
            }
        }
        templates
    }

    /// What a notification says.
    pub fn of(&self, template: Template) -> &Texts {
        &self.texts[template as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_replaces_what_it_names() {
        let text = "# mine\nfailure_template = <<END\nSubject: No\n\n# text of $myhostname\nEND\n";
        let templates = Templates::parse("/b", text);
        assert_eq!(templates.warnings, Vec::<String>::new());
        let texts = templates.of(Template::Failure);
        assert_eq!((texts.subject.as_str(), texts.text.as_str()), ("No", "# text of $myhostname\n"));
        assert_eq!(texts.postmaster_subject.as_deref(), Some("Postmaster Copy: Undelivered Mail"));
        assert_eq!(templates.of(Template::Delay), &Template::Delay.built_in());
    }

    #[test]
    fn mistakes_leave_the_built_in_text() {
        for (text, warning) in [
            ("x_template = y\n", "/b, line 1: unknown template name: x_template -- ignoring this template"),
            (
                "failure_template = <<E\nReply-To: x\n\ny\nE\n",
                "/b: unknown \"Reply-To\" header label in failure template -- ignoring this template",
            ),
            (
                "success_template = <<E\nPostmaster-Subject: x\n\ny\nE\n",
                "/b: inapplicable \"Postmaster-Subject\" header label in success template -- ignoring this template",
            ),
            (
                "failure_template = <<E\nSubject: x\nE\n",
                "/b: missing message text in failure template -- ignoring this template",
            ),
        ] {
            let templates = Templates::parse("/b", text);
            assert_eq!(templates.warnings, [warning]);
            assert!(Template::ALL.iter().all(|template| *templates.of(*template) == template.built_in()));
        }
    }

    #[test]
    fn the_end_of_a_text_must_be_marked() {
        let templates = Templates::parse("/b", "failure_template = <<E\nSubject: x\n\ny\n");
        assert_eq!(templates.warnings, ["/b, line 5: missing \"E\" end marker"]);
        assert_eq!(templates.of(Template::Failure).text, "y\n");
    }
}
