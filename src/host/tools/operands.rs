//! Whether a filter reads standard input, told from its command line.

/// How the command line of a filter is to be read for that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Operands {
    /// Letters of options with a value.
    pub valued: &'static str,
    /// Letters of options whose value, if there is one, stands in the same word.
    pub attached: &'static str,
    /// Number of operands before the files: a script, a pattern.
    pub before: usize,
    /// Letters of options that take the place of those operands.
    pub instead: &'static str,
}

impl Operands {
    /// A filter without options that have values.
    pub const PLAIN: Operands = Operands { valued: "", attached: "", before: 0, instead: "" };

    /// A filter whose options with these letters have values.
    pub const fn valued(valued: &'static str) -> Operands {
        Operands { valued, ..Operands::PLAIN }
    }

    /// Whether no operand names a file, or one of them is `-`.
    pub fn read_stdin(self, args: &[String]) -> bool {
        let (mut files, mut before) = (Vec::new(), self.before);
        let mut rest = args.iter().skip(1);
        while let Some(arg) = rest.next() {
            if arg == "--" {
                files.extend(rest);
                break;
            }
            // A long option goes by its first letter, which is that of the short one.
            let (letters, is_long) = match (arg.strip_prefix("--"), arg.strip_prefix('-')) {
                (Some(name), _) => (&name[..name.chars().next().map_or(0, char::len_utf8)], true),
                (None, Some(letters)) if !letters.is_empty() => (letters, false),
                _ => {
                    files.push(arg);
                    continue;
                }
            };
            for (at, letter) in letters.char_indices() {
                if self.instead.contains(letter) {
                    before = 0;
                }
                if self.attached.contains(letter) {
                    break;
                }
                if self.valued.contains(letter) {
                    let is_attached = if is_long { arg.contains('=') } else { at + letter.len_utf8() < letters.len() };
                    if !is_attached {
                        rest.next();
                    }
                    break;
                }
            }
        }
        files.len() <= before || files[before..].iter().any(|file| *file == "-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_their_values_are_told_from_files() {
        let sed = Operands { valued: "efl", attached: "i", before: 1, instead: "ef" };
        let sort = Operands::valued("ktoST");
        for (how, line, reads) in [
            (sort, "sort", true),
            (sort, "sort -k 2 -t :", true),
            (sort, "sort -k2 file", false),
            (sort, "sort -nrk 2 file", false),
            (sort, "sort --key=2 file", false),
            (sort, "sort --key 2", true),
            (sort, "sort file -", true),
            (sort, "sort -- -file", false),
            (sed, "sed p", true),
            (sed, "sed -n p file", false),
            (sed, "sed -i.before p file", false),
            (sed, "sed -e p -e q file", false),
            (sed, "sed -e p -e q", true),
            (sed, "sed --expression=p file", false),
        ] {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(how.read_stdin(&args), reads, "{line}");
        }
    }
}
