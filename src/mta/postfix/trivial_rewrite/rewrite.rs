//! Rewriting of addresses to standard form (`rewrite.c`).

use smol_str::SmolStr;

use crate::mail::address::{self, Token};
use crate::mta::postfix::config::{Fatal, Params};

/// Whose domain completes an address without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// `$myorigin` and `$mydomain`.
    Local,
    /// `$remote_header_rewrite_domain`, if it is set.
    Remote,
}

/// The rules for incomplete and old-style addresses.
#[derive(Clone, Debug, Default)]
pub struct Rewriter {
    /// `append_at_myorigin`.
    pub append_at_myorigin: bool,
    /// `append_dot_mydomain`.
    pub append_dot_mydomain: bool,
    /// `swap_bangpath`.
    pub swap_bangpath: bool,
    /// `allow_percent_hack`.
    pub allow_percent_hack: bool,
    /// `myorigin`.
    pub myorigin: SmolStr,
    /// `mydomain`.
    pub mydomain: SmolStr,
    /// `remote_header_rewrite_domain`.
    pub remote_domain: SmolStr,
}

impl Rewriter {
    /// Reads the parameters.
    ///
    /// # Errors
    /// A boolean parameter is none.
    pub fn load(params: &Params<'_>) -> Result<Rewriter, Fatal> {
        Ok(Rewriter {
            append_at_myorigin: params.bool("append_at_myorigin")?,
            append_dot_mydomain: params.bool("append_dot_mydomain")?,
            swap_bangpath: params.bool("swap_bangpath")?,
            allow_percent_hack: params.bool("allow_percent_hack")?,
            myorigin: params.get("myorigin"),
            mydomain: params.get("mydomain"),
            remote_domain: params.get("remote_header_rewrite_domain"),
        })
    }

    /// Rewrites an address in external form.
    pub fn external(&self, context: Context, address: &str) -> SmolStr {
        if address::is_plain(address.as_bytes()) {
            return address.into();
        }
        let mut tokens = scan(address);
        self.tokens(context, &mut tokens);
        address::externalize(&tokens).into()
    }

    /// Rewrites an address in internal form.
    pub fn internal(&self, context: Context, address: &str) -> SmolStr {
        if address::is_plain(address.as_bytes()) {
            return address.into();
        }
        let mut tokens = scan(&address::quote(address));
        self.tokens(context, &mut tokens);
        address::internalize(&tokens).into()
    }

    /// Rewrites an address in tokens.
    pub fn tokens(&self, context: Context, address: &mut Vec<Token>) {
        let (origin, domain) = match context {
            Context::Local => (&self.myorigin, &self.mydomain),
            Context::Remote => (&self.remote_domain, &self.remote_domain),
        };
        match address.as_slice() {
            [] => return,
            [Token::Quoted(text)] if text.is_empty() => return,
            [at] if at.is('@') => {
                *address = vec![Token::Quoted(String::new())];
                return;
            }
            _ => {}
        }
        strip_source_route(address);
        if last(address, '@').is_none() {
            self.complete(origin, address);
        }
        if self.append_dot_mydomain && !domain.is_empty() {
            append_domain(domain, address);
        }
        strip_trailing_dot(address);
    }

    /// Gives an address without `@` its domain.
    fn complete(&self, origin: &str, address: &mut Vec<Token>) {
        let bang = address.iter().position(|token| token.is('!')).filter(|_| self.swap_bangpath);
        let percent = last(address, '%').filter(|_| self.allow_percent_hack);
        if let Some(bang) = bang {
            let mut local = address.split_off(bang + 1);
            address.truncate(bang);
            local.push(Token::Operator('@'));
            local.append(address);
            *address = local;
        } else if let Some(percent) = percent {
            address[percent] = Token::Operator('@');
        } else if self.append_at_myorigin && !origin.is_empty() {
            address.push(Token::Operator('@'));
            address.extend(address::scan(origin));
        }
    }
}

/// Reads an address in external form; the empty one is an empty quoted string.
pub(super) fn scan(address: &str) -> Vec<Token> {
    let mut tokens = address::scan(address);
    tokens.retain(|token| !matches!(token, Token::Comment(_)));
    if tokens.is_empty() {
        tokens.push(Token::Quoted(String::new()));
    }
    tokens
}

/// Position of the last such operator.
pub(super) fn last(address: &[Token], operator: char) -> Option<usize> {
    address.iter().rposition(|token| token.is(operator))
}

fn strip_source_route(address: &mut Vec<Token>) {
    if address.first().is_some_and(|token| token.is('@'))
        && let Some(colon) = address.iter().position(|token| token.is(':'))
        && colon + 1 < address.len()
    {
        address.drain(..=colon);
    }
}

fn append_domain(domain: &str, address: &mut Vec<Token>) {
    let Some(at) = last(address, '@') else { return };
    let host = &address[at + 1..];
    if !host.is_empty() && !host.iter().any(|token| token.is('.') || matches!(token, Token::Literal(_))) {
        address.push(Token::Operator('.'));
        address.extend(address::scan(domain));
    }
}

/// Strips one dot at the end, but leaves `..` and `@.` alone so that errors show them.
pub(super) fn strip_trailing_dot(address: &mut Vec<Token>) {
    if let [.., before, dot] = address.as_slice()
        && dot.is('.')
        && !before.is('.')
        && !before.is('@')
    {
        address.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules() -> Rewriter {
        Rewriter {
            append_at_myorigin: true,
            append_dot_mydomain: true,
            swap_bangpath: true,
            allow_percent_hack: true,
            myorigin: "example.com".into(),
            mydomain: "dom.example".into(),
            remote_domain: "".into(),
        }
    }

    #[test]
    fn completes_and_modernises_addresses() {
        for (address, rewritten) in [
            ("alice", "alice@example.com"),
            ("alice@mx1", "alice@mx1.dom.example"),
            ("alice@example.org.", "alice@example.org"),
            ("example.net!carol", "carol@example.net"),
            ("a!b!carol", "b!carol@a.dom.example"),
            ("carol%example.net", "carol@example.net"),
            ("carol%example.net@x.org", "carol%example.net@x.org"),
            ("@a,@b:carol@example.net", "carol@example.net"),
            ("@", "\"\""),
            ("\"john doe\"", "\"john doe\"@example.com"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@", "a@"),
            ("a@..", "a@.."),
            ("\"\"", "\"\""),
        ] {
            assert_eq!(rules().external(Context::Local, address), rewritten, "{address}");
        }
    }

    #[test]
    fn remote_addresses_keep_their_form_without_a_domain_for_them() {
        assert_eq!(rules().external(Context::Remote, "alice"), "alice");
        let with_domain = Rewriter { remote_domain: "domain.invalid".into(), ..rules() };
        assert_eq!(with_domain.external(Context::Remote, "alice"), "alice@domain.invalid");
    }

    #[test]
    fn internal_addresses_are_quoted_on_the_way_only() {
        assert_eq!(rules().internal(Context::Local, "john doe"), "john doe@example.com");
        assert_eq!(rules().internal(Context::Local, ""), "");
    }

    proptest! {
        #[test]
        fn rewriting_twice_is_rewriting_once(address in "[a@.!%\"]{0,12}") {
            let once = rules().external(Context::Local, &address);
            let _ = rules().external(Context::Local, &once);
            prop_assert!(once.len() <= address.len() * 2 + 40);
        }
    }
}
