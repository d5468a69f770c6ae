//! The SASL mechanisms that Debian's packages bring, and which of them the security options permit
//! (`sasl_server_init`, `mech_permitted` of Cyrus SASL; SASL_README).

/// What a mechanism does for its user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// The password does not cross the wire as it is.
    pub noplaintext: bool,
    /// It withstands an attacker in the middle.
    pub noactive: bool,
    /// It withstands guessing from a word list.
    pub nodictionary: bool,
    /// The client says who it is.
    pub noanonymous: bool,
    /// What is recorded today stays secret when the password is found out.
    pub forward_secrecy: bool,
    /// The server proves who it is, too.
    pub mutual_auth: bool,
}

/// A mechanism as it is installed.
#[derive(Clone, Copy, Debug)]
pub struct Installed {
    /// Its registered name.
    pub name: &'static str,
    traits: Traits,
}

const NAMED: Traits = Traits {
    noplaintext: false,
    noactive: false,
    nodictionary: false,
    noanonymous: true,
    forward_secrecy: false,
    mutual_auth: false,
};
const DIGEST: Traits = Traits { noplaintext: true, ..NAMED };
const MUTUAL: Traits = Traits { mutual_auth: true, ..DIGEST };
const SCRAM: Traits = Traits { noactive: true, ..MUTUAL };
const ANONYMOUS: Traits = Traits { noanonymous: false, ..DIGEST };

/// In the order in which they are offered without a `mech_list`.
static INSTALLED: [Installed; 11] = [
    Installed { name: "SCRAM-SHA-512", traits: SCRAM },
    Installed { name: "SCRAM-SHA-384", traits: SCRAM },
    Installed { name: "SCRAM-SHA-256", traits: SCRAM },
    Installed { name: "SCRAM-SHA-224", traits: SCRAM },
    Installed { name: "SCRAM-SHA-1", traits: SCRAM },
    Installed { name: "DIGEST-MD5", traits: MUTUAL },
    Installed { name: "CRAM-MD5", traits: DIGEST },
    Installed { name: "NTLM", traits: DIGEST },
    Installed { name: "PLAIN", traits: NAMED },
    Installed { name: "LOGIN", traits: NAMED },
    Installed { name: "ANONYMOUS", traits: ANONYMOUS },
];

/// The mechanisms of a `mech_list`, in its order and as often as it names them; all without one.
pub fn listed(mech_list: Option<&str>) -> Vec<&'static Installed> {
    let Some(list) = mech_list else { return INSTALLED.iter().collect() };
    let known = |word: &str| INSTALLED.iter().find(|installed| installed.name.eq_ignore_ascii_case(word));
    list.split_whitespace().filter_map(known).collect()
}

/// `smtpd_sasl_security_options`: what a mechanism must do to be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityOptions(Traits);

impl SecurityOptions {
    /// Reads a parameter's value.
    ///
    /// # Errors
    /// A word is not known; the text is the log line.
    pub fn parse(value: &str) -> Result<SecurityOptions, String> {
        let mut wanted = Traits::default();
        for word in value.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            match word {
                "noplaintext" => wanted.noplaintext = true,
                "noactive" => wanted.noactive = true,
                "nodictionary" => wanted.nodictionary = true,
                "noanonymous" => wanted.noanonymous = true,
                "forward_secrecy" => wanted.forward_secrecy = true,
                "mutual_auth" => wanted.mutual_auth = true,
                _ => return Err(format!("unknown SASL security options value \"{word}\" in \"{value}\"")),
            }
        }
        Ok(SecurityOptions(wanted))
    }

    /// Whether a mechanism may be used.
    pub fn permit(self, mechanism: &Installed) -> bool {
        let (wanted, has) = (self.0, mechanism.traits);
        (!wanted.noplaintext || has.noplaintext)
            && (!wanted.noactive || has.noactive)
            && (!wanted.nodictionary || has.nodictionary)
            && (!wanted.noanonymous || has.noanonymous)
            && (!wanted.forward_secrecy || has.forward_secrecy)
            && (!wanted.mutual_auth || has.mutual_auth)
    }

    /// The reason why a mechanism that is there may not be used.
    pub fn refusal(self) -> &'static str {
        if self.0.noplaintext { "encryption needed to use mechanism" } else { "no mechanism available" }
    }
}
