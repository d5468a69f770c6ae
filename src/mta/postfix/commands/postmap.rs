//! postmap(1): compiles lookup tables, and asks and changes them.

use bytes::Bytes;

use super::table_tool::{Kind, run_tool};
use crate::host::Env;

/// Runs the command.
pub(super) fn run(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let args = env.args.to_vec();
    run_tool(env, &args, &stdin, Kind::Map)
}
