//! Tools that ask the network: host(1), dig(1), telnet(1), nc(1).

mod dig;
mod host;
mod query;
mod telnet;

pub use dig::Dig;
pub use host::HostTool;
pub use telnet::Telnet;
