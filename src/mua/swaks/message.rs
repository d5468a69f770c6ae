//! The message that swaks(1) sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::options::{Attachment, Options};

/// What goes into the default message.
pub struct Facts<'a> {
    /// Date of the Date field.
    pub date: &'a str,
    /// Envelope recipients.
    pub to: &'a str,
    /// Envelope sender.
    pub from: &'a str,
    /// Message-ID without brackets.
    pub message_id: &'a str,
    /// Process id, in the MIME boundary.
    pub pid: u32,
    /// The text.
    pub body: &'a str,
    /// What is attached, with its content.
    pub attachments: &'a [(Attachment, Vec<u8>)],
}

/// The version that X-Mailer names.
pub const VERSION: &str = "20201014.0";

/// The message before dots are doubled, with LF as line end.
pub fn compose(options: &Options, data: Option<&str>, facts: &Facts<'_>) -> String {
    let boundary = format!("----=_MIME_BOUNDARY_000_{}", facts.pid);
    let mime = match facts.attachments.is_empty() {
        true => String::new(),
        false => format!("MIME-Version: 1.0\\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\\n"),
    };
    let template = match data {
        Some(data) => data.to_owned(),
        None => format!(
            "Date: %DATE%\\nTo: %TO_ADDRESS%\\nFrom: %FROM_ADDRESS%\\nSubject: test %DATE%\\nMessage-Id: \
             <%MESSAGEID%>\\nX-Mailer: swaks v%SWAKS_VERSION% jetmore.org/john/code/swaks/\\n{mime}%NEW_HEADERS%\\n%BODY%\\n"
        ),
    };
    let body = facts.body.replace("\\n", "\n") + "\n";
    let body = match facts.attachments.is_empty() {
        true => body,
        false => multipart(&body, &boundary, facts.attachments),
    };
    let text = template.replace("\\n", "\n").replace("\r\n", "\n").replace("%BODY%", &body);
    let text = fields(&text, options);
    text.replace("%TO_ADDRESS%", facts.to)
        .replace("%FROM_ADDRESS%", facts.from)
        .replace("%MESSAGEID%", facts.message_id)
        .replace("%SWAKS_VERSION%", VERSION)
        .replace("%DATE%", facts.date)
}

/// Puts in the fields of `--header` and `--add-header`.
fn fields(text: &str, options: &Options) -> String {
    const PLACE: &str = "%NEW_HEADERS%";
    let (has_place, text) = (text.contains(PLACE), text.replace(PLACE, ""));
    let (header, body) = text.split_once("\n\n").unwrap_or((text.strip_suffix('\n').unwrap_or(&text), ""));
    let mut lines: Vec<String> = header.split('\n').map(str::to_owned).collect();
    let mut added: Vec<String> = options.added.iter().map(|field| field.replace("\\n", "\n")).collect();
    for field in &options.headers {
        let field = field.replace("\\n", "\n");
        let name = field.split(':').next().unwrap_or_default();
        let same = |line: &String| line.split(':').next().is_some_and(|own| own.eq_ignore_ascii_case(name));
        match lines.iter().position(same) {
            Some(at) => {
                lines[at] = field;
                // Continuation lines of the old field go with it.
                while lines.get(at + 1).is_some_and(|line| line.starts_with([' ', '\t'])) {
                    lines.remove(at + 1);
                }
            }
            None => added.push(field),
        }
    }
    if has_place {
        lines.extend(added);
    }
    format!("{}\n\n{body}", lines.join("\n"))
}

fn multipart(body: &str, boundary: &str, attachments: &[(Attachment, Vec<u8>)]) -> String {
    let mut text = format!("--{boundary}\nContent-Type: text/plain\n\n{body}");
    for (attachment, content) in attachments {
        let name = attachment.name.as_deref().unwrap_or(&attachment.file);
        let kind = attachment.kind.as_deref().unwrap_or("application/octet-stream");
        text.push_str(&format!(
            "--{boundary}\nContent-Type: {kind}; name=\"{name}\"\nContent-Description: {name}\nContent-Disposition: \
             attachment; filename=\"{name}\"\nContent-Transfer-Encoding: BASE64\n\n"
        ));
        for chunk in content.chunks(57) {
            text.push_str(&STANDARD.encode(chunk));
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(&format!("--{boundary}--\n\n"));
    text
}

/// The message as it goes over the wire, lines ending with CR LF, with the final dot.
pub fn on_the_wire(text: &str, strip: bool) -> String {
    let mut text = text.to_owned();
    if strip && text.starts_with("From ") {
        text = text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    }
    for end in ["\n.\n", "\n."] {
        if let Some(rest) = text.strip_suffix(end) {
            text.truncate(rest.len());
            break;
        }
    }
    text.replace("\n.", "\n..").replace('\n', "\r\n") + "\r\n."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            date: "Sat, 21 Nov 2026 06:28:42 +0000",
            to: "bob@y",
            from: "a@b",
            message_id: "20261121062842.009329@vm",
            pid: 9545,
            body: "This is a test mailing",
            attachments: &[],
        }
    }

    #[test]
    fn the_default_message_is_that_of_swaks() {
        let text = on_the_wire(&compose(&Options::default(), None, &facts()), true);
        assert_eq!(
            text,
            "Date: Sat, 21 Nov 2026 06:28:42 +0000\r\nTo: bob@y\r\nFrom: a@b\r\nSubject: test Sat, 21 Nov 2026 06:28:42 \
             +0000\r\nMessage-Id: <20261121062842.009329@vm>\r\nX-Mailer: swaks v20201014.0 \
             jetmore.org/john/code/swaks/\r\n\r\nThis is a test mailing\r\n\r\n\r\n."
        );
    }

    #[test]
    fn fields_are_replaced_or_added() {
        let options = Options {
            headers: vec!["Subject: foo".into(), "X-B: 2".into()],
            added: vec!["X-A: 1".into()],
            ..Options::default()
        };
        let text = compose(&options, None, &facts());
        assert!(text.contains("\nSubject: foo\n") && text.contains("swaks/\nX-A: 1\nX-B: 2\n\nThis"), "{text}");
    }

    #[test]
    fn own_data_ends_with_a_dot_once() {
        for (data, wire) in [
            ("Subject: x\\n\\nbody", "Subject: x\r\n\r\nbody\r\n."),
            ("Subject: x\n\n.body\n.\n", "Subject: x\r\n\r\n..body\r\n."),
            ("stdin\n", "stdin\r\n\r\n\r\n."),
        ] {
            assert_eq!(on_the_wire(&compose(&Options::default(), Some(data), &facts()), true), wire, "{data:?}");
        }
    }

    #[test]
    fn attachments_are_parts_in_base64() {
        let attached = [(Attachment { file: "ext".into(), ..Attachment::default() }, b"subjectAltName\n".to_vec())];
        let text = compose(&Options::default(), None, &Facts { attachments: &attached, ..facts() });
        assert!(
            text.contains(
                "\n\n------=_MIME_BOUNDARY_000_9545\nContent-Type: text/plain\n\nThis is a test \
             mailing\n------=_MIME_BOUNDARY_000_9545\nContent-Type: application/octet-stream; name=\"ext\"\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("\n\nc3ViamVjdEFsdE5hbWUK\n\n------=_MIME_BOUNDARY_000_9545--\n\n\n"), "{text}");
    }
}
