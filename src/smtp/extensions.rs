//! Service extensions that an EHLO reply announces (RFC 5321, section 4.1.1.1).

use smol_str::SmolStr;

use super::reply::Reply;

/// What a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// SIZE (RFC 1870), with the limit; `Some(0)` if it names none.
    pub size: Option<u64>,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_status_codes: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// VRFY is possible.
    pub vrfy: bool,
    /// ETRN (RFC 1985).
    pub etrn: bool,
    /// AUTH (RFC 4954): the mechanisms in the server's order, in capitals.
    pub auth: Vec<SmolStr>,
    /// Whether AUTH was announced at all, if only without a mechanism.
    pub auth_announced: bool,
    /// Anything else, as announced.
    pub others: Vec<SmolStr>,
}

impl Extensions {
    /// Reads an EHLO reply. Keywords for which `ignored` says true are left out
    /// (`smtp_discard_ehlo_keywords`).
    pub fn parse(reply: &Reply, ignored: impl Fn(&str) -> bool) -> Extensions {
        let mut found = Extensions::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            let Some(first) = words.next() else { continue };
            // `AUTH=LOGIN` is what servers said before the standard, and some clients still read.
            let (keyword, rest) = match first.split_once('=') {
                Some((keyword, rest)) if keyword.eq_ignore_ascii_case("AUTH") => (keyword, Some(rest)),
                _ => (first, None),
            };
            let keyword = keyword.to_ascii_uppercase();
            if ignored(&keyword) {
                continue;
            }
            match keyword.as_str() {
                "PIPELINING" => found.pipelining = true,
                "SIZE" => found.size = Some(words.next().and_then(|limit| limit.parse().ok()).unwrap_or(0)),
                "8BITMIME" => found.eight_bit_mime = true,
                "SMTPUTF8" => found.smtputf8 = true,
                "DSN" => found.dsn = true,
                "ENHANCEDSTATUSCODES" => found.enhanced_status_codes = true,
                "CHUNKING" => found.chunking = true,
                "STARTTLS" => found.starttls = true,
                "VRFY" => found.vrfy = true,
                "ETRN" => found.etrn = true,
                "AUTH" => {
                    found.auth_announced = true;
                    for mechanism in rest.into_iter().chain(words) {
                        let mechanism = SmolStr::from(mechanism.to_ascii_uppercase());
                        if !mechanism.is_empty() && !found.auth.contains(&mechanism) {
                            found.auth.push(mechanism);
                        }
                    }
                }
                _ => found.others.push(line.clone()),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_discarded_on_demand() {
        let lines =
            ["mx.example", "pipelining", "SIZE 1000", "AUTH PLAIN login", "AUTH=PLAIN CRAM-MD5", "DSN", "XFOO 1"];
        let reply = Reply::multi(250, lines.into_iter().map(Into::into).collect());
        let found = Extensions::parse(&reply, |keyword| keyword == "DSN");
        let expected = Extensions {
            pipelining: true,
            size: Some(1000),
            auth: vec!["PLAIN".into(), "LOGIN".into(), "CRAM-MD5".into()],
            auth_announced: true,
            others: vec!["XFOO 1".into()],
            ..Extensions::default()
        };
        assert_eq!(found, expected);
    }
}
