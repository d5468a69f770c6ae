//! Users, groups and their passwords.

mod adduser;
mod database;
mod getent;
mod groups;
mod passwd;
mod users;

pub use adduser::AddUser;
pub use getent::getent;
pub use groups::{groupadd, groupdel};
pub use passwd::{Passwd, chpasswd};
pub use users::{deluser, useradd, userdel, usermod};
