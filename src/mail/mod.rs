//! What travels: addresses, headers, MIME, dates, reports (RFC 5322, 2045, 3464).

pub mod address;
pub mod date;
pub mod dsn;
pub mod header;
pub mod mime;
pub mod report;
