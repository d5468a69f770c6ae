//! `getopt(3)` as Postfix's commands use it: options end at the first argument that is none.

/// An option with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Opt {
    pub(super) letter: char,
    pub(super) value: String,
}

/// Splits arguments (the program's name first) into options and operands. `known` lists the option
/// letters, with a colon after those that take a value.
///
/// # Errors
/// The C library's message, without the program's name.
pub(super) fn getopt(args: &[String], known: &str) -> Result<(Vec<Opt>, Vec<String>), String> {
    let mut options = Vec::new();
    let mut rest = args.get(1..).unwrap_or_default().iter();
    while let Some(arg) = rest.as_slice().first() {
        if arg == "--" {
            rest.next();
            break;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|letters| !letters.is_empty()) else { break };
        rest.next();
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let takes_value = match known.find(letter) {
                Some(at) if letter != ':' => known[at + letter.len_utf8()..].starts_with(':'),
                _ => return Err(format!("invalid option -- '{letter}'")),
            };
            let mut value = String::new();
            if takes_value {
                value = letters.as_str().to_owned();
                letters = "".chars();
                if value.is_empty() {
                    let next = rest.next().ok_or_else(|| format!("option requires an argument -- '{letter}'"))?;
                    value.clone_from(next);
                }
            }
            options.push(Opt { letter, value });
        }
    }
    Ok((options, rest.cloned().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<(String, Vec<String>), String> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (options, rest) = getopt(&args, "ab:#")?;
        Ok((options.iter().map(|option| format!("{}{}", option.letter, option.value)).collect(), rest))
    }

    #[test]
    fn splits_options_from_operands() {
        assert_eq!(split("x -ab1 -b 2 -# f -a"), Ok(("ab1b2#".to_owned(), vec!["f".to_owned(), "-a".to_owned()])));
        assert_eq!(split("x -a -- -b"), Ok(("a".to_owned(), vec!["-b".to_owned()])));
        assert_eq!(split("x -z"), Err("invalid option -- 'z'".to_owned()));
        assert_eq!(split("x -b"), Err("option requires an argument -- 'b'".to_owned()));
    }
}
