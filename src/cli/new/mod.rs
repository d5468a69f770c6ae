//! `mxlab new`: a lab to begin with, which passes its own check.

use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::Outcome;

static LAB: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/new/lab");

/// Arguments of `mxlab new`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// A lab: a folder with everything that one needs, to be changed
    Lab {
        /// Its folder; its last part is the lab's name, such as b31-team-address
        name: PathBuf,
        /// Its title
        #[arg(long)]
        title: Option<String>,
    },
}

/// Makes what is asked for.
pub fn main(args: &Args) -> Outcome {
    let What::Lab { name, title } = &args.what;
    match lab(name, title.as_deref()) {
        Ok(()) => {
            let folder = name.display();
            println!("{folder} is a lab. Change its files, and see with");
            println!("  mxlab check {folder}      whether it is good");
            println!("  mxlab shell {folder}      how it is done");
            println!("The book's page \"Writing labs\" explains them.");
            Outcome::Good
        }
        Err(error) => {
            eprintln!("mxlab: {error}");
            Outcome::Invalid
        }
    }
}

fn lab(folder: &Path, title: Option<&str>) -> Result<(), String> {
    let shown = folder.display();
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err(format!(
            "`{name}` is no name for a lab: take small letters, digits and hyphens, such as b31-team-address"
        ));
    }
    if folder.exists() {
        return Err(format!("{shown} is there already; take another name"));
    }
    let (id, rest) = name.split_once('-').unwrap_or((&name, &name));
    let title = title.map_or_else(|| titled(rest), str::to_owned);
    // In a RON file the title stands between quotes.
    let quoted = title.replace(['\n', '\r'], " ").replace('\\', "\\\\").replace('"', "\\\"");
    write(&LAB, folder, &|path, text| {
        let title = if path.extension().is_some_and(|extension| extension == "ron") { &quoted } else { &title };
        text.replace("@ID@", &id.to_uppercase()).replace("@TITLE@", title)
    })
    .map_err(|error| format!("{shown}: {error}"))
}

/// `team-address` as a title.
fn titled(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn write(from: &Dir<'_>, root: &Path, fill: &dyn Fn(&Path, &str) -> String) -> std::io::Result<()> {
    for file in from.files() {
        let path = root.join(file.path());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, fill(file.path(), file.contents_utf8().unwrap_or_default()))?;
    }
    from.dirs().try_for_each(|dir| write(dir, root, fill))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::examine::examine;

    #[test]
    fn a_new_lab_passes_its_own_check_and_is_not_written_over() {
        let root = std::env::temp_dir().join(format!("mxlab-new-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let folder = root.join("b31-team-address");
        lab(&folder, Some("A \"good\" title")).unwrap();
        let loaded = crate::cli::files::load_lab(&folder.to_string_lossy()).expect("a lab");
        assert_eq!(loaded.written().id, "B31");
        assert_eq!(loaded.written().title.en, "A \"good\" title");
        let faults: Vec<String> = examine(&loaded, 3).iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        assert!(lab(&folder, None).is_err());
        assert!(lab(&root.join("Bad Name"), None).is_err());
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn names_become_titles() {
        assert_eq!(titled("team-address"), "Team address");
    }
}
