//! Takes out of a result what differs from run to run by nature: queue ids, dates, pids, ports.
//!
//! The rules are those under which the recordings were normalised, expression by expression.

use std::sync::LazyLock;

use fancy_regex::{Captures, Regex};
use serde_json::{Map, Value};

const WEEKDAY: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const MONTH: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";

fn regex(pattern: &str) -> Regex {
    let pattern = pattern.replace("WD", WEEKDAY).replace("MO", MONTH);
    Regex::new(&pattern).expect("the expressions are constant and tested")
}

static QUEUE_ID: LazyLock<Regex> = LazyLock::new(|| regex("(?<![0-9A-Za-z])[0-9A-F]{9}(?![0-9A-Za-z])"));
/// A queue id that begins a line of a listing: the columns right of it must stay in place.
static LISTING_ID: LazyLock<Regex> = LazyLock::new(|| regex("(?m)^([0-9A-F]{9})([*!#]?)( +[0-9])"));
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"WD, [ 0-9]?[0-9] MO [0-9]{4} [0-9][0-9]:[0-9][0-9]:[0-9][0-9] [+-][0-9]{4}(?: \([A-Z]+\))?", "<DATE>"),
        (r"WD MO [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9](?: [A-Z]{3,4})?(?: [0-9]{4})?", "<DATE>"),
        (r"WD MO [ 0-9][0-9] [0-9][0-9]:[0-9][0-9](?!:)", "<DATE>"),
        (r"MO [ 0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]", "<DATE>"),
        (r"(?<![0-9])20[0-9]{12}\.(?=Q[0-9]+[@.])", "<DATE>."),
        (r"\b(Q[0-9]+)\.[0-9]{10}/", "$1.<EPOCH>/"),
        (r"(?<![0-9])[0-9]{10}\.V[0-9a-f]+I[0-9a-f]+M[0-9]+\.", "<EPOCH>.V<MAILDIR>."),
        (r"conn_use=[0-9]+, ", ""),
        (r"(?<![0-9])[0-9]{10}\.P[0-9]+\.", "<EPOCH>.P<PID>."),
        (r"(not enough free space in mail queue: )[0-9]+", "$1<N>"),
        (r"delay=[0-9.]+, delays=[0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+", "delay=<D>, delays=<D>"),
        (r"\b([\w./-]+)\[[0-9]+\]: ", "$1[PID]: "),
        (r"\b(incoming|active|deferred|defer|bounce)/[0-9A-F]/(?=Q[0-9])", "$1/<H>/"),
        (r#"("arrival_time": )[0-9]+"#, r#"$1"<EPOCH>""#),
        (r"(YP_LAST_[M]ODIFIED:?\s+)[0-9]{10}", "$1<EPOCH>"),
        (r"\bPID: [0-9]+", "PID: <PID>"),
        (r"\b((?:process id|pid) )[0-9]+", "$1<PID>"),
        (r"(\]:)(?:3[2-9]|4[0-9]|5[0-9]|6[0-5])[0-9]{3}\b", "$1<PORT>"),
    ]
    .into_iter()
    .map(|(pattern, to)| (regex(pattern), to))
    .collect()
});

/// Queue ids seen so far, in order of first appearance.
#[derive(Default)]
struct Normaliser {
    ids: Vec<String>,
}

impl Normaliser {
    fn number(&mut self, id: &str) -> usize {
        match self.ids.iter().position(|known| known == id) {
            Some(index) => index + 1,
            None => {
                self.ids.push(id.to_owned());
                self.ids.len()
            }
        }
    }

    fn text(&mut self, text: &str) -> String {
        let text = replace_all(&LISTING_ID, text, |found| {
            let id = &found[1];
            let name = format!("Q{}", self.number(id));
            let blanks = " ".repeat(id.len() - name.len().min(id.len()));
            format!("{name}{}{blanks}{}", &found[2], &found[3])
        });
        let mut text = replace_all(&QUEUE_ID, &text, |found| format!("Q{}", self.number(&found[0])));
        for (rule, to) in RULES.iter() {
            if let std::borrow::Cow::Owned(changed) = rule.replace_all(&text, *to) {
                text = changed;
            }
        }
        text
    }

    fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(name, value)| {
                        let name = self.text(name);
                        let value = match value {
                            Value::Number(number) if name == "arrival_time" && !number.is_f64() => "<EPOCH>".into(),
                            value => self.value(value),
                        };
                        (name, value)
                    })
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// Entries of one host's queue in order of queue name and number of the queue id.
    fn sort_queue(&mut self, entries: &Value) -> Value {
        let mut keyed: Vec<(String, usize, Value)> = entries
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| {
                let field = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                (field("queue_name"), self.number(&field("queue_id")), entry.clone())
            })
            .collect();
        keyed.sort_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
        keyed.into_iter().map(|(_, _, entry)| entry).collect()
    }
}

fn replace_all(regex: &Regex, text: &str, mut to: impl FnMut(&Captures<'_>) -> String) -> String {
    regex.replace_all(text, |found: &Captures<'_>| to(found)).into_owned()
}

/// The order in which sections are looked at: queue ids get their numbers by it.
const SECTIONS: [&str; 7] = ["mail_log", "sessions", "exec", "mailboxes", "queue", "received", "notes"];

/// Normalises a raw result.
pub fn normalise(raw: &Value) -> Value {
    let mut normaliser = Normaliser::default();
    let mut out = Map::new();
    for section in SECTIONS {
        let Some(value) = raw.get(section) else { continue };
        let sorted = match value {
            Value::Object(hosts) if section == "queue" => {
                Value::Object(hosts.iter().map(|(host, queue)| (host.clone(), normaliser.sort_queue(queue))).collect())
            }
            other => other.clone(),
        };
        out.insert(section.into(), normaliser.value(&sorted));
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rules_do_what_the_recordings_show() {
        let table = [
            ("Nov 21 12:00:00 mx1 postfix/qmgr[12]: ABCDE1234: removed", "<DATE> mx1 postfix/qmgr[PID]: Q1: removed"),
            ("Date: Sat, 21 Nov 2026 00:32:12 +0000 (UTC)", "Date: <DATE>"),
            ("20261121003212.ABCDE1234@mx1", "<DATE>.Q1@mx1"),
            ("ABCDE1234.1795221132/mx1", "Q1.<EPOCH>/mx1"),
            ("ABCDE1234*     291 Sat Nov 21 00:32:12  a@b", "Q1*            291 <DATE>  a@b"),
            ("conn_use=2, delay=0.1, delays=0.02/0/0.01/0.07, dsn", "delay=<D>, delays=<D>, dsn"),
            ("[192.0.2.1]:45678", "[192.0.2.1]:<PORT>"),
            ("deferred/A/ABCDE1234", "deferred/<H>/Q1"),
        ];
        for (raw, normal) in table {
            assert_eq!(Normaliser::default().text(raw), normal);
        }
    }

    #[test]
    fn ids_are_numbered_through_the_log_first() {
        let raw = json!({"exec": {"q": {"stdout": "AAAAA0001 AAAAA0002"}}, "mail_log": {"mx1": ["AAAAA0002: x"]}});
        let normal = normalise(&raw);
        assert_eq!(normal["exec"]["q"]["stdout"], "Q2 Q1");
    }
}
