//! The floor: reads the scripts under a folder, keeps those that name a CDK package, parses them with
//! tree-sitter on as many threads as told, and does nothing with the trees.
//!
//! `parse_only FOLDER THREADS [--tests]`

#![expect(clippy::print_stdout, reason = "a bench prints what it saw")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Words one of which stands in every file that speaks to the CDK: those of `src/model/app.rs`.
const CDK_WORDS: [&str; 3] = ["aws-cdk", "monocdk", "constructs"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(folder), Some(threads)) =
        (arguments.first(), arguments.get(1).and_then(|threads| threads.parse::<usize>().ok()))
    else {
        println!("usage: parse_only FOLDER THREADS [--tests]");
        return;
    };
    let mut files = Vec::new();
    walk(Path::new(folder), arguments.iter().any(|argument| argument == "--tests"), &mut files);
    let next = AtomicUsize::new(0);
    let (parsed, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut parser = tree_sitter::Parser::new();
        if parser.set_language(&tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()).is_err() {
            return;
        }
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Ok(text) = std::fs::read(file) else { continue };
            if CDK_WORDS.iter().any(|word| memchr::memmem::find(&text, word.as_bytes()).is_some())
                && parser.parse(&text, None).is_some()
            {
                parsed.fetch_add(1, Ordering::Relaxed);
                bytes.fetch_add(text.len(), Ordering::Relaxed);
            }
        }
    };
    if threads < 2 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    println!("{} of {} files, {} bytes", parsed.into_inner(), files.len(), bytes.into_inner());
}

fn walk(folder: &Path, tests: bool, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            let left_out = name == "node_modules" || name == "cdk.out" || name.starts_with('.');
            if !left_out && (tests || name != "test") {
                walk(&entry.path(), tests, files);
            }
        } else if Path::new(name).extension().is_some_and(|end| end == "ts")
            && !name.ends_with(".d.ts")
            && (tests || !name.contains(".test."))
        {
            files.push(entry.path());
        }
    }
}
