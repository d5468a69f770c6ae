//! postmulti(1): the instances of Postfix on a host. There is one, the primary instance, unless
//! `multi_instance_directories` names more.

use bytes::Bytes;

use super::console::Console;
use super::getopt::getopt;
use crate::host::Env;
use crate::host::program::Entry;
use crate::mta::postfix::config::{Config, DIRECTORY, MainCf};

/// A configured instance.
struct Instance {
    name: String,
    group: String,
    enabled: bool,
    directory: String,
}

/// Runs the command.
pub(super) fn run(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let name = env.args.first().map_or("postmulti", |name| name.rsplit('/').next().unwrap_or(name)).to_owned();
    let console = Console::new(&name, Some("postfix/postmulti"));
    match start(env, &console, stdin) {
        Ok(status) => status,
        Err(text) => console.fatal(env, &text),
    }
}

fn start(env: &mut Env<'_, '_>, console: &Console, stdin: Bytes) -> Result<u8, String> {
    const USAGE: &str =
        "usage: postmulti [-v] [-a] [-g group] [-i instance] -l | -x command... | -p command... | -e action";
    let (options, mut rest) = match getopt(env.args, "ae:g:i:G:I:lpRvx") {
        Ok(split) => split,
        Err(error) => return Ok(console.usage(env, &error, USAGE)),
    };
    let value = |letter: char| options.iter().rev().find(|option| option.letter == letter).map(|o| o.value.clone());
    let has = |letter: char| options.iter().any(|option| option.letter == letter);
    let mut notes = Vec::new();
    let config = Config::load_main(env.ctx.host, DIRECTORY, &mut notes);
    notes.iter().for_each(|note| console.note(env, note));
    let config = config.map_err(|error| error.0)?;
    let mut instances = instances(env, &config);
    if let Some(wanted) = value('i') {
        instances.retain(|instance| instance.name == wanted || instance.directory == wanted);
        if instances.is_empty() {
            return Err(format!("No matching instances: {wanted}"));
        }
    }
    if let Some(group) = value('g') {
        instances.retain(|instance| instance.group == group);
    }
    if has('l') {
        for instance in &instances {
            let enabled = if instance.enabled { "y" } else { "n" };
            env.outln(format!("{:<15} {:<15} {enabled:<9} {}", instance.name, instance.group, instance.directory));
        }
        return Ok(0);
    }
    if value('e').is_some() {
        // `init` prepares the primary instance, which needs nothing more here.
        return Ok(0);
    }
    if has('p') {
        rest.insert(0, "postfix".to_owned());
    } else if !has('x') {
        return Err(USAGE.to_owned());
    }
    let Some(command) = rest.first().cloned() else { return Err(USAGE.to_owned()) };
    let mut status = 0;
    for instance in &instances {
        let Some(Entry::Filter { run, .. }) = env.ctx.host.programs.find(&command) else {
            return Err(format!("execute {command}: No such file or directory"));
        };
        let mut vars = env.vars.clone();
        vars.insert("MAIL_CONFIG".into(), instance.directory.clone());
        let mut inner = env.for_command(&rest, &vars);
        status = run(&mut inner, stdin.clone());
    }
    Ok(status)
}

fn instances(env: &Env<'_, '_>, config: &Config) -> Vec<Instance> {
    let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let params = config.global();
    let mut found = vec![Instance {
        name: dash(&params.get("multi_instance_name")),
        group: dash(&params.get("multi_instance_group")),
        enabled: true,
        directory: DIRECTORY.to_owned(),
    }];
    for directory in params.list("multi_instance_directories") {
        let path = format!("{directory}/main.cf");
        let Ok(text) = env.ctx.host.vfs.read_text(&path, env.cred) else { continue };
        let Ok(main) = MainCf::parse(&path, &text, &mut Vec::new()) else { continue };
        let get = |name: &str| main.get(name).map(|setting| setting.value.to_string()).unwrap_or_default();
        found.push(Instance {
            name: dash(&get("multi_instance_name")),
            group: dash(&get("multi_instance_group")),
            enabled: get("multi_instance_enable") == "yes",
            directory: directory.to_string(),
        });
    }
    found
}
