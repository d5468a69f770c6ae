//! Lists of TLS versions (`tls_proto_mask_lims`, TLS_README).

use smol_str::SmolStr;

/// The versions that Postfix knows, oldest first.
const VERSIONS: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// The oldest that OpenSSL still speaks.
const OLDEST: usize = 2;

/// The versions that a list leaves, newest first; `None` if it names an unknown one.
pub fn parse(list: &str) -> Option<Vec<SmolStr>> {
    let position = |name: &str| VERSIONS.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
    let (mut included, mut excluded) = ([false; VERSIONS.len()], [false; VERSIONS.len()]);
    let (mut floor, mut ceiling) = (OLDEST, VERSIONS.len() - 1);
    for word in list.split([' ', '\t', '\n', ',', ':']).filter(|word| !word.is_empty()) {
        if let Some(name) = word.strip_prefix(">=") {
            floor = position(name)?.max(OLDEST);
        } else if let Some(name) = word.strip_prefix("<=") {
            ceiling = position(name)?;
        } else if let Some(name) = word.strip_prefix('!') {
            *excluded.get_mut(position(name)?)? = true;
        } else {
            *included.get_mut(position(word)?)? = true;
        }
    }
    let all = !included.contains(&true);
    let usable = |at: usize| (all || included[at]) && !excluded[at];
    // OpenSSL has only a range: of what has a hole it takes the older part.
    let range = (floor..=ceiling).skip_while(|at| !usable(*at)).take_while(|at| usable(*at));
    let mut versions: Vec<SmolStr> = range.map(|at| SmolStr::new_static(VERSIONS[at])).collect();
    versions.reverse();
    Some(versions)
}

/// Whether this is the name of a cipher grade (`tls_cipher_level`).
pub fn is_grade(name: &str) -> bool {
    ["export", "low", "medium", "high", "null"].iter().any(|grade| grade.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_postfix_reads_them() {
        for (list, want) in [
            ("", Some("TLSv1.3 TLSv1.2 TLSv1.1 TLSv1")),
            (">=TLSv1.2", Some("TLSv1.3 TLSv1.2")),
            (">=TLSv1.2:<=TLSv1.2", Some("TLSv1.2")),
            ("TLSv1.2", Some("TLSv1.2")),
            ("!SSLv2, !SSLv3", Some("TLSv1.3 TLSv1.2 TLSv1.1 TLSv1")),
            ("!TLSv1.2", Some("TLSv1.1 TLSv1")),
            ("TLSv9", None),
        ] {
            assert_eq!(parse(list).map(|versions| versions.join(" ")).as_deref(), want, "{list}");
        }
    }
}
