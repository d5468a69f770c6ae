//! `postconf -t` and `-b`: the templates of notifications, which bounce(8) prints.

use crate::host::Env;
use crate::mta::postfix::bounce::Templates;
use crate::mta::postfix::bounce::template::{Template, Texts};
use crate::mta::postfix::commands::messages::record;
use crate::mta::postfix::config::Config;

/// The program that prints, as it calls itself.
const NAME: &str = "postfix/bounce";

/// Prints the templates of a file, or those in use; `expanded` with the values of parameters.
pub(super) fn run(env: &mut Env<'_, '_>, expanded: bool, directory: &str, file: Option<&str>) -> Result<u8, String> {
    let config = Config::load_main(env.ctx.host, &env.path(directory), &mut Vec::new()).map_err(|error| error.0)?;
    let params = config.global();
    let templates = match file {
        Some(file) => Templates::read(&env.path(file), env.ctx.host),
        None => Templates::load(&params, env.ctx.host),
    };
    let templates = match templates {
        Ok(templates) => templates,
        Err(fatal) => return Ok(die(env, &fatal.0)),
    };
    for warning in &templates.warnings {
        say(env, &format!("warning: {warning}"));
    }
    let mut all = Vec::new();
    for template in Template::ALL {
        let texts = templates.of(template);
        if !expanded {
            all.push(texts.dump(template));
            continue;
        }
        let (text, warnings) = texts.expand(template, &params);
        for warning in warnings {
            say(env, &format!("warning: {warning}"));
        }
        match text {
            Ok(text) => all.push(Texts::dump_expanded(template, &text)),
            Err(fatal) => return Ok(die(env, &fatal.0)),
        }
    }
    env.stdout.extend_from_slice(all.join("\n").as_bytes());
    Ok(0)
}

fn say(env: &mut Env<'_, '_>, text: &str) {
    env.errln(format!("{NAME}: {text}"));
    record(env, "bounce", text);
}

fn die(env: &mut Env<'_, '_>, text: &str) -> u8 {
    say(env, &format!("fatal: {text}"));
    1
}
