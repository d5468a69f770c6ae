//! `/etc/sasldb2`: the password database of Cyrus SASL.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use crate::host::vfs::Object;

/// Passwords by user and realm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaslDb(BTreeMap<(SmolStr, SmolStr), SmolStr>);

impl SaslDb {
    /// Sets a password.
    pub fn set(&mut self, user: &str, realm: &str, password: &str) {
        self.0.insert((user.into(), realm.into()), password.into());
    }

    /// Removes a user; false if there was none.
    pub fn remove(&mut self, user: &str, realm: &str) -> bool {
        self.0.remove(&(user.into(), realm.into())).is_some()
    }

    /// A user's password.
    pub fn password(&self, user: &str, realm: &str) -> Option<SmolStr> {
        self.0.get(&(user.into(), realm.into())).cloned()
    }

    /// Users and realms, in order.
    pub fn users(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr)> {
        self.0.keys().map(|(user, realm)| (user, realm))
    }
}

impl Object for SaslDb {
    fn bytes(&self) -> Vec<u8> {
        let entry = |((user, realm), password): (&(SmolStr, SmolStr), &SmolStr)| {
            format!("{user}\0{realm}\0userPassword\0{password}\0").into_bytes()
        };
        self.0.iter().flat_map(entry).collect()
    }

    /// Berkeley DB files begin with 12 KiB.
    fn size(&self) -> u64 {
        12_288.max(self.bytes().len() as u64)
    }
}
