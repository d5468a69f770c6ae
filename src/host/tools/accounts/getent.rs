//! getent(1).

use bytes::Bytes;

use crate::host::program::Env;

/// `getent`.
pub fn getent(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let (database, keys) = match env.args.get(1..) {
        Some([database, keys @ ..]) => (database.clone(), keys.to_vec()),
        _ => {
            env.errln("getent: wrong number of arguments");
            return 1;
        }
    };
    if !matches!(database.as_str(), "passwd" | "group" | "hosts" | "services" | "shadow") {
        env.errln(format!("Unknown database: {database}"));
        return 1;
    }
    let text = match env.ctx.host.vfs.read_text(&format!("/etc/{database}"), env.cred) {
        Ok(text) => text,
        Err(_) => return 2,
    };
    if keys.is_empty() {
        text.lines().filter(|line| !line.is_empty()).for_each(|line| env.outln(line));
        return 0;
    }
    let mut status = 0;
    for key in keys {
        let line = text.lines().find(|line| match database.as_str() {
            "hosts" | "services" => line.split_whitespace().any(|word| word == key),
            _ => {
                let mut fields = line.split(':');
                fields.next() == Some(&key) || fields.nth(1) == Some(&key)
            }
        });
        match line {
            Some(line) => env.outln(line),
            None => status = 2,
        }
    }
    status
}
