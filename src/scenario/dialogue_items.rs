//! What a scripted SMTP client is told to send.

use serde::Deserialize;

/// An SMTP dialogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionStep {
    /// Name of the result.
    pub id: String,
    /// Source address, or `@HOST` for the host itself.
    pub from: String,
    /// `host:port` or `address:port`.
    pub to: String,
    /// Whether the client talks before the banner.
    #[serde(default)]
    pub pregreet: bool,
    /// Whether TLS begins at once.
    #[serde(default)]
    pub tls: bool,
    /// What is sent.
    pub send: Vec<Item>,
}

impl SessionStep {
    /// A dialogue that waits for the banner and begins without TLS.
    pub fn plain(send: Vec<Item>) -> SessionStep {
        SessionStep { id: String::new(), from: String::new(), to: String::new(), pregreet: false, tls: false, send }
    }
}

/// One item of a dialogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// A line.
    Line(String),
    /// Octets given in hexadecimal.
    Hex(HexItem),
    /// Octets as they are.
    Raw(RawItem),
    /// A long line.
    Repeat(RepeatItem),
    /// STARTTLS and handshake.
    StartTls(StartTlsItem),
    /// Wait.
    Wait(WaitItem),
    /// Hang up without QUIT.
    Close(CloseItem),
    /// Read replies.
    Read(ReadItem),
}

macro_rules! items {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_attr:meta])* $field:ident: $kind:ty),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_attr])* pub $field: $kind),* })*
    };
}

items! {
    /// See [`Item::Hex`].
    HexItem {
        /// The octets.
        hex: String,
        /// Replies to read.
        #[serde(default)] replies: Option<u32>,
        /// Seconds of silence to wait for otherwise.
        #[serde(default)] idle: Option<f64>,
    }
    /// See [`Item::Raw`].
    RawItem {
        /// The octets, as UTF-8.
        raw: String,
        /// Replies to read.
        #[serde(default)] replies: Option<u32>,
        /// Seconds of silence to wait for otherwise.
        #[serde(default)] idle: Option<f64>,
    }
    /// See [`Item::Repeat`].
    RepeatItem {
        /// The text.
        repeat: String,
        /// How often.
        times: u32,
        /// What follows; CRLF if missing.
        #[serde(default)] end: Option<String>,
    }
    /// See [`Item::StartTls`].
    StartTlsItem {
        /// Always true.
        starttls: bool,
    }
    /// See [`Item::Wait`].
    WaitItem {
        /// Seconds.
        wait: f64,
        /// Whether to read meanwhile.
        #[serde(default)] read: bool,
    }
    /// See [`Item::Close`].
    CloseItem {
        /// Always true.
        close: bool,
    }
    /// See [`Item::Read`].
    ReadItem {
        /// How many replies.
        read: u32,
    }
}

/// The octets of an item that sends some.
pub(super) fn octets(item: &Item) -> Vec<u8> {
    match item {
        Item::Line(line) => format!("{line}\r\n").into_bytes(),
        Item::Raw(raw) => raw.raw.clone().into_bytes(),
        Item::Hex(hex) => from_hex(&hex.hex),
        Item::Repeat(long) => {
            let mut text = long.repeat.repeat(long.times as usize);
            text.push_str(long.end.as_deref().unwrap_or("\r\n"));
            text.into_bytes()
        }
        Item::StartTls(_) | Item::Wait(_) | Item::Close(_) | Item::Read(_) => Vec::new(),
    }
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
