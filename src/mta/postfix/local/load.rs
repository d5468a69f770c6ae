//! Reading local(8)'s parameters, with the checks that it makes when it starts.

use super::settings::{DeliveredHeader, Expansions, Settings};
use super::template::Template;
use super::wire::{LocalConf, Tables};
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::{Fatal, Params};
use crate::mta::postfix::mbox_open::dot_locks;

impl LocalConf {
    /// Reads the parameters of a service.
    ///
    /// # Errors
    /// A parameter has no valid value, or two contradict each other: local(8) does not start.
    pub fn load(params: &Params<'_>, host: &Host) -> Result<LocalConf, Fatal> {
        let settings = settings(params, host)?;
        let message_size_limit = params.int("message_size_limit")?;
        let limit = settings.mailbox_size_limit;
        if limit > 0 && (limit < message_size_limit || message_size_limit == 0) {
            return Err(Fatal("configuration error: mailbox_size_limit is smaller than message_size_limit".into()));
        }
        let tables = Tables {
            alias: params.maps("alias_maps")?,
            mailbox_transport: params.maps("mailbox_transport_maps")?,
            mailbox_command: params.maps("mailbox_command_maps")?,
            fallback_transport: params.maps("fallback_transport_maps")?,
        };
        Ok(LocalConf { settings, tables })
    }
}

fn settings(params: &Params<'_>, host: &Host) -> Result<Settings, Fatal> {
    let text = |name: &str| params.get(name);
    let names = |name: &str, word: &str| params.list(name).iter().any(|known| known.eq_ignore_ascii_case(word));
    let expansions = |name: &str| {
        Expansions::parse(&params.list(name))
            .map_err(|word| Fatal(format!("unknown {name} value: \"{word}\" in \"{}\"", params.get(name))))
    };
    Ok(Settings {
        myhostname: text("myhostname"),
        mail_name: text("mail_name"),
        queue_directory: text("queue_directory"),
        config_directory: text("config_directory"),
        recipient_delimiter: text("recipient_delimiter"),
        // Names in it are those of the delivery, not of main.cf.
        forward_path: crate::mta::postfix::config::tokens::list(&params.raw("forward_path").unwrap_or_default())
            .into_iter()
            .map(Template::parse)
            .collect(),
        forward_expansion_filter: text("forward_expansion_filter").as_str().into(),
        allow_mail_to_commands: expansions("allow_mail_to_commands")?,
        allow_mail_to_files: expansions("allow_mail_to_files")?,
        default_privs: default_privs(params, host)?,
        luser_relay: params.raw("luser_relay").unwrap_or_default(),
        propagate_alias: names("propagate_unmatched_extensions", "alias"),
        propagate_forward: names("propagate_unmatched_extensions", "forward"),
        owner_request_special: params.bool("owner_request_special")?,
        expand_owner_alias: params.bool("expand_owner_alias")?,
        reset_owner_alias: params.bool("reset_owner_alias")?,
        frozen_delivered_to: params.bool("frozen_delivered_to")?,
        home_mailbox: text("home_mailbox"),
        mail_spool_directory: text("mail_spool_directory"),
        mailbox_command: params.raw("mailbox_command").unwrap_or_default(),
        mailbox_transport: text("mailbox_transport"),
        fallback_transport: text("fallback_transport"),
        mailbox_size_limit: params.int("mailbox_size_limit")?,
        require_home_directory: params.bool("require_home_directory")?,
        enable_original_recipient: params.bool("enable_original_recipient")?,
        strict_mailbox_ownership: params.bool("strict_mailbox_ownership")?,
        prepend_delivered_header: DeliveredHeader {
            command: names("prepend_delivered_header", "command"),
            file: names("prepend_delivered_header", "file"),
            forward: names("prepend_delivered_header", "forward"),
        },
        command_time_limit: params.time("command_time_limit")?,
        local_command_shell: text("local_command_shell"),
        command_execution_directory: params.raw("command_execution_directory").unwrap_or_default(),
        command_expansion_filter: text("command_expansion_filter").as_str().into(),
        execution_directory_expansion_filter: text("execution_directory_expansion_filter").as_str().into(),
        duplicate_filter_limit: params.int("duplicate_filter_limit")?,
        dot_lock: dot_locks(params, "mailbox_delivery_lock")?,
        deliver_lock_attempts: params.int("deliver_lock_attempts")?,
        deliver_lock_delay: params.time("deliver_lock_delay")?,
        stale_lock_time: params.time("stale_lock_time")?,
    })
}

/// The rights of whom nobody else is responsible for; root must not be chosen.
fn default_privs(params: &Params<'_>, host: &Host) -> Result<Cred, Fatal> {
    let name = params.get("default_privs");
    let user = host.accounts.user(&name).ok_or_else(|| {
        Fatal(format!(
            "file {}/main.cf: parameter default_privs: unknown user name value: {name}",
            params.get("config_directory")
        ))
    })?;
    if user.uid == 0 || user.gid == 0 {
        return Err(Fatal(format!(
            "file {}/main.cf: parameter default_privs: user {name} has privileged {}",
            params.get("config_directory"),
            if user.uid == 0 { "user ID" } else { "group ID" }
        )));
    }
    Ok(Cred { uid: user.uid, gid: user.gid, groups: Vec::new() })
}
