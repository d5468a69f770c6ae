//! What would have happened otherwise: the same story once more, without one line of a file.

use super::stage::Stage;
use crate::host::vfs::Cred;
use crate::session::Input;
use crate::sim::{HostId, Time};
use crate::trace::{EventId, Source};

impl Stage {
    /// Plays everything again from before an event began, without the line that a rule of its decision stands on:
    /// another future, with all that was done since. What cannot be done is told.
    pub fn without(&mut self, event: EventId, source: &Source) {
        let Some((host, moment)) = self.beginning(event) else { return };
        let before = self.session.clone();
        let at = self.index.director.moment_at(moment);
        let later: Vec<(Time, Input)> = before
            .recording()
            .inputs()
            .filter(|(time, _)| *time > moment)
            .map(|(time, input)| (time, input.clone()))
            .collect();
        self.session.rewind(moment);
        if let Err(error) = self.leave_out(host, source) {
            self.session = before;
            self.error = Some(error);
            return;
        }
        for (time, input) in later {
            self.session.advance(time);
            // What is no longer possible belongs to what is different now.
            let _ = self.session.apply(input);
        }
        self.finish(before, at);
    }

    /// Where an event happened, and a moment shortly before the first thing that led to it.
    fn beginning(&self, event: EventId) -> Option<(HostId, Time)> {
        let trace = self.session.world().trace();
        let event = trace.get(event)?;
        let mut first = event;
        while let Some(earlier) = first.cause.filter(|cause| *cause < first.id).and_then(|id| trace.get(id)) {
            first = earlier;
        }
        let begin = first.time.max(self.session.scenario().start);
        Some((event.host?, Time::from_micros(begin.micros().saturating_sub(1))))
    }

    /// Takes a line out of a file of a host, and lets the programs that read it know.
    fn leave_out(&mut self, host: HostId, source: &Source) -> Result<(), String> {
        let file = source.file.as_str();
        let world = self.session.world();
        let (name, vfs) = (world.host(host).name.to_string(), &world.host(host).vfs);
        let text = vfs.read_text(file, &Cred::ROOT).map_err(|error| format!("{file}: {error}"))?;
        let text = without_line(&text, source.line as usize);
        let command =
            |line: String| Input::Command { host: name.clone(), user: "root".to_owned(), line, stdin: String::new() };
        let mut inputs = vec![Input::Write { host: name.clone(), path: file.to_owned(), text }];
        if vfs.exists(&format!("{file}.db")) {
            let program = if file.ends_with("aliases") { "newaliases".to_owned() } else { format!("postmap {file}") };
            inputs.push(command(program));
        }
        if file.starts_with("/etc/postfix/") {
            inputs.push(command("postfix reload".to_owned()));
        }
        for input in inputs {
            self.session.apply(input).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// A text with one logical line made a comment: the lines that continue it, too.
fn without_line(text: &str, number: usize) -> String {
    let mut out = String::new();
    let mut within = false;
    for (at, line) in (1..).zip(text.split_inclusive('\n')) {
        let continues = line.starts_with([' ', '\t']);
        within = at == number || (within && continues);
        if within && at == number && continues {
            // A part of a longer value: only this part goes.
            within = false;
            continue;
        }
        if within {
            out.push_str("# ");
        }
        out.push_str(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_line;

    #[test]
    fn a_line_goes_with_what_continues_it_and_a_continuation_alone() {
        let text = "a = 1\nb = 2,\n  3\nc = 4\n";
        assert_eq!(without_line(text, 2), "a = 1\n# b = 2,\n#   3\nc = 4\n");
        assert_eq!(without_line(text, 3), "a = 1\nb = 2,\nc = 4\n");
    }
}
