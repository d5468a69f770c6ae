//! Wrong arguments and files: a clear error on standard error, status 2, and never a panic.

#![allow(clippy::disallowed_methods, reason = "these tests run the program and write its files")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// An empty folder of this test run.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Status and standard error of a call.
fn mxlab(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mxlab"));
    // Wherever the tests run, no window opens.
    command.args(args).env("NO_COLOR", "1").env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[track_caller]
fn refused(args: &[&str], words: &str) {
    let (status, errors) = mxlab(args);
    assert!(!errors.contains("panicked"), "{args:?}: {errors}");
    assert_eq!(status, Some(2), "{args:?}: {errors}");
    assert!(errors.contains(words), "{args:?}: {errors}");
}

#[test]
fn wrong_arguments_are_explained() {
    refused(&[], "there is no display to open a window on");
    refused(&["fly"], "unrecognized subcommand 'fly'");
    refused(&["run"], "<SCENARIO>");
    refused(&["run", "first-mail", "--until", "soon"], "not a stretch of time; write 90s or 2h30m");
    refused(&["run", "first-mail", "--seed", "x"], "invalid value 'x'");
    refused(&["run", "first-mail", "--quiet", "--verbose"], "cannot be used with");
}

#[test]
fn unknown_scenarios_come_with_the_nearest_name() {
    refused(&["run", "frist-mail"], "did you mean `first-mail`?");
    refused(&["run", "nowhere.ron"], "nowhere.ron");
    refused(&["check", "nowhere.ron"], "nowhere.ron");
    refused(&["replay", "nowhere.rec"], "nowhere.rec");
    refused(&["conform", "nowhere.json"], "nowhere.json");
}

#[test]
fn files_of_another_kind_are_named() {
    let dir = folder("kinds");
    let contents: [(&str, &[u8]); 4] =
        [("empty", b""), ("binary", &[0, 255, 254, 7, 10, 0]), ("text", b"hello\n"), ("nested", &[b'('; 100_000])];
    for (name, content) in contents {
        for (command, extension) in [("run", "ron"), ("check", "ron"), ("replay", "rec")] {
            let path = dir.join(format!("{name}.{extension}"));
            fs::write(&path, content).unwrap();
            refused(&[command, path.to_str().unwrap()], &format!("{name}.{extension}"));
        }
    }
}

#[test]
fn folders_without_a_scenario_are_named() {
    let dir = folder("folders");
    refused(&["run", dir.to_str().unwrap()], "scenario.ron");
    refused(&["replay", dir.to_str().unwrap()], "folders");
}

#[test]
fn a_scenario_that_is_too_large_is_refused() {
    let path = folder("large").join("large.ron");
    fs::write(&path, vec![b' '; 5 << 20]).unwrap();
    refused(&["run", path.to_str().unwrap()], "larger than");
}
