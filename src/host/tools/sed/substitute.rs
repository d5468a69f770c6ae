//! The command `s`.

use super::script::{Case, Piece, Substitution};

impl Substitution {
    /// Replaces in a line; `None` if nothing matched.
    pub(super) fn apply(&self, line: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let (mut at, mut count, mut changed) = (0, 0, false);
        for found in self.regex.captures_iter(line) {
            let Some(whole) = found.get(0) else { continue };
            count += 1;
            if count < self.nth || (count > self.nth && !self.all) {
                continue;
            }
            changed = true;
            out.extend_from_slice(&line[at..whole.start()]);
            let (mut case, mut once) = (Case::End, None);
            for piece in &self.with {
                let text = match piece {
                    Piece::Text(text) => text.as_slice(),
                    Piece::Group(group) => found.get(*group).map_or(&[][..], |group| group.as_bytes()),
                    Piece::Case(next @ (Case::UpperOne | Case::LowerOne)) => {
                        once = Some(*next);
                        continue;
                    }
                    Piece::Case(next) => {
                        case = *next;
                        continue;
                    }
                };
                push_case(&mut out, text, case, &mut once);
            }
            at = whole.end();
        }
        out.extend_from_slice(&line[at..]);
        changed.then_some(out)
    }
}

fn push_case(out: &mut Vec<u8>, text: &[u8], case: Case, once: &mut Option<Case>) {
    for octet in text {
        out.push(match (once.take(), case) {
            (Some(Case::UpperOne), _) | (None, Case::Upper) => octet.to_ascii_uppercase(),
            (Some(Case::LowerOne), _) | (None, Case::Lower) => octet.to_ascii_lowercase(),
            _ => *octet,
        });
    }
}
