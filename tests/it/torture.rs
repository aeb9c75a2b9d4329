//! The torture table: what other fixers lose, break or hide. One test for each row, by its number.
#![expect(clippy::string_slice, reason = "places found in the text by its own words")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::{Duration, Instant};

use wa_fix::detect::Outcome;
use wa_fix::edit::Values;
use wa_fix::plan::Plan;
use wa_fix::rule::{Impact, Meta, Pillar, Rule, Tier};

use crate::npm::Files;
use crate::project::{Project, same, try_git};
use crate::run::{JOB, MANIFEST};
use crate::support::{after, plan_files};
use crate::terminal::Terminal;

/// A queue for test-only rules to work on.
const QUEUE: &str = "\
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Stack } from 'aws-cdk-lib';

export class QueueStack extends Stack {
  constructor(scope: Stack, id: string) {
    super(scope, id);
    new sqs.Queue(this, 'Jobs', { fifo: true });
  }
}
";

const FIFO: &str =
    "((new_expression) @site (#construct? @site \"aws_sqs.Queue\") (#prop-is? @site \"fifo\" \"true\"))";
const NOT_FIFO: &str =
    "((new_expression) @site (#construct? @site \"aws_sqs.Queue\") (#prop-is? @site \"fifo\" \"false\"))";

/// The parts of a test-only rule that do not matter to a test.
const PLAIN: Meta = Meta {
    id: "9.0",
    also: &[],
    name: "test-only",
    title: "A rule of a test",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Safe,
    practice: "SEC01-BP01",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 900,
    source: "",
    query: FIFO,
};

fn queue() -> Files {
    Files::from([
        ("package.json".to_owned(), MANIFEST.to_owned()),
        ("lib/queue.ts".to_owned(), QUEUE.to_owned()),
    ])
}

fn planned(files: &Files, rules: &[Rule]) -> Plan {
    plan_files(files, rules, &Values::new())
}

/// The one finding of a rule.
#[track_caller]
fn outcome<'p>(plan: &'p Plan, rule: &str) -> &'p Outcome {
    let mut found = plan.findings.iter().filter(|finding| finding.rule.id == rule);
    let outcome = &found.next().expect("a finding").outcome;
    assert!(found.next().is_none(), "{:?}", plan.findings);
    outcome
}

/// A rule that replaces the whole construct by a text.
macro_rules! replaces {
    ($meta:ident, $code:expr) => {
        Rule {
            meta: &$meta,
            check: |m, out| {
                let site = m.site("site")?;
                out.report(&$meta, m.model, site.node, "It is so.").fix("Change it", move |b| {
                    b.replace(site.node, $code);
                    Ok(())
                });
                Some(())
            },
        }
    };
}

/// A rule that sets a property.
macro_rules! sets {
    ($meta:ident, $name:expr, $value:expr) => {
        Rule {
            meta: &$meta,
            check: |m, out| {
                let site = m.site("site")?;
                out.report(&$meta, m.model, site.node, "It is so.")
                    .fix("Set it", move |b| b.set_prop(&site, $name, $value));
                Some(())
            },
        }
    };
}

#[test]
fn row_01_fix_with_invalid_syntax_is_not_written() {
    static META: Meta = PLAIN;
    let plan = planned(&queue(), &[replaces!(META, "new sqs.Queue(this, { broken")]);
    assert_eq!(*outcome(&plan, "9.0"), Outcome::BackedOut("the result has a syntax error".to_owned()));
    assert!(plan.changes.is_empty() && plan.steps.is_empty());
}

#[test]
fn row_01_only_the_broken_fix_of_several_is_dropped() {
    static BROKEN: Meta = PLAIN;
    static GOOD: Meta = Meta { id: "9.1", order: 800, ..PLAIN };
    let files = queue();
    let plan = planned(
        &files,
        &[
            replaces!(BROKEN, "new sqs.Queue(this, 'Jobs', { fifo: false )"),
            sets!(GOOD, "deliveryDelay", "undefined"),
        ],
    );
    // The good rule does not clear its finding either, and that is another reason.
    assert_eq!(
        *outcome(&plan, "9.1"),
        Outcome::BackedOut("the finding is still there after the fix".to_owned())
    );
    assert_eq!(*outcome(&plan, "9.0"), Outcome::BackedOut("the result has a syntax error".to_owned()));
    assert_eq!(after(&files, &plan), files);
}

#[test]
fn row_02_fix_that_matches_its_own_output_stops() {
    static META: Meta = PLAIN;
    let start = Instant::now();
    let grows = Rule {
        meta: &META,
        check: |m, out| {
            let site = m.site("site")?;
            out.report(&META, m.model, site.node, "It is so.").fix("Grow", move |b| {
                b.replace(site.node, &format!("[{}, 1][0]", site.node.text()));
                Ok(())
            });
            Some(())
        },
    };
    let plan = planned(&queue(), &[grows]);
    assert!(matches!(outcome(&plan, "9.0"), Outcome::BackedOut(why) if why.contains("still there")));
    assert!(plan.changes.is_empty());
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn row_02_two_rules_that_feed_each_other_for_ever_stop() {
    // Each clears its own finding, raises the other's, and the text grows by a pair of brackets.
    static A: Meta = Meta { id: "9.1", raises: &["9.2"], order: 1, ..PLAIN };
    static B: Meta = Meta { id: "9.2", raises: &["9.1"], order: 2, query: NOT_FIFO, ..PLAIN };
    fn grow(text: &str) -> String {
        let next =
            if text.contains("true") { text.replace("true", "false") } else { text.replace("false", "true") };
        format!("({next})")
    }
    macro_rules! grower {
        ($meta:ident) => {
            Rule {
                meta: &$meta,
                check: |m, out| {
                    let site = m.site("site")?;
                    out.report(&$meta, m.model, site.node, "It is so.").fix("Grow", move |b| {
                        b.replace(site.node, &grow(site.node.text()));
                        Ok(())
                    });
                    Some(())
                },
            }
        };
    }
    let files = queue();
    let plan = planned(&files, &[grower!(A), grower!(B)]);
    assert_eq!(after(&files, &plan), files);
    assert_eq!(*outcome(&plan, "9.1"), Outcome::Conflict("9.2".to_owned()));
    assert!(plan.notes.iter().any(|note| note.contains("9.1") && note.contains("9.2")), "{:?}", plan.notes);
}

#[test]
fn row_02_a_fix_that_another_makes_impossible_says_why() {
    static A: Meta = Meta { id: "9.1", order: 1, ..PLAIN };
    static B: Meta = Meta {
        id: "9.2",
        order: 2,
        query: "((new_expression) @site (#construct? @site \"aws_sqs.Queue\"))",
        ..PLAIN
    };
    let needs_order = Rule {
        meta: &B,
        check: |m, out| {
            let site = m.site("site")?;
            let finding = out.report(&B, m.model, site.node, "It is so.");
            if site.node.text().contains("true") {
                finding
                    .fix("Keep the order", move |b| b.set_prop(&site, "contentBasedDeduplication", "true"));
            } else {
                finding.refuse("the queue keeps no order", "make it a FIFO queue");
            }
            Some(())
        },
    };
    let plan = planned(&queue(), &[sets!(A, "fifo", "false"), needs_order]);
    assert_eq!(*outcome(&plan, "9.1"), Outcome::Fixed);
    let refused = outcome(&plan, "9.2");
    assert_eq!(refused.word(), "no-fix");
    assert_eq!(refused.detail().as_deref(), Some("the queue keeps no order"));
}

#[test]
fn row_03_two_rules_that_undo_each_other_stop_and_say_so() {
    static A: Meta = Meta { id: "9.1", name: "no-fifo", raises: &["9.2"], order: 1, ..PLAIN };
    static B: Meta = Meta { id: "9.2", name: "fifo", raises: &["9.1"], order: 2, query: NOT_FIFO, ..PLAIN };
    static C: Meta = Meta {
        id: "9.3",
        order: 3,
        query: "((new_expression) @site (#construct? @site \"aws_sqs.Queue\") (#lacks-prop? @site \"enforceSSL\"))",
        ..PLAIN
    };
    let rules = [sets!(A, "fifo", "false"), sets!(B, "fifo", "true"), sets!(C, "enforceSSL", "true")];
    let files = queue();
    let plan = planned(&files, &rules);
    assert_eq!(*outcome(&plan, "9.1"), Outcome::Conflict("9.2".to_owned()));
    let [note] = plan.notes.as_slice() else { panic!("{:?}", plan.notes) };
    assert_eq!(
        note,
        "the fixes of 9.1 no-fifo and 9.2 fifo undo each other: none of them is applied; take one of the rules with --select"
    );
    // The bystander is served, and the next run changes nothing.
    assert_eq!(*outcome(&plan, "9.3"), Outcome::Fixed);
    let once = after(&files, &plan);
    assert!(once["lib/queue.ts"].contains("{ fifo: true, enforceSSL: true }"), "{}", once["lib/queue.ts"]);
    let again = planned(&once, &rules);
    assert!(again.changes.is_empty(), "{:?}", again.changes);
}

#[test]
fn row_03_a_fix_that_raises_another_rule_unasked_is_backed_out() {
    static A: Meta = Meta { id: "9.1", order: 1, ..PLAIN };
    static B: Meta = Meta { id: "9.2", order: 2, query: NOT_FIFO, ..PLAIN };
    let plan = planned(&queue(), &[sets!(A, "fifo", "false"), sets!(B, "fifo", "true")]);
    assert_eq!(*outcome(&plan, "9.1"), Outcome::BackedOut("the fix raises a finding of rule 9.2".to_owned()));
    assert!(plan.changes.is_empty());
}

#[test]
fn row_04_write_that_dies_leaves_every_file_whole() {
    let project = Project::job();
    project.put("lib/other.ts", JOB.replace("JobStack", "OtherStack"));
    project.commit_all();
    let before = project.tree();
    let ran = project.shell("ulimit -f 0; trap '' XFSZ; exec \"$WA_FIX\" apply --select 2.5 2>&1 | cat");
    assert!(ran.text().contains("wa-fix: ") && ran.text().contains("nothing was changed"), "{ran}");
    same(&project, &before);
    // The signal that ends a process at once is no better an excuse.
    let mut command = std::process::Command::new("sh");
    crate::run::at_home(&mut command, project.root(), project.home());
    let killed = command
        .env("WA_FIX", env!("CARGO_BIN_EXE_wa-fix"))
        .args(["-c", "ulimit -f 0; exec \"$WA_FIX\" apply --select 2.5"])
        .output()
        .unwrap();
    assert!(!killed.status.success());
    same(&project, &before);
    project.run(&["apply", "--select", "2.5"]).ends(0);
}

#[test]
fn row_05_edit_made_while_the_review_is_open_survives() {
    let project = Project::job();
    let mut terminal = Terminal::start(project.root(), project.home(), &["-i", "--select", "2.5"]);
    terminal.sees("Write this fix");
    let edited = format!("{JOB}// written by somebody else meanwhile\n");
    project.put("lib/job.ts", &edited);
    // The fix is made of the file as it is now, and a file with uncommitted changes is not written unasked.
    terminal
        .keys("y")
        .sees("Write to the working tree")
        .keys("w")
        .sees("Uncommitted changes are in lib/job.ts");
    assert_eq!(project.read("lib/job.ts"), edited.as_bytes());
    terminal.keys("w");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    let written = String::from_utf8(project.read("lib/job.ts")).unwrap();
    assert!(
        written.ends_with("// written by somebody else meanwhile\n") && written.contains("deadLetterQueue")
    );
}

#[test]
fn row_05_the_review_writes_what_is_accepted() {
    let project = Project::job();
    let mut terminal = Terminal::start(project.root(), project.home(), &["-i", "--select", "2.5"]);
    terminal.sees("[1/1]").sees("Write this fix").keys("y").sees("Write to the working tree").keys("w");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    let reviewed = project.read("lib/job.ts");
    let other = Project::job();
    other.run(&["apply", "--select", "2.5"]).ends(0);
    assert_eq!(reviewed, other.read("lib/job.ts"));
}

#[test]
fn row_05_a_review_that_is_left_writes_nothing() {
    for keys in ["q", "nn", "\u{1b}", "\u{3}"] {
        let project = Project::job();
        let before = project.tree();
        let mut terminal = Terminal::start(project.root(), project.home(), &["-i", "--select", "2.5"]);
        terminal.sees("Write this fix").keys(keys);
        let (code, shown) = terminal.end();
        assert_ne!(code, Some(0), "{keys:?}: {shown}");
        same(&project, &before);
    }
}

#[test]
fn row_06_crlf_is_kept_by_an_insert_of_several_lines() {
    let project = Project::committed(&[("package.json", MANIFEST)]);
    project.put("lib/job.ts", JOB.replace('\n', "\r\n"));
    project.commit_all();
    project.run(&["apply", "--select", "2.5"]).ends(0);
    let crlf = String::from_utf8(project.read("lib/job.ts")).unwrap();
    assert_eq!(crlf.matches('\n').count(), crlf.matches("\r\n").count(), "{crlf:?}");
    // The same bytes as with LF, line ends aside.
    let lf = Project::job();
    lf.run(&["apply", "--select", "2.5"]).ends(0);
    assert_eq!(crlf.replace("\r\n", "\n").as_bytes(), lf.read("lib/job.ts"));
}

#[test]
fn row_07_bom_is_kept() {
    let project = Project::committed(&[("package.json", MANIFEST)]);
    project.put("lib/job.ts", format!("\u{feff}{JOB}"));
    project.commit_all();
    let found = project.run(&["scan", "--select", "2.5", "--format", "concise"]).ends(1);
    assert!(found.text().starts_with("lib/job.ts(9,5): "), "{found}");
    project.run(&["apply", "--select", "2.5"]).ends(0);
    let text = String::from_utf8(project.read("lib/job.ts")).unwrap();
    assert!(text.starts_with("\u{feff}import * as cdk"), "{text}");
    assert_eq!(text.matches('\u{feff}').count(), 1);
}

#[test]
fn row_08_a_latin_1_file_is_refused_loudly_and_untouched() {
    let project = Project::job();
    let latin = [b"// caf\xe9\n".as_slice(), JOB.replace("JobStack", "CafeStack").as_bytes()].concat();
    project.put("lib/cafe.ts", &latin);
    project.commit_all();
    let ran = project.run(&["apply", "--select", "2.5"]).ends(1);
    assert!(ran.err.contains("lib/cafe.ts: is not UTF-8 (first bad byte at offset 6)"), "{ran}");
    assert_eq!(project.read("lib/cafe.ts"), latin);
    assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetterQueue"));
    // Nothing is left to fix, and yet the run is not clean. Nor does --quiet hide it.
    let quiet = project.run(&["scan", "--select", "2.5", "--quiet"]).ends(1);
    assert_eq!(quiet.err.lines().count(), 1, "{quiet}");
    assert!(quiet.err.starts_with("wa-fix: lib/cafe.ts: is not UTF-8"), "{quiet}");
    // Named by itself, it is the whole job, and the job failed.
    project.run(&["scan", "lib/cafe.ts"]).ends(2).says("lib/cafe.ts: is not UTF-8");
}

#[test]
fn row_09_mode_link_and_hard_link_are_kept() {
    let project = Project::job();
    project.put("lib/mode.ts", JOB.replace("JobStack", "ModeStack"));
    project.chmod("lib/mode.ts", 0o755);
    project.put("shared/target.ts", JOB.replace("JobStack", "LinkedStack"));
    symlink("../shared/target.ts", project.at("lib/link.ts")).unwrap();
    project.put("lib/hard.ts", JOB.replace("JobStack", "HardStack"));
    fs::hard_link(project.at("lib/hard.ts"), project.outside().join("other-name.ts")).unwrap();
    project.commit_all();
    project.run(&["apply", "--select", "2.5"]).ends(0);
    assert_eq!(project.mode("lib/mode.ts"), 0o755);
    assert!(project.at("lib/link.ts").is_symlink());
    assert!(String::from_utf8(project.read("lib/link.ts")).unwrap().contains("deadLetterQueue"));
    assert_eq!(fs::metadata(project.at("lib/hard.ts")).unwrap().nlink(), 2);
    assert_eq!(fs::read(project.outside().join("other-name.ts")).unwrap(), project.read("lib/hard.ts"));
    // A link that is named leads to its target.
    let named = Project::job();
    symlink("lib/job.ts", named.at("link.ts")).unwrap();
    named.run(&["apply", "--select", "2.5", "link.ts"]).ends(0);
    assert!(named.at("link.ts").is_symlink());
    assert!(String::from_utf8(named.read("lib/job.ts")).unwrap().contains("deadLetterQueue"));
}

#[test]
fn row_10_the_preview_is_accepted_by_git_apply() {
    for folder in ["", "lib"] {
        let project = Project::tap();
        let diff = project.run_in(folder, &["diff", "--all"]).ends(1);
        assert!(diff.text().contains("@@"), "{diff}");
        let by_git = project.copy_patched(folder, &diff.out);
        project.run_in(folder, &["apply", "--all", "--quiet", "--exit-zero"]).ends(0);
        same(&project, &by_git.tree());
    }
}

#[test]
fn row_11_overlapping_fixes_of_two_rules_are_both_made() {
    const LACKS: &str =
        "((new_expression) @site (#construct? @site \"aws_sqs.Queue\") (#lacks-prop? @site \"enforceSSL\"))";
    static WHOLE: Meta = Meta { id: "9.1", order: 1, ..PLAIN };
    static PART: Meta = Meta { id: "9.2", order: 2, query: LACKS, ..PLAIN };
    let whole = replaces!(WHOLE, "new sqs.Queue(this, 'Jobs', { fifo: undefined })");
    let part = sets!(PART, "enforceSSL", "true");
    let files = queue();
    for rules in [[whole, part], [part, whole]] {
        let plan = planned(&files, &rules);
        assert_eq!((outcome(&plan, "9.1"), outcome(&plan, "9.2")), (&Outcome::Fixed, &Outcome::Fixed));
        let text = &after(&files, &plan)["lib/queue.ts"];
        assert!(
            text.contains("new sqs.Queue(this, 'Jobs', { fifo: undefined, enforceSSL: true })"),
            "{text}"
        );
    }
}

#[test]
fn row_11_the_loser_of_two_fixes_is_named() {
    // The first takes away what the second is about, and the second would not be able to put it right.
    static FIRST: Meta = Meta { id: "9.1", order: 1, ..PLAIN };
    static SECOND: Meta = Meta { id: "9.2", order: 2, ..PLAIN };
    let plan = planned(
        &queue(),
        &[sets!(FIRST, "fifo", "undefined"), replaces!(SECOND, "new sqs.Queue(this, 'Jobs', { fifo: )")],
    );
    assert_eq!(*outcome(&plan, "9.1"), Outcome::Fixed);
    // Gone with the first fix: settled, not lost.
    assert_eq!(*outcome(&plan, "9.2"), Outcome::Fixed);
}

#[test]
fn row_12_no_template_artefacts() {
    // What looks like a template's variable is written as it stands.
    static META: Meta = PLAIN;
    let files = queue();
    let plan = planned(&files, &[sets!(META, "fifo", "cost('$X', `${y}`, '$$$Z \\\\1 {{z}}')")]);
    assert_eq!(*outcome(&plan, "9.0"), Outcome::Fixed);
    let text = &after(&files, &plan)["lib/queue.ts"];
    assert!(text.contains("fifo: cost('$X', `${y}`, '$$$Z \\\\1 {{z}}')"), "{text}");
    // And nothing that looks like one comes out of the real rules.
    let project = Project::tap();
    let diff = project.run(&["diff", "--all", "--quiet"]).ends(1);
    for line in diff.text().lines().filter(|line| line.starts_with('+')) {
        for artefact in ["TODO", "FIXME", "{{", "$$", "$X", "<placeholder", "[object"] {
            assert!(!line.contains(artefact), "{line}");
        }
    }
}

#[test]
fn row_13_trailing_comments_of_an_object_stay_comments() {
    let cases = [
        ("{\n      timeout: x, // keep\n    }", 1),
        ("{\n      timeout: x // keep\n    }", 1),
        ("{ timeout: x, // keep\n    }", 1),
        ("{ timeout: x // keep\n    }", 1),
        ("{ timeout: x /* keep */ }", 1),
        ("{ /* keep */ timeout: x, /* keep */ }", 2),
        ("{\n      timeout: x,\n      // keep\n    }", 1),
        ("{\n      // keep\n      timeout: x,\n      // keep, too\n    } /* keep */", 3),
        ("{ // keep\n    }", 1),
    ];
    for (props, comments) in cases {
        let start = JOB.find("{\n      runtime").unwrap();
        let end = JOB.find("});\n  }").unwrap() + 1;
        let text = format!("{}{props}{}", &JOB[..start], &JOB[end..]);
        let project = Project::committed(&[("package.json", MANIFEST), ("lib/job.ts", &text)]);
        project.run(&["apply", "--select", "2.5"]).ends(0);
        let after = String::from_utf8(project.read("lib/job.ts")).unwrap();
        assert_eq!(after.matches("keep").count(), comments, "{after}");
        let tail = after.split("'Job', ").nth(1).unwrap();
        // The property is code, and what the comment said is still said by a comment.
        let code: String = tail.lines().map(|line| line.split("//").next().unwrap()).collect();
        assert!(code.contains("deadLetterQueue"), "{after}");
        assert!(code.contains(')'), "{after}");
        project.run(&["scan", "--select", "2.5"]).ends(0).says_not("syntax error");
    }
}

#[test]
fn row_14_interactive_without_a_terminal_says_what_to_do_instead() {
    let project = Project::job();
    let before = project.tree();
    for arguments in [vec!["-i"], vec!["--interactive", "lib"]] {
        let ran = project.run(&arguments).ends(2).says("--interactive needs a terminal");
        for command in ["wa-fix diff", "wa-fix apply", "wa-fix apply --branch NAME"] {
            assert!(ran.err.contains(command), "{ran}");
        }
        assert!(ran.out.is_empty(), "{ran}");
    }
    // Without even a controlling terminal.
    project
        .shell("setsid \"$WA_FIX\" -i < /dev/null; exit $?")
        .ends(2)
        .says("--interactive needs a terminal");
    same(&project, &before);
}

#[test]
fn row_15_apply_with_a_machine_format_applies_and_reports() {
    for format in ["json", "jsonl", "sarif"] {
        let project = Project::job();
        let ran = project.run(&["apply", "--select", "2.5", "--format", format]).ends(0);
        assert!(String::from_utf8(project.read("lib/job.ts")).unwrap().contains("deadLetterQueue"));
        let first: serde_json::Value =
            serde_json::Deserializer::from_slice(&ran.out).into_iter().next().unwrap().unwrap();
        match format {
            "json" => {
                assert_eq!(first["findings"][0]["outcome"], "fixed");
                assert_eq!(first["findings"].as_array().unwrap().len(), 1);
                assert_eq!(first["summary"]["outcomes"]["fixed"], 1);
                assert_eq!(first["summary"]["remaining"], 0);
            }
            "jsonl" => assert_eq!(first["outcome"], "fixed"),
            _ => assert!(ran.text().contains("\"fixed\"") || first["runs"][0]["results"].is_array(), "{ran}"),
        }
        assert!(ran.err.contains("1 fixed in 1 file"), "{ran}");
    }
}

#[test]
fn row_16_a_file_with_a_syntax_error_is_untouched_and_reported_with_its_line() {
    let broken = format!("{JOB}\nexport const half = (\n");
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/job.ts", &broken)]);
    let before = project.tree();
    let ran = project.run(&["apply", "--select", "2.5"]).ends(1);
    same(&project, &before);
    let line = broken.lines().position(|line| line.contains("half")).unwrap() + 1;
    let reported = [line, line + 1]
        .iter()
        .any(|line| ran.err.contains(&format!("lib/job.ts: has a syntax error in line {line}")));
    assert!(reported, "{ran}");
    // The finding is still told, with the reason why it is not fixed.
    let json = project.run(&["scan", "--select", "2.5", "--format", "json"]).ends(1);
    let json: serde_json::Value = serde_json::from_slice(&json.out).unwrap();
    assert_eq!(json["findings"][0]["outcome"], "no-fix", "{json}");
    assert!(json["findings"][0]["detail"].as_str().unwrap().contains("syntax error"), "{json}");
    // Without a finding in it the run is not clean either: half of the file was not understood.
    let clean = "import { Stack } from 'aws-cdk-lib';\nexport const half = (\n";
    let project = Project::committed(&[("package.json", MANIFEST), ("lib/half.ts", clean)]);
    project.run(&["scan"]).ends(1).says("lib/half.ts: has a syntax error in line");
    assert!(try_git(project.root(), &["diff", "--quiet"]).0);
}
