//! Options as getopt_long(3) takes them apart.

/// Options and operands of a command line.
#[derive(Clone, Debug, Default)]
pub struct Args {
    options: Vec<(char, String)>,
    /// What is not an option.
    pub operands: Vec<String>,
}

impl Args {
    /// Takes a command line apart. `spec` lists the letters, `:` after those with a value, as for
    /// getopt(3); `long` gives the letter of each long option.
    ///
    /// # Errors
    /// The words of getopt about the first option that is not known.
    pub fn parse(args: &[String], spec: &str, long: &[(&str, char)]) -> Result<Args, String> {
        let takes_value =
            |letter: char| spec.split_once(letter).map(|(_, after)| after.starts_with(':')).filter(|_| letter != ':');
        let mut parsed = Args::default();
        let mut rest = args.iter().skip(1);
        while let Some(arg) = rest.next() {
            if arg == "--" {
                parsed.operands.extend(rest.cloned());
                break;
            }
            if let Some(name) = arg.strip_prefix("--") {
                let (name, value) = match name.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (name, None),
                };
                let Some((_, letter)) = long.iter().find(|(own, _)| *own == name) else {
                    return Err(format!("unrecognized option '{arg}'"));
                };
                let value = match value {
                    Some(value) => value,
                    None if takes_value(*letter) == Some(true) => rest.next().cloned().unwrap_or_default(),
                    None => String::new(),
                };
                parsed.options.push((*letter, value));
                continue;
            }
            let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                parsed.operands.push(arg.clone());
                continue;
            };
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                match takes_value(letter) {
                    None => return Err(format!("invalid option -- '{letter}'")),
                    Some(false) => parsed.options.push((letter, String::new())),
                    Some(true) => {
                        let attached = letters.as_str();
                        let value = if attached.is_empty() {
                            match rest.next() {
                                Some(value) => value.clone(),
                                None => return Err(format!("option requires an argument -- '{letter}'")),
                            }
                        } else {
                            attached.to_owned()
                        };
                        parsed.options.push((letter, value));
                        break;
                    }
                }
            }
        }
        Ok(parsed)
    }

    /// Whether an option was given.
    pub fn has(&self, letter: char) -> bool {
        self.options.iter().any(|(own, _)| *own == letter)
    }

    /// The last value of an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        self.options.iter().rev().find(|(own, _)| *own == letter).map(|(_, value)| value.as_str())
    }

    /// All values of an option, in order.
    pub fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        self.options.iter().filter(move |(own, _)| *own == letter).map(|(_, value)| value.as_str())
    }

    /// The last of several options that exclude each other.
    pub fn last_of(&self, letters: &str) -> Option<char> {
        self.options.iter().rev().map(|(own, _)| *own).find(|own| letters.contains(*own))
    }

    /// The operands, or `-` alone if there are none.
    pub fn files(&self) -> Vec<String> {
        if self.operands.is_empty() { vec!["-".into()] } else { self.operands.clone() }
    }
}

/// Parses, or reports what is wrong and gives the status of a usage error.
macro_rules! parse {
    ($env:expr, $tool:expr, $spec:expr, $long:expr) => {
        match $crate::host::tools::args::Args::parse($env.args, $spec, $long) {
            Ok(args) => args,
            Err(text) => {
                $env.errln(format!("{}: {text}", $tool));
                $env.errln(format!("Try '{} --help' for more information.", $tool));
                return 1;
            }
        }
    };
}
pub(super) use parse;
