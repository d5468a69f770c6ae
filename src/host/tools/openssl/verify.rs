//! `openssl verify`.

use crate::host::program::Env;
use crate::host::tls::{Certificate, TrustStore};
use crate::host::tools::read_file;

/// `openssl verify [-CAfile FILE] [-untrusted FILE] [-verify_hostname NAME] CERT…`: 0, or 2 if one
/// is not good.
pub fn verify(env: &mut Env<'_, '_>, args: &[String]) -> u8 {
    let (mut authorities, mut untrusted, mut name, mut files) = (None, None, None, Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-CAfile" => authorities = rest.next().cloned(),
            "-untrusted" => untrusted = rest.next().cloned(),
            "-verify_hostname" => name = rest.next().cloned(),
            option if option.starts_with('-') => {
                env.errln(super::unknown("verify", option));
                return 1;
            }
            file => files.push(file.to_owned()),
        }
    }
    let read = |env: &mut Env<'_, '_>, file: &str| {
        let content = read_file(env, &env.path(file)).unwrap_or_default();
        Certificate::parse_pem(&String::from_utf8_lossy(&content))
    };
    let authorities = authorities.map(|file| env.path(&file));
    let store = TrustStore::with_system(authorities.as_deref(), env.ctx.host);
    let others = untrusted.map(|file| read(env, &file)).unwrap_or_default();
    let mut status = 0;
    for file in files {
        let Some(leaf) = read(env, &file).into_iter().next() else {
            env.errln(format!("Could not read certificate file from {file}\nUnable to load certificate file"));
            status = 2;
            continue;
        };
        let chain: Vec<Certificate> = std::iter::once(leaf).chain(others.iter().cloned()).collect();
        let (path, problems) = store.verify(&chain, name.as_deref(), env.ctx.now);
        // Without a callback the first problem ends the verification.
        let Some(problem) = problems.first() else {
            env.outln(format!("{file}: OK"));
            continue;
        };
        status = 2;
        let subject = path.get(problem.depth).map(|certificate| certificate.subject_dn.spaced()).unwrap_or_default();
        let (number, text) = (problem.kind.number(), problem.kind.text());
        env.errln(format!("{subject}\nerror {number} at {} depth lookup: {text}", problem.depth));
        env.errln(format!("error {file}: verification failed"));
    }
    status
}
