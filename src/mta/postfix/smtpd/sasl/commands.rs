//! `saslpasswd2(8)` and `sasldblistusers2(8)`.

use std::sync::Arc;

use bytes::Bytes;

use super::sasldb::SaslDb;
use crate::host::program::{Entry, Env, Programs};
use crate::host::vfs::{Content, Errno, Object};

const PATH: &str = "/etc/sasldb2";
const USAGE: &str = "saslpasswd2: usage: saslpasswd2 [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid";

/// Installs the commands.
pub fn install(programs: &mut Programs) {
    programs.install("saslpasswd2", Entry::Filter { run: saslpasswd2, reads: |_| true });
    programs.install("sasldblistusers2", Entry::Filter { run: sasldblistusers2, reads: |_| false });
}

/// What the options of both commands say.
#[derive(Default)]
struct Options {
    delete: bool,
    path: Option<String>,
    realm: Option<String>,
    user: Option<String>,
}

fn options(args: &[String]) -> Option<Options> {
    let mut options = Options::default();
    let mut args = args.iter().skip(1);
    while let Some(arg) = args.next() {
        let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.user = Some(arg.clone());
            continue;
        };
        for (at, letter) in letters.char_indices() {
            match letter {
                'p' | 'c' | 'n' | 'v' => {}
                'd' => options.delete = true,
                'u' | 'f' | 'a' => {
                    let rest = letters.get(at + 1..).unwrap_or_default();
                    let value = if rest.is_empty() { args.next().cloned()? } else { rest.to_owned() };
                    match letter {
                        'u' => options.realm = Some(value),
                        'f' => options.path = Some(value),
                        _ => {}
                    }
                    break;
                }
                _ => return None,
            }
        }
    }
    Some(options)
}

fn open(env: &Env<'_, '_>, path: &str) -> Result<SaslDb, Errno> {
    let content = env.ctx.host.vfs.read(path, env.cred)?;
    Ok(content.object::<SaslDb>().map(|db| (*db).clone()).unwrap_or_default())
}

fn saslpasswd2(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let Some((options, user)) = options(env.args).and_then(|options| options.user.clone().map(|user| (options, user)))
    else {
        env.errln(USAGE);
        return 1;
    };
    let path = options.path.map_or_else(|| PATH.to_owned(), |path| env.path(&path));
    let (user, realm) = match (user.split_once('@'), options.realm) {
        (Some((user, realm)), None) => (user.to_owned(), realm.to_owned()),
        (_, Some(realm)) => (user, realm),
        (None, None) => (user, env.ctx.host.fqdn.to_string()),
    };
    let mut db = match open(env, &path) {
        Ok(db) => db,
        Err(Errno::NoEnt) => SaslDb::default(),
        Err(_) => {
            env.errln("saslpasswd2: generic failure");
            return 1;
        }
    };
    if options.delete {
        if !db.remove(&user, &realm) {
            env.errln("saslpasswd2: user not found");
            return 1;
        }
    } else {
        let text = String::from_utf8_lossy(&stdin);
        db.set(&user, &realm, text.lines().next().unwrap_or_default());
    }
    let content = Content::Object(Arc::new(db) as Arc<dyn Object>);
    match env.ctx.host.vfs.write(&path, content, 0o640, env.cred) {
        Ok(_) => 0,
        Err(_) => {
            env.errln("saslpasswd2: generic failure");
            1
        }
    }
}

fn sasldblistusers2(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let path = options(env.args).and_then(|options| options.path);
    let path = path.map_or_else(|| PATH.to_owned(), |path| env.path(&path));
    match open(env, &path) {
        Ok(db) => {
            for (user, realm) in db.users() {
                env.outln(format!("{user}@{realm}: userPassword"));
            }
            0
        }
        Err(_) => {
            env.errln("listusers failed");
            1
        }
    }
}
