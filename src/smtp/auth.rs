//! SASL mechanisms as used in SMTP: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), both sides.
//!
//! The server side says what a client claims; whether that is true, its owner decides.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use md5::Md5;
use smol_str::SmolStr;

use super::decode64::{Base64Error, decode64};

/// A mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as registered")]
pub enum Mechanism {
    Plain,
    Login,
    CramMd5,
    Anonymous,
}

impl Mechanism {
    /// Its registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::CramMd5 => "CRAM-MD5",
            Mechanism::Anonymous => "ANONYMOUS",
        }
    }

    /// The mechanism that proves who one is of a name, in any case.
    pub fn from_name(name: &str) -> Option<Mechanism> {
        [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5]
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether the password crosses the wire in a form that can be read.
    pub fn is_plaintext(self) -> bool {
        matches!(self, Mechanism::Plain | Mechanism::Login)
    }
}

/// What a client claims to be, and how it proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whom to act as (PLAIN); empty: as the user itself.
    pub authorize: SmolStr,
    /// The user.
    pub user: SmolStr,
    /// The proof.
    pub proof: Proof,
}

/// The proof in a [`Claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None: nobody in particular is there.
    None,
    /// The password itself.
    Password(SmolStr),
    /// The keyed digest of a challenge.
    CramMd5 {
        /// The challenge that was sent.
        challenge: SmolStr,
        /// The digest, 32 hexadecimal digits.
        digest: SmolStr,
    },
}

impl Proof {
    /// Whether this proves knowledge of the password.
    pub fn matches(&self, password: &str) -> bool {
        match self {
            Proof::None => false,
            Proof::Password(given) => given == password,
            Proof::CramMd5 { challenge, digest } => *digest == cram_md5(challenge, password),
        }
    }
}

/// What the server side does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerStep {
    /// Send `334` with this text and wait for a line.
    Challenge(SmolStr),
    /// The client has said everything.
    Claim(Claim),
    /// A response was not base64.
    NotBase64(Base64Error),
    /// A response was not what the mechanism wants, with what is logged about it.
    Malformed(Option<&'static str>),
}

/// The server side of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerExchange {
    /// PLAIN: the one response is awaited.
    Plain,
    /// LOGIN: the user name is awaited.
    LoginUser,
    /// LOGIN: the password is awaited.
    LoginPassword {
        /// The user name.
        user: SmolStr,
    },
    /// ANONYMOUS (RFC 4505): a trace of who it is, which nobody checks, is awaited.
    Anonymous,
    /// CRAM-MD5: the response to the challenge is awaited.
    CramMd5 {
        /// The challenge.
        challenge: SmolStr,
    },
}

/// The longest name and the longest password of LOGIN.
const LONGEST: usize = 1024;

impl ServerExchange {
    /// Begins. `initial` is the initial response in base64; `challenge` makes the challenge of CRAM-MD5, `<random.time@host>`.
    pub fn start(
        mechanism: Mechanism,
        initial: Option<&str>,
        challenge: impl FnOnce() -> SmolStr,
    ) -> (ServerExchange, ServerStep) {
        let mut exchange = match mechanism {
            Mechanism::Plain => ServerExchange::Plain,
            Mechanism::Login => ServerExchange::LoginUser,
            Mechanism::CramMd5 => ServerExchange::CramMd5 { challenge: challenge() },
            Mechanism::Anonymous => ServerExchange::Anonymous,
        };
        let step = match (initial, &exchange) {
            (Some(_), ServerExchange::CramMd5 { .. }) => {
                ServerStep::Malformed(Some("Remote sent first but mech does not allow it."))
            }
            (Some(initial), _) => exchange.respond(initial),
            (None, ServerExchange::CramMd5 { challenge }) => ServerStep::Challenge(STANDARD.encode(challenge).into()),
            (None, ServerExchange::LoginUser) => ServerStep::Challenge("VXNlcm5hbWU6".into()),
            (None, _) => ServerStep::Challenge(SmolStr::default()),
        };
        (exchange, step)
    }

    /// Takes a response line.
    pub fn respond(&mut self, response: &str) -> ServerStep {
        let decoded = match decode64(response) {
            Ok(decoded) => decoded,
            Err(error) => return ServerStep::NotBase64(error),
        };
        let text = String::from_utf8_lossy(&decoded);
        match self {
            ServerExchange::Plain => match text.split('\0').collect::<Vec<_>>()[..] {
                [authorize, user, password] => ServerStep::Claim(Claim {
                    authorize: authorize.into(),
                    user: user.into(),
                    proof: Proof::Password(password.into()),
                }),
                [_] => ServerStep::Malformed(Some("Can only find author (no password)")),
                [_, _] => ServerStep::Malformed(Some("Can only find author/en (no password)")),
                _ => ServerStep::Malformed(Some("Got more data than we were expecting in the PLAIN plugin?")),
            },
            ServerExchange::LoginUser if decoded.len() > LONGEST => {
                ServerStep::Malformed(Some("username too long (>1024 characters)"))
            }
            ServerExchange::LoginPassword { .. } if decoded.len() > LONGEST => {
                ServerStep::Malformed(Some("clientin is > 1024 characters in LOGIN plugin"))
            }
            ServerExchange::LoginUser => {
                *self = ServerExchange::LoginPassword { user: text.into() };
                ServerStep::Challenge("UGFzc3dvcmQ6".into())
            }
            ServerExchange::LoginPassword { user } => ServerStep::Claim(Claim {
                authorize: SmolStr::default(),
                user: user.clone(),
                proof: Proof::Password(text.into()),
            }),
            ServerExchange::Anonymous => ServerStep::Claim(Claim {
                authorize: SmolStr::default(),
                user: SmolStr::new_static("anonymous"),
                proof: Proof::None,
            }),
            ServerExchange::CramMd5 { challenge } => match text.rsplit_once(' ') {
                Some((user, digest)) => ServerStep::Claim(Claim {
                    authorize: SmolStr::default(),
                    user: user.into(),
                    proof: Proof::CramMd5 { challenge: challenge.clone(), digest: digest.into() },
                }),
                None => ServerStep::Malformed(Some("need authentication name")),
            },
        }
    }
}

/// The client side of one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientExchange {
    mechanism: Mechanism,
    user: SmolStr,
    password: SmolStr,
    user_sent: bool,
    done: bool,
}

/// Why a client can not go on with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProblem {
    /// The challenge is not base64.
    NotBase64(Base64Error),
    /// The challenge is not text.
    NotText,
    /// There was nothing left to say.
    Done,
}

impl ClientExchange {
    /// Begins an exchange.
    pub fn new(mechanism: Mechanism, user: impl Into<SmolStr>, password: impl Into<SmolStr>) -> ClientExchange {
        ClientExchange { mechanism, user: user.into(), password: password.into(), user_sent: false, done: false }
    }

    /// The best mechanism both sides have, in the client's order of preference.
    pub fn choose(offered: &[SmolStr], preferred: &[Mechanism]) -> Option<Mechanism> {
        preferred
            .iter()
            .copied()
            .find(|mechanism| offered.iter().any(|name| name.eq_ignore_ascii_case(mechanism.as_str())))
    }

    /// The AUTH command, with an initial response where the mechanism has one.
    pub fn command(&self) -> String {
        match self.mechanism {
            Mechanism::Plain => {
                format!("AUTH PLAIN {}", STANDARD.encode(format!("\0{}\0{}", self.user, self.password)))
            }
            other => format!("AUTH {}", other.as_str()),
        }
    }

    /// Says that the initial response of [`ClientExchange::command`] was sent.
    pub fn began(&mut self) {
        self.done = self.mechanism == Mechanism::Plain;
    }

    /// The response to a challenge (the text of a 334 reply).
    ///
    /// # Errors
    /// The challenge makes no sense, or no sense here.
    pub fn respond(&mut self, challenge: &str) -> Result<String, ClientProblem> {
        let decoded = decode64(challenge.trim()).map_err(ClientProblem::NotBase64)?;
        if self.done {
            return Err(ClientProblem::Done);
        }
        self.done = self.mechanism != Mechanism::Login || self.user_sent;
        Ok(match self.mechanism {
            Mechanism::Plain => STANDARD.encode(format!("\0{}\0{}", self.user, self.password)),
            Mechanism::Anonymous => STANDARD.encode(self.user.as_bytes()),
            Mechanism::Login if self.user_sent => STANDARD.encode(self.password.as_bytes()),
            Mechanism::Login => {
                self.user_sent = true;
                STANDARD.encode(self.user.as_bytes())
            }
            Mechanism::CramMd5 => {
                let challenge = String::from_utf8(decoded).map_err(|_| ClientProblem::NotText)?;
                STANDARD.encode(format!("{} {}", self.user, cram_md5(&challenge, &self.password)))
            }
        })
    }
}

/// The digest of CRAM-MD5: HMAC-MD5 of the challenge, keyed with the password, in hexadecimal.
pub fn cram_md5(challenge: &str, password: &str) -> String {
    // A key of any length is accepted, so there is always a digest.
    Hmac::<Md5>::new_from_slice(password.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(challenge.as_bytes());
            mac.finalize().into_bytes().iter().map(|octet| format!("{octet:02x}")).collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cram_md5_gives_the_digest_of_the_standard() {
        let digest = cram_md5("<1896.697170952@postoffice.reston.mci.net>", "tanstaaftanstaaf");
        assert_eq!(digest, "b913a602c7eda7a495b4e6e7334d3890");
    }

    #[test]
    fn both_sides_understand_each_other() {
        for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5] {
            let mut client = ClientExchange::new(mechanism, "alice", "secret");
            let command = client.command();
            let initial = command.split(' ').nth(2);
            let (mut server, mut step) = ServerExchange::start(mechanism, initial, || "<1.2@mx>".into());
            while let ServerStep::Challenge(challenge) = &step {
                step = server.respond(&client.respond(challenge).unwrap());
            }
            let ServerStep::Claim(claim) = step else { panic!("{mechanism:?}: {step:?}") };
            assert_eq!(claim.user, "alice");
            assert!(claim.proof.matches("secret") && !claim.proof.matches("wrong"), "{mechanism:?}");
        }
    }

    #[test]
    fn bad_responses_are_told_apart() {
        assert_eq!(
            ServerExchange::start(Mechanism::Plain, Some("!!!"), || "".into()).1,
            ServerStep::NotBase64(Base64Error::Unfinished)
        );
        assert_eq!(
            ServerExchange::start(Mechanism::Plain, Some("YQ=="), || "".into()).1,
            ServerStep::Malformed(Some("Can only find author (no password)"))
        );
    }

    proptest! {
        #[test]
        fn any_response_gets_a_step(response in "\\PC{0,40}") {
            for mechanism in [Mechanism::Plain, Mechanism::Login, Mechanism::CramMd5] {
                let (mut exchange, _) = ServerExchange::start(mechanism, None, || "<1@x>".into());
                exchange.respond(&response);
                exchange.respond(&response);
            }
        }
    }
}
