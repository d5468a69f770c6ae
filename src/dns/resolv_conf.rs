//! `/etc/resolv.conf` (resolv.conf(5)).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use smol_str::SmolStr;

use super::name::canonical;
use crate::sim::Duration;

/// What a stub resolver does: whom it asks, how long, how often. Clones share the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvConf {
    /// Name servers in order of preference, at most three.
    pub servers: Arc<[SocketAddr]>,
    /// Domains that programs append to short names.
    pub search: Arc<[SmolStr]>,
    /// Dots that make a name complete enough to be tried as it stands first.
    pub ndots: u32,
    /// How long the first server is waited for.
    pub timeout: Duration,
    /// How often all servers are tried.
    pub attempts: u32,
}

impl Default for ResolvConf {
    /// Without a file the C library asks a name server on the host itself.
    fn default() -> ResolvConf {
        ResolvConf {
            servers: Arc::new([SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53)]),
            search: Arc::new([]),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        }
    }
}

/// The C library's MAXNS.
const MAX_SERVERS: usize = 3;

impl ResolvConf {
    /// Reads the file's text; what is not understood is skipped, as by the C library.
    pub fn parse(text: &str) -> ResolvConf {
        let mut conf = ResolvConf::default();
        let mut servers = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let addr = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    servers.extend(addr.map(|addr| SocketAddr::new(addr, 53)));
                }
                Some("search" | "domain") => conf.search = words.map(canonical).collect(),
                Some("options") => words.for_each(|word| conf.option(word)),
                _ => {}
            }
        }
        servers.truncate(MAX_SERVERS);
        if !servers.is_empty() {
            conf.servers = servers.into();
        }
        conf
    }

    fn option(&mut self, word: &str) {
        let Some((name, value)) = word.split_once(':') else { return };
        let Ok(value) = value.parse::<u32>() else { return };
        match name {
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5),
            "ndots" => self.ndots = value.min(15),
            _ => {}
        }
    }

    /// How long the server at this place is waited for. The C library doubles the time from server
    /// to server and shares it among them.
    pub fn wait_for(&self, server: usize) -> Duration {
        let count = u32::try_from(self.servers.len()).unwrap_or(1).max(1);
        match server {
            0 => self.timeout,
            _ => (self.timeout * (1 << server.min(MAX_SERVERS)) / count).max(Duration::from_secs(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_servers_search_list_and_options() {
        let conf = ResolvConf::parse(
            "# made by hand\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver x\nsearch Example.org lan.\n\
             options timeout:2 attempts:3 edns0\n",
        );
        let servers: Vec<_> = conf.servers.iter().map(|server| server.to_string()).collect();
        assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:53"]);
        assert_eq!(conf.search.join(" "), "example.org lan");
        assert_eq!((conf.timeout, conf.attempts), (Duration::from_secs(2), 3));
        assert_eq!([conf.wait_for(0), conf.wait_for(1)].map(|wait| wait.as_secs()), [2, 2]);
    }

    #[test]
    fn without_servers_the_host_itself_is_asked() {
        assert_eq!(ResolvConf::parse("search x\n").servers[0].to_string(), "127.0.0.1:53");
    }
}
