//! The user's own editor on a temporary copy.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is tried when the environment names no editor.
const USUAL: [&str; 3] = ["nano", "vi", "vim"];

/// Has a text edited; `None` if it was left as it was.
///
/// # Errors
/// No editor could be started, or the copy not be written or read; in words for people.
pub fn edit(path: &str, text: &str, line: Option<u64>) -> Result<Option<String>, String> {
    let copy = Copy::new(path, text).map_err(|error| format!("no temporary file: {error}"))?;
    run(&copy.file, line)?;
    let edited = fs::read(&copy.file).map_err(|error| format!("{}: {error}", copy.file.display()))?;
    let edited = String::from_utf8_lossy(&edited).into_owned();
    Ok((edited != text).then_some(edited))
}

/// A file with the text, in a directory of its own that nobody else can enter; both go away again.
struct Copy {
    dir: PathBuf,
    file: PathBuf,
}

impl Copy {
    fn new(path: &str, text: &str) -> io::Result<Copy> {
        let base = path.rsplit('/').next().unwrap_or_default();
        let safe: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        let name = if safe.trim_matches('.').is_empty() { "text".to_owned() } else { safe };
        let dir = private_dir()?;
        let copy = Copy { file: dir.join(name), dir };
        let mut file = OpenOptions::new().write(true).create_new(true).open(&copy.file)?;
        file.write_all(text.as_bytes())?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What an editor left beside it (backups) goes, too.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn private_dir() -> io::Result<PathBuf> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let mut last = io::Error::other("no name is free");
    for number in 0..100 {
        let dir = env::temp_dir().join(format!("mxlab-edit-{}-{number}", std::process::id()));
        match builder.create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn run(file: &Path, line: Option<u64>) -> Result<(), String> {
    let named = ["VISUAL", "EDITOR"].iter().find_map(|name| env::var(name).ok().filter(|text| !text.trim().is_empty()));
    let candidates: Vec<String> = match named {
        Some(named) => vec![named],
        None => USUAL.map(str::to_owned).to_vec(),
    };
    for editor in &candidates {
        let mut words = editor.split_whitespace();
        let Some(program) = words.next() else { continue };
        let mut command = Command::new(program);
        command.args(words);
        if let Some(line) = line {
            command.arg(format!("+{line}"));
        }
        match command.arg(file).status() {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => return Err(format!("the editor {program} ended with {status}")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{program}: {error}")),
        }
    }
    Err(format!("no editor was found ({}); set EDITOR, or use postconf -e or sed -i", candidates.join(", ")))
}
