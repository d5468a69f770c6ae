//! `maileater.pl`, the course's example of an alias that runs a command. There is no Perl on the
//! hosts: a file with the text of that script is this program.

use bytes::Bytes;

use crate::host::program::{Entry, Env};

/// The program as a command.
pub const ENTRY: Entry = Entry::Filter { run, reads: |_| true };

/// The script without its first line and white space.
const SCRIPT: &str = "@in=<stdin>;$id=\"\";foreach(@in){$id=$1if(m/Message-Id:<([^>]+)>/)}\
                      open(my$f,\">>\",$ARGV[0]);print$f\"----------$id----------\\n\";print$f@in;close$f;";

/// Whether a text is the script; white space does not count.
pub fn is_it(text: &str) -> bool {
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    body.chars().filter(|c| !c.is_whitespace()).eq(SCRIPT.chars().filter(|c| !c.is_whitespace()))
}

/// Appends a line with the message's id and the message to the file that is named. As the script
/// does, it says nothing when it may not write there.
fn run(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    let mail = String::from_utf8_lossy(&stdin);
    let id = mail
        .lines()
        .filter_map(|line| line.split_once("Message-Id: <")?.1.split_once('>'))
        .map(|(id, _)| id)
        .next_back();
    let mut text = format!("----------{}----------\n", id.unwrap_or_default()).into_bytes();
    text.extend_from_slice(&stdin);
    if let Some(target) = env.args.get(1).map(|target| env.path(target)) {
        let mode = 0o666 & !0o022;
        let _ = env.ctx.host.vfs.append(&target, text, mode, env.cred);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    const TEXT: &str = "#!/usr/bin/env perl\n@in=<stdin>;\n$id=\"\";\nforeach (@in){\n  $id=$1 if (m/Message-Id: <([^>]+)>/)\n}\n\
                        open(my $f, \">>\", $ARGV[0]);\nprint $f \"----------$id----------\\n\";\nprint $f @in;\nclose $f;\n";

    #[test]
    fn the_script_of_the_course_runs() {
        assert!(is_it(TEXT) && !is_it("#!/usr/bin/perl\nprint 1;\n"));
        let mut host = harness::host();
        harness::write(&mut host, "/usr/local/bin/maileater.pl", TEXT);
        let line = "chmod 755 /usr/local/bin/maileater.pl; printf 'Message-Id: <1@x>\\n\\nhi\\n' | maileater.pl /tmp/out; cat /tmp/out";
        let shown = harness::text(&harness::run(&mut host, line)).0;
        assert_eq!(shown, "----------1@x----------\nMessage-Id: <1@x>\n\nhi\n");
    }
}
