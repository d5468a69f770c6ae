//! From `type:name` to a table (`dict_open(3)`).

use std::sync::Arc;

use super::combined::{Pipe, Proxy, Random, Union};
use super::fixed::{Broken, Environ, Fail, Inline, Internal, Nis, Static};
use super::hash::{Compiled, suffix};
use super::regexp::{Flavour, RegexpTable};
use super::texthash::TextHash;
use super::unix::Unix;
use super::{Dict, MapFlags, Table, cidr};

/// The type of tables for which none is named (`default_database_type`).
pub const DEFAULT_TYPE: &str = "hash";

/// The types that this Postfix was built with, in `postconf -m`'s order.
pub const TYPES: &[&str] = &[
    "btree",
    "cidr",
    "environ",
    "fail",
    "hash",
    "inline",
    "internal",
    "memcache",
    "nis",
    "pcre",
    "pipemap",
    "proxy",
    "randmap",
    "regexp",
    "socketmap",
    "static",
    "tcp",
    "texthash",
    "unionmap",
    "unix",
];

/// Whether tables of this type can be opened. Packages may bring more than the built-in ones.
pub fn is_supported(kind: &str) -> bool {
    TYPES.contains(&kind) || suffix(kind).is_some()
}

pub(super) fn dict(spec: &str, flags: MapFlags) -> Arc<dyn Dict> {
    match open(spec, flags) {
        Ok(dict) => dict,
        Err(reason) => Arc::new(Broken { name: spec.into(), reason }),
    }
}

fn open(spec: &str, flags: MapFlags) -> Result<Arc<dyn Dict>, String> {
    let Some((kind, name)) = spec.split_once(':') else {
        return Err(format!("open dictionary: expecting \"type:name\" form instead of \"{spec}\""));
    };
    if name.is_empty() {
        return Err(format!("open dictionary: expecting \"type:name\" form instead of \"{spec}\""));
    }
    if let Some(suffix) = suffix(kind) {
        return Ok(Arc::new(Compiled::new(kind, name, suffix)));
    }
    Ok(match kind {
        "texthash" => Arc::new(TextHash::new(name)),
        "regexp" => Arc::new(RegexpTable::new(Flavour::Posix, name, flags)),
        "pcre" => Arc::new(RegexpTable::new(Flavour::Perl, name, flags)),
        "cidr" => Arc::new(cidr::CidrTable::new(name)),
        "static" => {
            let inner =
                if name.starts_with('{') { crate::mta::postfix::config::tokens::strip_braces(name)? } else { name };
            Arc::new(Static(inner.into()))
        }
        "inline" => Arc::new(Inline::parse(name, flags.fold_fix)?),
        "fail" => Arc::new(Fail),
        "unionmap" => Arc::new(Union::parse(name, flags)?),
        "pipemap" => Arc::new(Pipe::parse(name, flags)?),
        "randmap" => Arc::new(Random::parse(name)?),
        "proxy" => Arc::new(Proxy(Table::new(name, flags))),
        "unix" => match name {
            "passwd.byname" => Arc::new(Unix::Passwd),
            "group.byname" => Arc::new(Unix::Group),
            _ => return Err(format!("unknown table: unix:{name}")),
        },
        "nis" => Arc::new(Nis),
        "internal" => Arc::new(Internal),
        "environ" => Arc::new(Environ),
        "socketmap" if !name.contains(':') => return Err("socketmap requires server:socketmap argument".to_owned()),
        "tcp" | "socketmap" | "memcache" => return Err(format!("{spec}: connection refused")),
        _ => return Err(format!("unsupported dictionary type: {kind}")),
    })
}
