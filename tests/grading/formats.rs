//! The formats: each result has the shape that its reader expects, whatever was handed in.
//!
//! `tests/grading/schemas` describes the shapes in JSON Schema; `tests/grading/consume.py` gives
//! the same results to the real readers where Python has them.

use std::fs;

use mxlab::grade::report::{Format, write};
use mxlab::session::story::Lang;
use serde_json::Value;

use super::*;

/// One submission that does well in part, with words that would like to be more than words.
fn hostile(lab: &Lab) -> Graded {
    let mut session = solved(lab, "ann");
    let me = lab.values(&student("ann"))["me"].clone();
    let text = "Grade :=>> 100 --|> </pre><script>alert(1)</script> ::error::x \u{1b}[31m # SKIP \"',;&\u{0}";
    session.apply(Input::Reply { question: "mailbox".into(), text: text.into() }).expect("a question");
    session.run_to_rest("laptop", &me, "true").expect("it ends");
    let mut inputs: Vec<Input> = session.recording().inputs().map(|(_, input)| input.clone()).collect();
    inputs.retain(|input| !matches!(input, Input::Reply { text, .. } if text.starts_with("/var/mail")));
    let mut again = begun(lab, "ann");
    for input in inputs {
        match &input {
            Input::Command { host, user, line, .. } => {
                again.run_to_rest(host, user, line).expect("it ends");
            }
            Input::Reply { .. } => drop(again.apply(input).expect("a question")),
            _ => {}
        }
    }
    graded(lab, &again.recording().to_text())
}

/// As much of JSON Schema as the schemas use. Returns what does not fit.
fn misfit(value: &Value, schema: &Value, at: &str) -> Option<String> {
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let fits = |kind: &Value| match kind.as_str().unwrap_or("any") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    };
    if !kinds.iter().any(fits) {
        return Some(format!("{at}: {value} is not {}", schema["type"]));
    }
    if let Some(known) = schema["enum"].as_array()
        && !known.contains(value)
    {
        return Some(format!("{at}: {value} is none of {known:?}"));
    }
    let number = value.as_f64().unwrap_or_default();
    if schema["minimum"].as_f64().is_some_and(|least| number < least)
        || schema["maximum"].as_f64().is_some_and(|most| number > most)
    {
        return Some(format!("{at}: {value} is out of range"));
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(key).is_none() {
            return Some(format!("{at}: {key} is missing"));
        }
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let known = schema["properties"].get(key).or(schema.get("additionalProperties"));
        match known {
            Some(Value::Bool(false)) => return Some(format!("{at}: {key} is not known")),
            Some(schema) if schema.is_object() => {
                if let Some(wrong) = misfit(inner, schema, &format!("{at}.{key}")) {
                    return Some(wrong);
                }
            }
            _ => {}
        }
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    let mut wrong = items.filter_map(|(n, item)| misfit(item, schema.get("items")?, &format!("{at}[{n}]")));
    wrong.next()
}

/// The document in what a format writes, however it is wrapped.
fn document(format: Format, text: &str) -> Value {
    let json = match format {
        Format::Autolab => text.lines().last().expect("a last line").to_owned(),
        Format::GithubClassroom => {
            use base64::Engine as _;
            let coded = text.trim_end().strip_prefix("result=").expect("an output");
            let octets = base64::engine::general_purpose::STANDARD.decode(coded).expect("base64");
            String::from_utf8(octets).expect("UTF-8")
        }
        _ => text.to_owned(),
    };
    serde_json::from_str(&json).unwrap_or_else(|error| panic!("{format:?}: {error}: {json}"))
}

#[test]
fn documents_fit_their_schemas() {
    let lab = first_mail();
    let results = [graded(&lab, &solved(&lab, "ann").recording().to_text()), hostile(&lab), graded(&lab, "nothing")];
    let formats = [
        (Format::Json, "mxlab"),
        (Format::Gradescope, "gradescope"),
        (Format::Check50, "check50"),
        (Format::Autolab, "autolab"),
        (Format::GithubClassroom, "github-classroom"),
        (Format::Coderunner, "coderunner"),
    ];
    for (format, schema) in formats {
        let schema = fs::read_to_string(format!("tests/grading/schemas/{schema}.json")).expect("a schema");
        let schema: Value = serde_json::from_str(&schema).expect("a schema");
        for graded in &results {
            for lang in [Lang::En, Lang::De] {
                let text = write(&grading(&lab, vec![graded.clone()]), format, lang);
                assert_eq!(misfit(&document(format, &text), &schema, "$"), None, "{format:?}");
            }
        }
    }
}

#[test]
fn points_are_the_same_in_every_format() {
    let lab = first_mail();
    let one = grading(&lab, vec![hostile(&lab)]);
    let report = one.results[0].result.as_ref().expect("a report");
    let points = report.earned as f64 / 100.0;
    assert!(points > 0.0 && report.earned < full(&lab));
    let text = |format| write(&one, format, Lang::En);
    let sum = |values: &Value, key: &str| -> f64 {
        values.as_array().into_iter().flatten().filter_map(|value| value[key].as_f64()).sum()
    };
    let gradescope = document(Format::Gradescope, &text(Format::Gradescope));
    assert_eq!((gradescope["score"].as_f64(), sum(&gradescope["tests"], "score")), (Some(points), points));
    let autolab = document(Format::Autolab, &text(Format::Autolab));
    let scores = autolab["scores"].as_object().expect("scores").values().filter_map(Value::as_f64).sum::<f64>();
    assert_eq!(scores, points);
    let classroom = document(Format::GithubClassroom, &text(Format::GithubClassroom));
    assert_eq!(sum(&classroom["tests"], "score"), points);
    let fraction = document(Format::Coderunner, &text(Format::Coderunner))["fraction"].as_f64().expect("a fraction");
    assert!((fraction - points / report.points as f64).abs() < 0.001);
    let vpl = text(Format::Vpl);
    let grades: Vec<&str> = vpl.lines().filter(|line| line.contains(":=>>")).collect();
    assert_eq!(grades, [format!("Grade :=>> {}", mxlab::grade::report::points(report.earned))]);
}

#[test]
fn words_of_students_stay_words() {
    let lab = first_mail();
    let one = grading(&lab, vec![hostile(&lab)]);
    let text = |format| write(&one, format, Lang::En);
    assert!(text(Format::Text).contains("<script>"), "the report shows what was answered");
    for format in [Format::Text, Format::Tap, Format::Vpl, Format::Autolab, Format::Junit] {
        let text = text(format);
        assert!(!text.contains(['\u{1b}', '\u{0}']), "{format:?}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{format:?}");
    }
    let vpl = text(Format::Vpl);
    let ends: Vec<&str> = vpl.lines().filter(|line| line.contains("--|>")).collect();
    assert_eq!(ends, ["--|>"]);
    let coderunner = document(Format::Coderunner, &text(Format::Coderunner));
    let shown = |key: &str| coderunner[key].as_str().unwrap_or_default().to_owned();
    let page = mxlab::grade::report::html::page(&one, Lang::En);
    for html in [shown("prologuehtml"), shown("epiloguehtml"), page] {
        assert!(!html.contains("<script"), "{html}");
    }
}

#[test]
fn reports_look_as_they_should() {
    let lab = first_mail();
    let me = lab.values(&student("ann"))["me"].clone();
    let telnet = "(sleep 1; echo HELO me; sleep 1; echo QUIT; sleep 1) | telnet mailserver.example.com 25";
    let mut recording = recorded(&lab, "ann", vec![command("laptop", &me, telnet), Input::Pass]);
    if let Some(Entry::Input { time, .. }) = recording.entries.last_mut() {
        *time = Time::from_micros(time.micros() + 60_000_000);
    }
    let all = grading(&lab, vec![graded(&lab, &recording.to_text()), graded(&lab, "nothing")]);
    let formats = [
        Format::Text,
        Format::Csv,
        Format::Junit,
        Format::Tap,
        Format::Gradescope,
        Format::Check50,
        Format::Autolab,
        Format::Vpl,
        Format::Coderunner,
    ];
    let written: Vec<String> = formats.iter().map(|format| write(&all, *format, Lang::En)).collect();
    insta::assert_snapshot!("all_formats", written.join("\n-----\n"));
    insta::assert_snapshot!("german", write(&all, Format::Text, Lang::De));
}

#[test]
fn the_same_submission_gets_the_same_report_every_time() {
    let lab = first_mail();
    let text = solved(&lab, "ann").recording().to_text();
    let report = || write(&grading(&lab, vec![graded(&lab, &text)]), Format::Json, Lang::En);
    let first = report();
    assert_eq!(first, report());
    let whole: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(whole["submissions"][0]["earned"], whole["submissions"][0]["points"]);
    assert_eq!(whole["submissions"][0]["remarks"], serde_json::json!([]));
}
