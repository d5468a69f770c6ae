//! Message lists of mail(1): numbers and ranges, `.`, `^`, `$`, `*`, `+`, `-`, `/subject`, `:status`,
//! and names of senders.

/// What a list looks at in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub sender: String,
    pub subject: String,
    pub new: bool,
    pub read: bool,
    pub old: bool,
    pub deleted: bool,
}

/// The indexes that a list names, in order; the present message without a list. With `deleted`
/// only deleted messages are meant, otherwise only others.
///
/// # Errors
/// What mail(1) says about a list that names nothing.
pub(super) fn resolve(list: &str, messages: &[Seen], dot: usize, deleted: bool) -> Result<Vec<usize>, String> {
    let meant = |index: &usize| messages.get(*index).is_some_and(|message| message.deleted == deleted);
    if list.trim().is_empty() {
        return match meant(&dot) {
            true => Ok(vec![dot]),
            false => Err("No applicable messages".to_owned()),
        };
    }
    let number = |text: &str| match text {
        "$" => Some(messages.len()),
        "^" => Some(1),
        "." => Some(dot + 1),
        text => text.parse().ok(),
    };
    let mut chosen = vec![false; messages.len()];
    // Names and conditions narrow down; numbers name exactly.
    let (mut names, mut subject, mut status, mut by_number) = (Vec::new(), None, None, false);
    for word in list.split_whitespace() {
        if word == "*" {
            by_number = true;
            (0..messages.len()).filter(|index| meant(index)).for_each(|index| chosen[index] = true);
        } else if word == "+" || word == "-" {
            by_number = true;
            let next = match word {
                "+" => (dot + 1..messages.len()).find(|index| meant(index)),
                _ => (0..dot).rev().find(|index| meant(index)),
            };
            let end = if word == "+" { "Referencing beyond EOF" } else { "Referencing before 1" };
            chosen[next.ok_or(end)?] = true;
        } else if let Some(text) = word.strip_prefix('/') {
            subject = Some(text.to_ascii_lowercase());
        } else if let Some(letter) = word.strip_prefix(':') {
            status = Some(letter.to_owned());
        } else {
            let range = match word.split_once('-') {
                Some((from, to)) => number(from).zip(number(to)),
                None => number(word).map(|one| (one, one)),
            };
            let Some((from, to)) = range else {
                names.push(word.to_ascii_lowercase());
                continue;
            };
            by_number = true;
            for at in [from, to] {
                if at < 1 || at > messages.len() {
                    return Err(format!("{at}: Invalid message number"));
                }
            }
            if from == to && !meant(&(from - 1)) {
                return Err(format!("{from}: Inappropriate message"));
            }
            (from - 1..to).filter(|index| meant(index)).for_each(|index| chosen[index] = true);
        }
    }
    let narrows = !names.is_empty() || subject.is_some() || status.is_some();
    if narrows && !by_number {
        (0..messages.len()).filter(|index| meant(index)).for_each(|index| chosen[index] = true);
    }
    let fits = |message: &Seen| {
        let sender = message.sender.to_ascii_lowercase();
        (names.is_empty() || names.iter().any(|name| sender.contains(name.as_str())))
            && subject.as_ref().is_none_or(|text| message.subject.to_ascii_lowercase().contains(text.as_str()))
            && status.as_deref().is_none_or(|letter| match letter {
                "n" => message.new,
                "o" => message.old,
                "u" => !message.read,
                "r" => message.read,
                "d" => message.deleted,
                _ => false,
            })
    };
    let found: Vec<usize> = chosen
        .iter()
        .enumerate()
        .filter(|(index, on)| **on && fits(&messages[*index]))
        .map(|(index, _)| index)
        .collect();
    match (found.is_empty(), names.is_empty()) {
        (true, false) => Err(format!("No applicable messages from {{{}}}", names.join(", "))),
        (true, true) => Err("No messages satisfy".to_owned()),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Vec<Seen> {
        let message = |sender: &str, subject: &str, read: bool, deleted: bool| Seen {
            sender: sender.into(),
            subject: subject.into(),
            new: !read,
            read,
            old: false,
            deleted,
        };
        vec![
            message("alice@example.org", "one", true, false),
            message("carol@example.org", "Two", false, false),
            message("dave@example.org", "Re: three", false, true),
            message("alice@example.org", "four", false, false),
        ]
    }

    #[test]
    fn lists_name_messages_by_number_sender_subject_and_state() {
        for (list, chosen) in [
            ("", vec![1]),
            ("1", vec![0]),
            ("1-3", vec![0, 1]),
            ("*", vec![0, 1, 3]),
            ("$", vec![3]),
            ("+", vec![3]),
            ("-", vec![0]),
            ("alice", vec![0, 3]),
            ("/two", vec![1]),
            (":n", vec![1, 3]),
            ("alice :u", vec![3]),
        ] {
            assert_eq!(resolve(list, &messages(), 1, false), Ok(chosen), "{list}");
        }
        assert_eq!(resolve("*", &messages(), 1, true), Ok(vec![2]));
    }

    #[test]
    fn what_names_nothing_is_said() {
        for (list, error) in [
            ("7", "7: Invalid message number"),
            ("3", "3: Inappropriate message"),
            ("zoe", "No applicable messages from {zoe}"),
            ("/nine", "No messages satisfy"),
        ] {
            assert_eq!(resolve(list, &messages(), 1, false), Err(error.to_owned()), "{list}");
        }
    }
}
