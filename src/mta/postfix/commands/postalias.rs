//! postalias(1): the same for alias tables.

use bytes::Bytes;

use super::table_tool::{Kind, run_tool};
use crate::host::Env;

/// Runs the command.
pub(super) fn run(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = env.args.to_vec();
    run_tool(env, &args, &stdin, Kind::Alias)
}
