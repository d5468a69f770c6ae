//! Showing parameters of `main.cf`.

use smol_str::SmolStr;

use super::unused::Names;
use super::{Postconf, print};
use crate::host::Env;
use crate::mta::postfix::config::defaults;

impl Postconf<'_> {
    /// Shows the named parameters, or all.
    pub(super) fn show_main(&self, env: &mut Env<'_, '_>, requested: &[String]) -> Result<u8, String> {
        let names = self.names();
        if !self.options.defaults {
            names.undefined.iter().for_each(|note| self.console.warning(env, note));
        }
        if requested.is_empty() {
            for name in self.all(&names) {
                self.show_parameter(env, &name, &names)?;
            }
        }
        for name in requested {
            let shown = !self.options.non_default || self.config.main.get(name).is_some();
            if self.is_known(name, &names) && !shown {
                continue;
            }
            if self.is_known(name, &names) {
                self.show_parameter(env, name, &names)?;
            } else {
                self.console.warning(env, &format!("{name}: unknown parameter"));
            }
        }
        if !self.options.defaults {
            names.unused_main.iter().chain(&names.unused_master).for_each(|note| self.console.warning(env, note));
        }
        Ok(0)
    }

    fn is_known(&self, name: &str, names: &Names) -> bool {
        defaults::is_known(name) || names.service.contains_key(name) || names.user.contains(name)
    }

    /// The names of the wanted classes, in order of the alphabet.
    fn all(&self, names: &Names) -> Vec<SmolStr> {
        let classes = self.options.classes;
        let mut all: Vec<SmolStr> = Vec::new();
        if classes.builtin {
            all.extend(defaults::names().filter(|name| !defaults::is_of_service(name)).cloned());
        }
        if classes.service {
            all.extend(names.service.keys().cloned());
        }
        if classes.user {
            all.extend(names.user.iter().cloned());
        }
        if self.options.non_default {
            all.retain(|name| self.config.main.get(name).is_some());
        }
        all.sort();
        all
    }

    fn show_parameter(&self, env: &mut Env<'_, '_>, name: &str, names: &Names) -> Result<(), String> {
        if name == "mynetworks" {
            self.config.check_networks().map_err(|fatal| fatal.0)?;
        }
        let params = self.config.global();
        let own = self.config.main.get(name).map(|setting| setting.value.clone());
        let raw =
            if self.options.defaults { params.default_value(name) } else { own.or_else(|| params.default_value(name)) };
        let raw = raw.or_else(|| names.service.get(name).cloned()).unwrap_or_default();
        let value =
            if self.options.expand && !self.options.hide_value { self.expand_text(env, &raw, name)? } else { raw };
        let line = match (self.options.hide_name, self.options.hide_value) {
            (_, true) => name.to_owned(),
            (true, false) => value.to_string(),
            (false, false) if value.is_empty() => format!("{name} ="),
            (false, false) => format!("{name} = {value}"),
        };
        env.outln(print::line(&line, self.options.fold));
        Ok(())
    }

    /// Expands a value as programs would.
    pub(super) fn expand_text(&self, env: &mut Env<'_, '_>, raw: &str, name: &str) -> Result<SmolStr, String> {
        let params = self.config.global();
        if self.config.main.get(name).is_none() {
            return Ok(params.expanded(raw));
        }
        params.expand_value(name).map_err(|error| {
            self.console.warning(env, &error.to_string());
            "macro processing error".to_owned()
        })
    }
}
