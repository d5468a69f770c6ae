//! Tools that ask the network: host(1), dig(1), nslookup(1), telnet(1), nc(1), ping(8), ip(8).

mod dig;
mod host;
mod ip;
mod nslookup;
mod ping;
mod query;
mod telnet;

pub use dig::Dig;
pub use host::HostTool;
pub use ip::ip;
pub use nslookup::Nslookup;
pub use ping::Ping;
pub use telnet::Telnet;
