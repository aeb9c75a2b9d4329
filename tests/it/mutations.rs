//! Code as nobody wrote it: the fixtures' inputs with bytes lost, doubled, moved and put in. Whatever comes out, a
//! plan of all rules ends, without a panic, and what it would write parses.

#![expect(clippy::string_slice, reason = "pieces are cut between characters")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use wa_fix::edit::Values;
use wa_fix::fixes::ALL;
use wa_fix::source::Language;
use wa_fix::syntax::{first_error, parse};

use crate::npm::Files;
use crate::run::{JOB, MANIFEST};
use crate::support::{plan_files, read_tree, top};

/// One change of a text, with places as parts of its length.
#[derive(Debug, Clone)]
enum Mutation {
    Delete(f64, usize),
    Double(f64, usize),
    Insert(f64, &'static str),
    /// A piece of another place, or of another text.
    Splice {
        from: f64,
        length: usize,
        to: f64,
    },
    /// Everything behind is gone.
    Cut(f64),
}

/// Pieces that change the meaning of what follows them.
const PIECES: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "'",
    "`",
    "${",
    "/*",
    "*/",
    "//",
    ",",
    ";",
    "...",
    "\0",
    "\r",
    "\u{feff}",
    "😀",
    "new ",
    "undefined",
    "aws-cdk-lib",
    "=>",
    "\u{2028}",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = || 0.0..1.0_f64;
    prop_oneof![
        (place(), 1..40_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        (place(), 1..80_usize).prop_map(|(at, length)| Mutation::Double(at, length)),
        (place(), 0..PIECES.len()).prop_map(|(at, piece)| Mutation::Insert(at, PIECES[piece])),
        (place(), 1..200_usize, place()).prop_map(|(from, length, to)| Mutation::Splice { from, length, to }),
        place().prop_map(Mutation::Cut),
    ]
}

/// The place of a part in a text, between characters.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "any place will do"
)]
fn place(text: &str, part: f64) -> usize {
    text.floor_char_boundary((text.len() as f64 * part) as usize)
}

fn piece(text: &str, part: f64, length: usize) -> std::ops::Range<usize> {
    let start = place(text, part);
    start..text.floor_char_boundary((start + length).min(text.len())).max(start)
}

fn mutate(text: &mut String, other: &str, mutation: &Mutation) {
    match mutation {
        Mutation::Delete(at, length) => {
            let piece = piece(text, *at, *length);
            text.replace_range(piece, "");
        }
        Mutation::Double(at, length) => {
            let piece = piece(text, *at, *length);
            let copy = text[piece.clone()].to_owned();
            text.insert_str(piece.end, &copy);
        }
        Mutation::Insert(at, piece) => text.insert_str(place(text, *at), piece),
        Mutation::Splice { from, length, to } => {
            let copy = other[piece(other, *from, *length)].to_owned();
            text.insert_str(place(text, *to), &copy);
        }
        Mutation::Cut(at) => text.truncate(place(text, *at)),
    }
}

fn is_script(path: &str) -> bool {
    Language::of(path).is_some_and(Language::is_script)
}

/// The scripts of all fixtures.
fn inputs() -> &'static [String] {
    static INPUTS: OnceLock<Vec<String>> = OnceLock::new();
    INPUTS.get_or_init(|| {
        let files = read_tree(&top().join("tests/fixtures"));
        let scripts = files.into_iter().filter(|(path, _)| is_script(path)).map(|(_, text)| text);
        let tap = read_tree(&top().join("examples/tap/lib"));
        let tap = tap.into_iter().filter(|(path, _)| is_script(path)).map(|(_, text)| text);
        std::iter::once(JOB.to_owned()).chain(scripts).chain(tap).collect()
    })
}

/// What must hold of any text.
fn check(text: &str) {
    let files = Files::from([
        ("package.json".to_owned(), MANIFEST.to_owned()),
        ("lib/mutant.ts".to_owned(), text.to_owned()),
    ]);
    let start = Instant::now();
    let plan = plan_files(&files, ALL, &Values::new());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}\n{text}", start.elapsed());
    for change in &plan.changes {
        let after = std::str::from_utf8(&change.after).unwrap();
        let Some(language) = Language::of(&change.path) else { continue };
        let parsed = parse(&change.path, after.into(), language).unwrap();
        assert_eq!(first_error(&parsed), None, "{}\n{after}", change.path);
    }
    // What the file said in comments it still says.
    if let Some(change) = plan.changes.iter().find(|change| change.path == "lib/mutant.ts") {
        assert_eq!(change.before.as_deref(), Some(text.as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_time: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_of_mangled_code_ends_and_parses(
        chosen in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let inputs = inputs();
        let mut text = chosen.get(inputs).clone();
        for mutation in &mutations {
            let other: &String = other.get(inputs);
            mutate(&mut text, other, mutation);
        }
        check(&text);
    }

    #[test]
    fn a_plan_of_lines_in_any_order_ends_and_parses(
        chosen in any::<prop::sample::Index>(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let lines: Vec<&str> = chosen.get(inputs()).split_inclusive('\n').collect();
        check(&order.iter().map(|index| *index.get(&lines)).collect::<String>());
    }
}
