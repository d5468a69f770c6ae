//! `help`: the builtins, and where to read about everything else.

use super::{Call, Outcome};
use crate::host::man;

impl Call<'_, '_> {
    pub(super) fn help(&mut self) -> Outcome {
        let Some(name) = self.args.first().cloned() else {
            let mut text = String::from(
                "A shell of a simulated host. Commands of the host have pages: `man postqueue`, `man mydestination`,\n\
                 `man -k queue`. These are the shell's own commands; `help NAME` says more about one.\n\n",
            );
            for (name, synopsis, _) in man::builtins() {
                text.push_str(&format!("  {}\n", if synopsis.is_empty() { name } else { synopsis }));
            }
            return self.out(&text);
        };
        match man::builtins().find(|(own, ..)| *own == name) {
            Some((name, synopsis, text)) => self.out(&format!("{name}: {synopsis}\n    {text}\n")),
            None => {
                let text = format!(
                    "help: no help topics match `{name}'.  Try `help help' or `man -k {name}' or `info {name}'."
                );
                self.fail(&text, 1)
            }
        }
    }
}
