//! The name server of a case: all its zones and an empty root, as the recorder served them.

use super::run::ConformError;
use crate::host::named::NameServer;
use crate::host::vfs::Cred;
use crate::host::{Host, Process};

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
    let mut config = String::new();
    for (origin, text) in zones {
        let name = origin.strip_suffix('.').filter(|name| !name.is_empty()).unwrap_or(".");
        let path = format!("/etc/bind/db.{name}");
        config.push_str(&format!("zone \"{name}\" {{ type master; file \"{path}\"; }};\n"));
        // A zone whose file is missing answers SERVFAIL.
        if text != SERVFAIL {
            write(host, &path, master_file(origin, text))?;
        }
    }
    write(host, "/etc/bind/named.conf.local", config)?;
    Ok(Box::new(NameServer::from_files()))
}

fn write(host: &mut Host, path: &str, text: String) -> Result<(), ConformError> {
    let vfs = &mut host.vfs;
    let written = vfs.mkdir_all("/etc/bind").and_then(|()| vfs.write(path, text, 0o644, &Cred::ROOT));
    written.map(|_| ()).map_err(|error| ConformError::Case(format!("{path}: {error}")))
}
