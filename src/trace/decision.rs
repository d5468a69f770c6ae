//! A decision with the steps that led to it, returned by the very code that decides.

use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;

/// A place in a host's file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// Absolute path on the host.
    pub file: SmolStr,
    /// Line, counted from 1; 0 if the whole file is meant.
    pub line: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { self.file.fmt(f) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// One rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule, as an administrator would write it: `permit_mynetworks`, `mydestination`.
    pub rule: SmolStr,
    /// Where it stands; `None` for a default or a rule of the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// What was compared.
    pub input: SmolStr,
    /// Whether it applied.
    pub matched: bool,
    /// What came of it.
    pub outcome: SmolStr,
}

/// A question, the rules looked at in order, and the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The question: `where does carol@example.net go?`
    pub question: SmolStr,
    /// The rules, in the order in which they were looked at.
    pub steps: Vec<Step>,
    /// The answer.
    pub verdict: SmolStr,
}

impl fmt::Display for Step {
    /// `permit_mynetworks (/etc/postfix/main.cf:12): 192.0.2.1 -> dunno`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rule.fmt(f)?;
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, ": {} -> {}", self.input, self.outcome)
    }
}

impl Decision {
    /// Question, steps and verdict, a line each.
    pub fn lines(&self) -> Vec<String> {
        let steps = self.steps.iter().map(|step| format!("{} {step}", if step.matched { '*' } else { '-' }));
        std::iter::once(self.question.to_string()).chain(steps).chain([format!("= {}", self.verdict)]).collect()
    }

    /// A decision about to be made.
    pub fn about(question: impl Into<SmolStr>) -> Decision {
        Decision { question: question.into(), ..Decision::default() }
    }

    /// Notes a rule without a place in a file.
    pub fn step(
        &mut self,
        rule: impl Into<SmolStr>,
        input: impl Into<SmolStr>,
        matched: bool,
        outcome: impl Into<SmolStr>,
    ) {
        self.steps.push(Step {
            rule: rule.into(),
            source: None,
            input: input.into(),
            matched,
            outcome: outcome.into(),
        });
    }

    /// Gives the last step its place.
    pub fn at(&mut self, source: Option<Source>) {
        if let Some(step) = self.steps.last_mut() {
            step.source = source;
        }
    }

    /// The same decision with its verdict.
    #[must_use]
    pub fn verdict(mut self, verdict: impl Into<SmolStr>) -> Decision {
        self.verdict = verdict.into();
        self
    }
}
