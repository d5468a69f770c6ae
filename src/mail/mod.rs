//! What travels: addresses, headers, MIME, Received lines, reports (RFC 5322, 2045, 3464).
