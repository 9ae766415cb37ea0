//! The rules, one function each.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Source};

/// A rule looks at one file.
type Rule = fn(&Source, &mut Vec<Finding>);

/// Every rule.
pub(super) const ALL: [Rule; 8] = [
    opens_with_its_purpose,
    library_lists_what_it_exports,
    explains_its_length,
    does_not_unwrap,
    only_the_store_reads_back,
    names_no_machine,
    has_nothing_left_to_do,
    ends_with_a_line_break,
];

/// Longer files say why.
const LONG: usize = 600;
/// The explanation.
const LONG_BECAUSE: &str = "// tidy: long because ";
/// Written by a tool.
const GENERATED: [&str; 2] = ["web/src/api/schema.d.ts", "web/openapi.json"];

/// Every Rust file opens with `//!`, every script and TypeScript file with a comment.
fn opens_with_its_purpose(source: &Source, out: &mut Vec<Finding>) {
    let first = source.text.lines().find(|line| !line.starts_with("#!/")).unwrap_or("");
    if source.is("rs") {
        let says = first.strip_prefix("//! ").is_some_and(|sentence| !sentence.trim().is_empty());
        if !says {
            out.push(source.finding(1, "the first line is `//!` and a sentence on its purpose"));
        }
    }
    let script = ["ts", "tsx", "mts", "js", "mjs"].iter().any(|extension| source.is(extension));
    let comment = first.starts_with("//") || first.starts_with("/*");
    if script && !comment && !GENERATED.contains(&source.path.as_str()) {
        out.push(source.finding(1, "the first line is a comment on its purpose"));
    }
}

/// `lib.rs` is a table of contents: no globs.
fn library_lists_what_it_exports(source: &Source, out: &mut Vec<Finding>) {
    if !source.path.ends_with("/lib.rs") {
        return;
    }
    for (number, line) in numbered(&source.text) {
        let line = line.trim_start();
        if line.starts_with("pub use") && line.contains('*') {
            out.push(source.finding(number, "lib.rs exports by name, not by `*`"));
        }
    }
}

/// A file beyond [`LONG`] lines says why.
fn explains_its_length(source: &Source, out: &mut Vec<Finding>) {
    let code = ["css", "mjs", "rs", "ts", "tsx"].iter().any(|extension| source.is(extension));
    if !code || GENERATED.contains(&source.path.as_str()) {
        return;
    }
    let lines = source.text.lines().count();
    if lines > LONG && !source.text.contains(LONG_BECAUSE) {
        let what = format!("{lines} lines: split it, or add a line `{LONG_BECAUSE}…`");
        out.push(source.finding(lines, what));
    }
}

/// No `unwrap` or `expect` outside tests; a backup for clippy, which sees only what is compiled.
fn does_not_unwrap(source: &Source, out: &mut Vec<Finding>) {
    static CALL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\.(unwrap|expect|unwrap_err|expect_err)\(").ok());
    if !is_product(source) || source.text.contains("clippy::expect_used") {
        return;
    }
    let Some(call) = &*CALL else { return };
    for (number, line) in product_lines(&source.text) {
        // A constant is worked out by the compiler: there it cannot fail at run time.
        let constant = ["const ", "pub const ", "pub(crate) const "];
        if call.is_match(line) && !constant.iter().any(|start| line.trim_start().starts_with(start))
        {
            out.push(source.finding(number, "no unwrap or expect outside tests"));
        }
    }
}

/// `Stored` values are made by the store alone.
fn only_the_store_reads_back(source: &Source, out: &mut Vec<Finding>) {
    let may = ["crates/store/", "crates/model/src/stored.rs"];
    if !source.is("rs") || may.iter().any(|path| source.path.starts_with(path)) {
        return;
    }
    for (number, line) in product_lines(&source.text) {
        if line.contains("Stored::read_back") && source.path.starts_with("crates/") {
            out.push(source.finding(number, "only the store calls Stored::read_back"));
        }
    }
}

/// Nothing names a folder of the machine it was made on, or a package mirror.
fn names_no_machine(source: &Source, out: &mut Vec<Finding>) {
    static FOLDER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"(^|[\s"'`(=:])/(work|root)/"#).ok());
    if let Some(folder) = &*FOLDER {
        for (number, line) in numbered(&source.text) {
            if folder.is_match(line) {
                out.push(source.finding(number, "names a folder of one machine"));
            }
        }
    }
    let mirrored: &[(&str, &str)] = match source.path.rsplit('/').next() {
        Some("package-lock.json") => &[("\"resolved\": \"", "https://registry.npmjs.org/")],
        Some("Cargo.lock") => {
            &[("source = \"", "registry+https://github.com/rust-lang/crates.io-index\"")]
        }
        Some(".npmrc") => &[("registry=", "https://registry.npmjs.org/")],
        _ => &[],
    };
    for (number, line) in numbered(&source.text) {
        for (key, usual) in mirrored {
            if line.split_once(key).is_some_and(|(_, from)| !from.starts_with(usual)) {
                out.push(source.finding(number, "takes a package from an unusual place"));
            }
        }
    }
}

/// No `todo!` and its like.
fn has_nothing_left_to_do(source: &Source, out: &mut Vec<Finding>) {
    static LEFT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\b(todo|unimplemented|dbg)!\s*\(").ok());
    let Some(left) = &*LEFT else { return };
    if !source.is("rs") {
        return;
    }
    for (number, line) in numbered(&source.text) {
        if left.is_match(line) {
            out.push(source.finding(number, "finish it, or open an issue for it"));
        }
    }
}

/// Code files end with a line break.
fn ends_with_a_line_break(source: &Source, out: &mut Vec<Finding>) {
    let code = ["md", "mjs", "rs", "toml", "ts", "tsx", "yaml", "yml"];
    let is_code = code.iter().any(|extension| source.is(extension));
    if is_code && !source.text.is_empty() && !source.text.ends_with('\n') {
        out.push(source.finding(source.text.lines().count(), "ends without a line break"));
    }
}

/// Code that reaches users: not tests, examples or the test kit.
fn is_product(source: &Source) -> bool {
    let inside = source.path.starts_with("crates/") || source.path.starts_with("xtask/");
    let tests = ["/tests/", "/examples/", "/benches/", "crates/testkit/"];
    inside
        && source.is("rs")
        && !source.path.ends_with("/tests.rs")
        && !tests.iter().any(|part| source.path.contains(part))
}

/// Numbered lines before the file's tests, comments left out.
fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text)
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.into(), text: text.into() };
        let mut out = Vec::new();
        for rule in ALL {
            rule(&source, &mut out);
        }
        out.into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
    }

    #[test]
    fn a_tidy_file_has_no_findings() {
        let text = "//! Says what it is for.\n\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    \
                    fn g() { None::<u8>.unwrap(); }\n}\n";
        assert_eq!(findings("crates/model/src/x.rs", text), [""; 0]);
        let script = "#!/usr/bin/env node\n// Says what it is for.\n";
        assert_eq!(findings("web/e2e/x.mjs", script), [""; 0]);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        assert_eq!(findings("crates/a/src/x.rs", "use std::fs;\n").len(), 1);
        assert_eq!(findings("crates/a/src/x.rs", "//! \n").len(), 1);
        assert_eq!(findings("web/src/x.tsx", "import a from 'b';\n").len(), 1);
    }

    #[test]
    fn a_glob_export_an_unwrap_and_a_foreign_read_back_are_found() {
        let lib = "//! X.\n\npub use a::*;\n";
        assert_eq!(findings("crates/a/src/lib.rs", lib).len(), 1);
        let unwrap = format!("//! X.\n\nfn f() {{ g().{}(); }}\n", "unwrap");
        assert_eq!(findings("crates/a/src/x.rs", &unwrap).len(), 1);
        let constant = "//! X.\n\nconst N: NonZeroUsize = NonZeroUsize::new(8).unwrap();\n";
        assert_eq!(findings("crates/a/src/x.rs", constant), [""; 0]);
        let back = "//! X.\n\nfn f() { Stored::read_back(1, r); }\n";
        assert_eq!(findings("crates/server/src/x.rs", back).len(), 1);
        assert_eq!(findings("crates/store/src/x.rs", back), [""; 0]);
    }

    #[test]
    fn a_long_file_explains_itself() {
        let long = "//! X.\n".to_owned() + &"\n".repeat(LONG);
        assert_eq!(findings("crates/a/src/x.rs", &long).len(), 1);
        let told = format!("{long}{LONG_BECAUSE}it is a table\n");
        assert_eq!(findings("crates/a/src/x.rs", &told), [""; 0]);
    }

    #[test]
    fn machine_paths_and_mirrors_are_found() {
        let path = format!("//! X.\n\nconst P: &str = \"/{}/me\";\n", "root");
        assert_eq!(findings("crates/a/src/x.rs", &path).len(), 1);
        assert_eq!(findings("crates/a/src/x.rs", "//! On a net/work/shop.\n"), [""; 0]);
        let lock = "source = \"registry+https://mirror.test/index\"\n";
        assert_eq!(findings("Cargo.lock", lock).len(), 1);
    }
}
