//! SMTP as values and as two sans-IO machines (RFC 5321 and its extensions).
