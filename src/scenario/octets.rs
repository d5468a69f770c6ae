//! Octets as text without loss.

/// Where the characters for octets that are not UTF-8 begin: a private plane.
pub const PRIVATE: u32 = 0x10_FE00;

/// Decodes octets; those that are not UTF-8 become private characters.
pub fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|octet| char::from_u32(PRIVATE + u32::from(*octet))));
    }
    text
}
