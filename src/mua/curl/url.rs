//! URLs for mail: `smtp://host:port/name`, `imap://host/INBOX;UID=1` (RFC 5092), `pop3://host/1`
//! (RFC 2384).

/// The protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in RFCs 5321, 3501, 1939")]
pub enum Protocol {
    Smtp,
    Imap,
    Pop3,
}

/// Where to, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// How.
    pub protocol: Protocol,
    /// Whether TLS comes first.
    pub implicit_tls: bool,
    /// Login name and password.
    pub login: Option<(String, String)>,
    /// The server.
    pub host: String,
    /// The port.
    pub port: u16,
    /// What follows the first slash, decoded.
    pub path: String,
    /// What follows a question mark, decoded.
    pub query: Option<String>,
}

/// Why a URL cannot be used: curl's exit status and words.
pub type BadUrl = (u8, String);

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// Malformed (3), a protocol that is not there (1), or one that would need the Internet (6).
    pub fn parse(text: &str) -> Result<Url, BadUrl> {
        let guessed = ["smtp", "imap", "pop3"].into_iter().find(|name| text.starts_with(&format!("{name}.")));
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => (guessed.unwrap_or("http").to_owned(), text),
        };
        let (protocol, implicit_tls, port) = match scheme.as_str() {
            "smtp" => (Protocol::Smtp, false, 25),
            "smtps" => (Protocol::Smtp, true, 465),
            "imap" => (Protocol::Imap, false, 143),
            "imaps" => (Protocol::Imap, true, 993),
            "pop3" => (Protocol::Pop3, false, 110),
            "pop3s" => (Protocol::Pop3, true, 995),
            "http" | "https" | "ftp" => {
                let host = rest.split(['/', ':']).next().unwrap_or_default();
                return Err((6, format!("Could not resolve host: {host}")));
            }
            _ => return Err((1, format!("Protocol \"{scheme}\" not supported or disabled in libcurl"))),
        };
        let malformed = || (3, "URL using bad/illegal format or missing URL".to_owned());
        let (authority, tail) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, authority) = match authority.rsplit_once('@') {
            Some((login, authority)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (Some((decoded(user), decoded(password))), authority)
            }
            None => (None, authority),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, number)) if !host.contains(':') || host.ends_with(']') => {
                (host, number.parse().map_err(|_| malformed())?)
            }
            _ => (authority, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(malformed());
        }
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(decoded(query))),
            None => (tail, None),
        };
        Ok(Url { protocol, implicit_tls, login, host, port, path: path.to_owned(), query })
    }

    /// The mailbox and the parameters of an IMAP path (`;UID=1` and the like, names in capitals).
    pub fn mailbox(&self) -> (String, Vec<(String, String)>) {
        let mut parts = self.path.split(';');
        let mailbox = decoded(parts.next().unwrap_or_default().trim_end_matches('/'));
        let parameters = parts.filter_map(|part| {
            let (name, value) = part.trim_end_matches('/').split_once('=')?;
            Some((name.to_ascii_uppercase(), decoded(value)))
        });
        (mailbox, parameters.collect())
    }
}

/// Without percent signs.
pub fn decoded(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%');
        let code =
            code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(octet) => {
                octets.push(octet);
                rest = &after[2..];
            }
            None => {
                octets.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&octets).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mail_urls_are_taken_apart() {
        let url =
            Url::parse("imaps://bob:se%20cret@mail.example.org/INBOX;UID=2;SECTION=HEADER.FIELDS%20(SUBJECT)").unwrap();
        assert_eq!((url.protocol, url.implicit_tls, url.port), (Protocol::Imap, true, 993));
        assert_eq!(url.login, Some(("bob".into(), "se cret".into())));
        let (mailbox, parameters) = url.mailbox();
        assert_eq!(mailbox, "INBOX");
        assert_eq!(parameters[1], ("SECTION".into(), "HEADER.FIELDS (SUBJECT)".into()));
        let url = Url::parse("smtp://[2001:db8::1]:587/client.example").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("2001:db8::1", 587, "client.example"));
        assert_eq!(Url::parse("imap://mail/INBOX?ALL").unwrap().query.as_deref(), Some("ALL"));
    }

    #[test]
    fn other_urls_are_refused_in_curls_words() {
        for (text, status) in [("ftpx://a", 1), ("smtp://a:b", 3), ("smtp://", 3), ("https://example.org/", 6)] {
            assert_eq!(Url::parse(text).unwrap_err().0, status, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(smtp://|imap://|pop3s://)?[a-z%0-9@:/;?=\\[\\]é]{0,30}") {
            if let Ok(url) = Url::parse(&text) {
                prop_assert!(!url.host.is_empty());
                url.mailbox();
            }
        }
    }
}
