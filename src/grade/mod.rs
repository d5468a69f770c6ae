//! Grading: submissions replayed against the grader's own copy of a lab, and the reports.
