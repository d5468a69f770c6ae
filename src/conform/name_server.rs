//! The name server of a case: all its zones and an empty root, as the recorder served them.

use super::run::ConformError;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Host, Input, Process};

/// The text of a zone that cannot be loaded.
const SERVFAIL: &str = "SERVFAIL";

/// A zone as a complete master file.
fn master_file(origin: &str, text: &str) -> String {
    let mut file = format!("$ORIGIN {origin}\n");
    if !text.contains("$TTL") {
        file.push_str("$TTL 3600\n");
    }
    let has_soa = text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == "SOA");
    if !has_soa {
        file.push_str("@ IN SOA ns.oracle-dns.test. hostmaster.oracle-dns.test. 1 3600 600 86400 300\n");
        file.push_str("@ IN NS ns.oracle-dns.test.\n");
    }
    file.push_str(text);
    file.push('\n');
    file
}

/// Writes the zones to the host's files and returns the server for them.
pub(super) fn name_server(zones: &[(String, String)], host: &mut Host) -> Result<Box<dyn Process>, ConformError> {
    for (origin, text) in zones {
        if text == SERVFAIL {
            continue;
        }
        let path = format!("/etc/bind/db.{}", origin.trim_end_matches('.'));
        let write = host
            .vfs
            .mkdir_all("/etc/bind")
            .and_then(|()| host.vfs.write(&path, master_file(origin, text), 0o644, &Cred::ROOT).map(|_| ()));
        write.map_err(|error| ConformError::Case(format!("{path}: {error}")))?;
    }
    Ok(Box::new(Nobody))
}

/// Stands in for a server.
#[derive(Clone, Debug)]
struct Nobody;

impl Process for Nobody {
    fn handle(&mut self, _input: Input, _ctx: &mut Ctx<'_>) {}
    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }
    fn command_line(&self) -> String {
        "named".into()
    }
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
