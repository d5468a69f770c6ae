//! `.forward` and `:include:` files (`dotforward.c`, `include.c` of Postfix).

use smol_str::SmolStr;

use super::attributes::{Attributes, Rights};
use super::expand::{Expander, Seen};
use super::plan::Expanded;
use super::settings::Expansion;
use crate::host::vfs::{Cred, Inode, Node};
use crate::trace::Source;

/// Longest line that is read (`line_length_limit`).
const LINE_LENGTH_LIMIT: usize = 2048;

const CONFIGURATION_ERROR: &str = "mail system configuration error";

impl Expander<'_> {
    /// The user's forward file; `true` if it settled the delivery.
    pub(super) fn forward_file(&mut self, attributes: &mut Attributes) -> bool {
        attributes.level += 1;
        let settings = self.settings;
        if settings.forward_path.is_empty() {
            return false;
        }
        let Some(user) = self.accounts.user(&attributes.user) else { return false };
        let before = std::mem::replace(&mut attributes.rights, Rights::of(user));
        let cred = attributes.rights.cred();
        let found = settings.forward_path.iter().find_map(|template| {
            let expanded = template.expand(attributes, &settings.forward_expansion_filter);
            if expanded.undefined || expanded.malformed {
                return None;
            }
            let ino = self.vfs.resolve_link(&expanded.text, &cred).ok()?;
            Some((SmolStr::from(expanded.text), self.vfs.inode(ino)?, expanded.extension))
        });
        let rights = std::mem::replace(&mut attributes.rights, before);
        let Some((path, inode, by_extension)) = found else {
            attributes.note(None, || ("forward_path", user.home.clone(), false, "no forward file"));
            return false;
        };
        let mut inner = Attributes { rights, ..attributes.clone() };
        if by_extension || !settings.propagate_forward {
            inner.unmatched = None;
        }
        inner.expansion = Expansion::Forward;
        inner.owner = Some(inner.user.clone());
        if !settings.frozen_delivered_to {
            inner.delivered = inner.address.clone();
        }
        if self.verify {
            self.sent(inner, format!("forward via file: {path}"));
            return true;
        }
        if self.been_here(Seen::Forward(path.clone())) {
            return self.seen.contains(&Seen::ForwardDone(path));
        }
        inner.expanded_from = Some(inner.local.clone());
        let Some(text) = self.forward_text(&path, inode, &inner.rights) else {
            attributes.note(file(&path), || ("forward_path", path.clone(), false, "the file is not trusted"));
            return false;
        };
        inner.note(file(&path), || ("forward_path", path.clone(), true, "the user's forward file"));
        let before = self.plan.targets.len();
        let count = self.lines(&inner, &path, &text);
        if count == 0 {
            attributes.note(file(&path), || ("forward_path", path.clone(), false, "the file is empty"));
            self.plan.targets.truncate(before);
            return false;
        }
        self.been_here(Seen::ForwardDone(path));
        true
    }

    /// The content of a forward file, unless it is one that others could have written.
    fn forward_text(&mut self, path: &str, inode: &Inode, rights: &Rights) -> Option<String> {
        if !matches!(inode.node, Node::File(_)) {
            self.warn(format!("file {path} is not a regular file"));
        } else if inode.uid != 0 && inode.uid != rights.uid {
            self.warn(format!("file {path} has bad owner uid {}", inode.uid));
        } else if inode.mode & 0o002 != 0 {
            self.warn(format!("file {path} is world writable"));
        } else {
            match self.vfs.read_text(path, &rights.cred()) {
                Ok(text) => return Some(text),
                Err(error) => self.warn(format!("cannot open file {path}: {error}")),
            }
        }
        None
    }

    /// The targets in a file: lines that begin with `#` are comments.
    fn lines(&mut self, attributes: &Attributes, path: &SmolStr, text: &str) -> u64 {
        let lines = || text.lines().filter(|line| !line.starts_with('#'));
        if self.full {
            let results = lines().map(str::trim).filter(|line| !line.is_empty()).map(SmolStr::from).collect();
            let source = Source { file: path.clone(), line: 0 };
            self.plan.expanded.push(Expanded { name: attributes.user.clone(), source, results });
        }
        lines().map(|line| self.text(attributes, clipped(line))).sum()
    }

    /// A file of addresses named by an alias or a forward file.
    pub(super) fn include(&mut self, mut attributes: Attributes, path: SmolStr) {
        attributes.level += 1;
        if self.been_here(Seen::Include(attributes.rights.uid, path.clone())) {
            return;
        }
        attributes.expanded_from = Some(attributes.local.clone());
        let vfs = self.vfs;
        let problem = match vfs.stat(&path, &attributes.rights.cred()) {
            _ if !path.starts_with('/') => Some(format!(":include:{path} uses a relative path")),
            Err(error) => Some(format!("unable to lookup :include: file {path}: {error}")),
            Ok(inode) if !matches!(inode.node, Node::File(_)) => {
                Some(format!(":include: file {path} is not a regular file"))
            }
            Ok(inode) if inode.mode & 0o002 != 0 => Some(format!(":include: file {path} is world writable")),
            Ok(_) => None,
        };
        if let Some(problem) = problem {
            attributes.note(file(&path), || (":include:", path.clone(), false, problem.as_str()));
            self.warn(problem);
            return self.bounce(attributes, "5.3.5", CONFIGURATION_ERROR);
        }
        attributes.expansion = Expansion::Include;
        let owner = vfs.stat(&path, &Cred::ROOT).map_or(0, |inode| inode.uid);
        if attributes.rights.uid == 0 && owner != 0 {
            // Without this the file's owner would command the default user's rights.
            let Some(user) = self.accounts.by_uid(owner) else {
                self.warn(format!("cannot find username for uid {owner}"));
                self.warn(format!("{path}: cannot find :include: file owner username"));
                return self.defer(attributes, "4.3.5", CONFIGURATION_ERROR);
            };
            attributes.rights = Rights::of(user);
        }
        if attributes.owner.is_none() {
            attributes.owner = Some(attributes.address.clone());
        }
        match vfs.read_text(&path, &attributes.rights.cred()) {
            Ok(text) => {
                attributes.note(file(&path), || (":include:", path.clone(), true, "the addresses in the file"));
                self.lines(&attributes, &path, &text);
            }
            Err(error) => {
                self.warn(format!("cannot open include file {path}: {error}"));
                self.bounce(attributes, "5.3.5", CONFIGURATION_ERROR);
            }
        }
    }
}

fn file(path: &SmolStr) -> Option<Source> {
    Some(Source { file: path.clone(), line: 0 })
}

fn clipped(line: &str) -> &str {
    let mut end = line.len().min(LINE_LENGTH_LIMIT);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}
