//! Short ways to the lists and tables that smtpd(8) asks.

use smol_str::SmolStr;

use crate::host::Host;
use crate::mta::postfix::maps::{AddressFinder, Found, LookupError, Maps, MatchList, Strategy, Subject};
use crate::trace::Source;

/// Whether a list of clients matches, and if so where the pattern stands.
///
/// # Errors
/// A table of the list cannot be read, or a pattern is malformed.
pub fn client_matches(
    list: &MatchList,
    name: &str,
    addr: &str,
    host: &Host,
) -> Result<Option<Option<Source>>, LookupError> {
    Ok(list.matches(Subject::Client { name, addr }, host)?.map(|found| found.source))
}

/// Whether a list of words matches; a list that cannot be read does not.
pub fn word_matches(list: &MatchList, word: &str, host: &Host) -> bool {
    !list.is_empty() && matches!(list.matches(Subject::String(word), host), Ok(Some(_)))
}

/// The entry of an address, with all the keys that address tables are asked for.
///
/// # Errors
/// A table cannot be read.
pub fn find_address(
    maps: &Maps,
    address: &str,
    finder: &AddressFinder,
    host: &Host,
) -> Result<Option<Found>, LookupError> {
    if maps.is_empty() {
        return Ok(None);
    }
    Ok(finder.find(maps, address, Strategy::DEFAULT, host)?.map(|found| found.found))
}

/// A list in which words stand for bits: `smtpd_discard_ehlo_keywords`.
pub fn words(list: &[SmolStr]) -> Vec<SmolStr> {
    list.iter().map(|word| word.to_ascii_lowercase().into()).collect()
}
