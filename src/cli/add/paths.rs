//! From what was typed to the files that are meant: files, folders, patterns. Opens no file; the
//! upload finds out what can be read.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;

/// A file to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// What the document will be called: the file name, or for a file of a folder, the path from
    /// that folder on. Adding again under the same name makes a new version.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What was typed, as files.
#[derive(Debug, Default)]
pub(crate) struct Expanded {
    pub(crate) files: Vec<Found>,
    /// What could not be looked at or matched nothing, and why.
    pub(crate) problems: Vec<(PathBuf, String)>,
    seen: HashSet<PathBuf>,
}

/// Finds the files behind every argument. A file reached twice counts once.
pub(crate) fn expand(arguments: &[PathBuf]) -> Expanded {
    let mut expanded = Expanded::default();
    for argument in arguments {
        let before = expanded.seen.len() + expanded.problems.len();
        let is_pattern = !argument.exists() && argument.to_string_lossy().contains(is_wild);
        let roots = if is_pattern { expanded.matching(argument) } else { vec![argument.clone()] };
        for root in &roots {
            if root.is_dir() {
                expanded.folder(root);
            } else {
                expanded.file(root, file_name(root));
            }
        }
        let nothing_new = before == expanded.seen.len() + expanded.problems.len();
        if is_pattern && roots.is_empty() && nothing_new {
            expanded.problem(argument, &"nothing matches this pattern");
        }
    }
    expanded.tell_apart();
    expanded
}

impl Expanded {
    fn problem(&mut self, path: &Path, why: &impl ToString) {
        self.problems.push((path.into(), why.to_string()));
    }

    fn file(&mut self, path: &Path, name: String) {
        match path.canonicalize() {
            Ok(real) => {
                if self.seen.insert(real) {
                    self.files.push(Found { name, path: path.into() });
                }
            }
            Err(error) => self.problem(path, &why(&error)),
        }
    }

    /// Every file below `root` that is not hidden. Links to files are followed, links to folders
    /// are not, so that nothing is met twice.
    fn folder(&mut self, root: &Path) {
        // `.` and `..` have no name of their own to put in front.
        let named = root.canonicalize().unwrap_or_else(|_| root.into());
        let mut walk = WalkBuilder::new(root);
        walk.standard_filters(false).hidden(true).sort_by_file_name(Ord::cmp);
        let before = self.seen.len();
        for entry in walk.build() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.problem(root, &error);
                    continue;
                }
            };
            let path = entry.path();
            if !path.is_file() {
                continue;
            }
            let below = path.strip_prefix(root).unwrap_or(path);
            self.file(path, slashed(&Path::new(&file_name(&named)).join(below)));
        }
        if self.seen.len() == before && self.problems.is_empty() {
            self.problem(root, &"no files in this folder, or all of them given before");
        }
    }

    /// What a shell would have put in the place of `pattern`; `**` reaches files at any depth.
    fn matching(&mut self, pattern: &Path) -> Vec<PathBuf> {
        let is_plain = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(is_wild);
        let base: PathBuf = pattern.components().take_while(is_plain).collect();
        let wild: PathBuf = pattern.components().skip_while(is_plain).collect();
        let base = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base };
        let is_deep = wild.components().any(|part| part.as_os_str() == "**");
        let globs = OverrideBuilder::new(&base)
            .add(&format!("/{}", slashed(&wild)))
            .and_then(|builder| builder.build());
        let globs = match globs {
            Ok(globs) => globs,
            Err(error) => {
                self.problem(pattern, &error);
                return Vec::new();
            }
        };
        let mut walk = WalkBuilder::new(&base);
        walk.standard_filters(false).sort_by_file_name(Ord::cmp);
        walk.hidden(!wild.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.')));
        walk.max_depth((!is_deep).then(|| wild.components().count()));
        let mut matching = Vec::new();
        for entry in walk.build() {
            let Ok(entry) = entry else { continue };
            let is_dir = entry.path().is_dir();
            let matches = entry.depth() > 0 && globs.matched(entry.path(), is_dir).is_whitelist();
            if matches && !(is_deep && is_dir) {
                let path = entry.into_path();
                matching.push(path.strip_prefix("./").map(PathBuf::from).unwrap_or(path));
            }
        }
        matching
    }

    /// Files of one name from different places would become versions of one document, so these
    /// are named by their whole path as typed.
    fn tell_apart(&mut self) {
        let mut uses: HashMap<String, usize> = HashMap::new();
        for file in &self.files {
            *uses.entry(file.name.clone()).or_default() += 1;
        }
        for file in &mut self.files {
            if uses[&file.name] > 1 {
                file.name = slashed(&file.path);
            }
        }
    }
}

fn is_wild(character: char) -> bool {
    matches!(character, '*' | '?' | '[' | '{')
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The named parts of a path, with the same separator everywhere.
fn slashed(path: &Path) -> String {
    let named = path.components().filter(|part| matches!(part, Component::Normal(_)));
    named.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The system's reason, without its number.
pub(crate) fn why(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or folder".into(),
        std::io::ErrorKind::PermissionDenied => "no permission to read it".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> tempfile::TempDir {
        let folder = tempfile::Builder::new().prefix("library").tempdir().unwrap();
        for name in
            ["a.pdf", "b.md", "deep/a.pdf", "deep/er/c.pdf", ".git/config", ".hidden.pdf", "ignored.log"]
        {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        std::fs::write(folder.path().join(".gitignore"), "*.log").unwrap();
        folder
    }

    fn names(root: &Path, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<PathBuf> = arguments.iter().map(|argument| root.join(argument)).collect();
        let expanded = expand(&arguments);
        assert_eq!(expanded.problems, []);
        let short = format!("{}/", slashed(root));
        let base = format!("{}/", file_name(root));
        let shorten = |name: &str| name.strip_prefix(&short).or(name.strip_prefix(&base)).map(str::to_owned);
        expanded.files.iter().map(|file| shorten(&file.name).unwrap_or(file.name.clone())).collect()
    }

    #[test]
    fn a_folder_gives_its_files_at_any_depth_except_hidden_ones() {
        let folder = library();
        let expanded = expand(&[folder.path().into()]);
        let base = file_name(folder.path());
        let found: Vec<_> = expanded.files.iter().map(|file| file.name.as_str()).collect();
        let expected = ["a.pdf", "b.md", "deep/a.pdf", "deep/er/c.pdf", "ignored.log"]
            .map(|name| format!("{base}/{name}"));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_pattern_means_what_a_shell_would_make_of_it() {
        let folder = library();
        assert_eq!(names(folder.path(), &["*.pdf"]), ["a.pdf"]);
        assert_eq!(names(folder.path(), &["?.{pdf,md}"]), ["a.pdf", "b.md"]);
        assert_eq!(names(folder.path(), &["deep/*"]), ["a.pdf", "er/c.pdf"]);
        assert_eq!(names(folder.path(), &[".hid*"]), [".hidden.pdf"]);
    }

    #[test]
    fn two_stars_reach_every_depth_and_files_of_one_name_keep_their_paths() {
        let folder = library();
        assert_eq!(names(folder.path(), &["**/*.pdf"]), ["a.pdf", "deep/a.pdf", "c.pdf"]);
    }

    #[test]
    fn a_file_reached_twice_counts_once() {
        let folder = library();
        assert_eq!(names(folder.path(), &["b.md", "./b.md", "*.md"]), ["b.md"]);
    }

    #[test]
    fn a_file_whose_name_looks_like_a_pattern_is_that_file() {
        let folder = library();
        std::fs::write(folder.path().join("[1].pdf"), "").unwrap();
        assert_eq!(names(folder.path(), &["[1].pdf"]), ["[1].pdf"]);
    }

    #[test]
    fn what_does_not_exist_is_a_problem_and_not_the_end() {
        let folder = library();
        let arguments = ["none.pdf", "*.docx", "b.md"].map(|name| folder.path().join(name));
        let expanded = expand(&arguments);
        assert_eq!(expanded.files.len(), 1);
        let reasons: Vec<_> = expanded.problems.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(reasons, ["no such file or folder", "nothing matches this pattern"]);
    }

    #[test]
    fn an_empty_folder_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(expand(&[folder.path().into()]).problems.len(), 1);
    }
}
