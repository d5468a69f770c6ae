//! Distinguished names (RFC 5280 section 4.1.2.4) in the forms that mail programs print.

use smol_str::SmolStr;
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::name::Name;

/// The attribute types that OpenSSL has a short name for, as far as people use them.
const SHORT_NAMES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("0.9.2342.19200300.100.1.25", "DC"),
];

/// A name as a list of attributes, in the certificate's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName(pub Vec<(SmolStr, SmolStr)>);

impl DistinguishedName {
    /// Reads the attributes of a certificate's name.
    pub fn new(name: &Name) -> DistinguishedName {
        let attributes = name.0.iter().flat_map(|rdn| rdn.0.iter());
        let read = attributes.map(|attribute| {
            let oid = attribute.oid.to_string();
            let short =
                SHORT_NAMES.iter().find(|(known, _)| *known == oid).map(|(_, short)| SmolStr::new_static(short));
            (short.unwrap_or_else(|| oid.into()), text(&attribute.value).unwrap_or_default())
        });
        DistinguishedName(read.collect())
    }

    /// The object identifier of an attribute type by its short name.
    pub fn oid(short: &str) -> Option<&'static str> {
        SHORT_NAMES.iter().find(|(_, known)| *known == short).map(|(oid, _)| *oid)
    }

    /// The first common name; empty if there is none.
    pub fn common_name(&self) -> SmolStr {
        self.0.iter().find(|(kind, _)| kind == "CN").map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// `X509_NAME_oneline(3)`: `/O=Example/CN=mail.example.org`.
    pub fn one_line(&self) -> SmolStr {
        self.0.iter().map(|(kind, value)| format!("/{kind}={value}")).collect()
    }

    /// The form of OpenSSL's commands: `O = Example, CN = mail.example.org`.
    pub fn spaced(&self) -> String {
        self.joined(" = ", ", ")
    }

    /// With these separators between type and value, and between attributes.
    pub fn joined(&self, equals: &str, comma: &str) -> String {
        let parts = self.0.iter().map(|(kind, value)| format!("{kind}{equals}{value}"));
        parts.collect::<Vec<_>>().join(comma)
    }
}

fn text(value: &x509_cert::der::Any) -> Option<SmolStr> {
    if let Ok(text) = value.decode_as::<Utf8StringRef<'_>>() {
        return Some(text.as_str().into());
    }
    if let Ok(text) = value.decode_as::<Ia5StringRef<'_>>() {
        return Some(text.as_str().into());
    }
    value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_printed_in_every_programs_way() {
        let name = DistinguishedName(vec![("O".into(), "Example".into()), ("CN".into(), "mail.example.org".into())]);
        assert_eq!(name.one_line(), "/O=Example/CN=mail.example.org");
        assert_eq!(name.spaced(), "O = Example, CN = mail.example.org");
        assert_eq!(name.joined("=", "; "), "O=Example; CN=mail.example.org");
        assert_eq!(name.common_name(), "mail.example.org");
        assert_eq!(DistinguishedName::oid("CN"), Some("2.5.4.3"));
    }
}
