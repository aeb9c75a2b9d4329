//! For any sequence of keys, what is written equals the accepted decisions and nothing else.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wa_fix::edit::{FileChange, Values};
use wa_fix::model::App;
use wa_fix::plan::{Options, Plan, Replacement, RuleSet, find_apps};
use wa_fix::report::rows::{Kind, rows};
use wa_fix::review::{Action, Decision, Effect, Item, Session, Standing};
use wa_fix::rule::{Impact, Rule, Tier};
use wa_fix::source::{DiscoverOptions, discover};

use crate::npm::Files;
use crate::run::{JOB, MANIFEST};
use crate::support::{TempApp, after, scan_files};

const API: &str = "\
import * as cdk from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

export interface ApiProps extends cdk.StackProps {
  isProd: boolean;
}

export class ApiStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id, props);

    new lambda.Function(this, 'Work', {
      runtime: lambda.Runtime.NODEJS_18_X,
      handler: 'index.handler',
      code: lambda.Code.fromInline('exports.handler = async () => {};'),
      memorySize: 1024,
    });

    new s3.Bucket(this, 'Uploads', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    });

    new apigateway.RestApi(this, 'Api', {
      defaultCorsPreflightOptions: {
        allowOrigins: apigateway.Cors.ALL_ORIGINS,
      },
    });
  }
}
";

fn files() -> Files {
    [("package.json", MANIFEST), ("lib/api.ts", API), ("lib/job.ts", JOB)]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into()
}

fn rules() -> Vec<Rule> {
    let wanted = ["1.2", "1.3", "2.5", "4.2"];
    wa_fix::fixes::ALL.iter().copied().filter(|rule| wanted.contains(&rule.meta.id)).collect()
}

fn options() -> Options {
    Options {
        tier: Tier::Safe,
        min_impact: Impact::Info,
        only: None,
        values: Values::new(),
        within: Vec::new(),
        jobs: 1,
        trial: wa_fix::plan::Trial::default(),
    }
}

fn apps(app: &TempApp) -> Vec<App> {
    let root = app.root();
    let options = DiscoverOptions::at(root.clone());
    find_apps(discover(std::slice::from_ref(&root), &options), &[root])
}

/// Does what the dialogue does with a key, with answers of its own.
fn press(session: &mut Session<'_>, action: Action) {
    if session.review.current().is_none() {
        session.review.come_back();
        session.replan("coming back");
        return;
    }
    let effect = session.review.act(action);
    follow(session, effect);
}

fn follow(session: &mut Session<'_>, effect: Effect) {
    match effect {
        Effect::Accept => session.accept(),
        Effect::Plan(cause) => {
            session.replan(&cause);
        }
        Effect::Ask => {
            let _ = session.answer("allowed_origins", "https://app.acme.io");
        }
        Effect::AskReason => {
            let effect = session.review.decide(Decision::Suppressed("asked the team".to_owned()));
            follow(session, effect);
        }
        Effect::AskSearch => session.review.search("bucket"),
        Effect::AskNumber => session.review.go_to("2"),
        Effect::Edit => {
            let edited: Vec<FileChange> = session.preview().changes.into_iter().map(with_a_comment).collect();
            let effect = session.review.replace(Replacement::of(&edited));
            follow(session, effect);
        }
        _ => {}
    }
}

/// What a person may write: a comment behind the first line that the fix changed.
fn with_a_comment(mut change: FileChange) -> FileChange {
    let line = rows(&change, 0).iter().find_map(|row| row.new).unwrap_or(1);
    let text = String::from_utf8(change.after.to_vec()).unwrap();
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(
            |(index, text)| {
                if index + 1 == line { format!("{text} // by hand\n") } else { format!("{text}\n") }
            },
        )
        .collect();
    change.after = lines.concat().into_bytes().into();
    change
}

/// How often each line goes or comes in each file.
type Lines = BTreeMap<(String, char, String), usize>;

fn lines_of(changes: &[FileChange]) -> Lines {
    let mut lines = Lines::new();
    for change in changes {
        for row in rows(change, 0) {
            let sign = match row.kind {
                Kind::Gone => '-',
                Kind::Come => '+',
                _ => continue,
            };
            let text = row.text();
            let comment = text.trim_start().starts_with("// wa-fix-ignore");
            let text = if comment { text.trim_start().to_owned() } else { text };
            *lines.entry((change.path.clone(), sign, text)).or_default() += 1;
        }
    }
    lines
}

/// The lines that decisions allow: what was agreed to of each accepted fix, and the comments.
fn allowed(items: &[Item]) -> Lines {
    let mut lines = Lines::new();
    for item in items {
        match &item.decision {
            Some(Decision::Accepted) => {
                let mut path = String::new();
                for line in item.consent.as_ref().expect("what is accepted was agreed to").lines() {
                    match (line.chars().next(), line.get(1..)) {
                        (Some(sign @ ('+' | '-')), Some(text)) => {
                            *lines.entry((path.clone(), sign, text.to_owned())).or_default() += 1;
                        }
                        _ => line.trim_start_matches("new ").clone_into(&mut path),
                    }
                }
            }
            Some(Decision::Suppressed(reason)) => {
                let comment = format!("// wa-fix-ignore {} -- {reason}", item.finding.rule.id);
                *lines.entry((item.finding.path.clone(), '+', comment)).or_default() += 1;
            }
            _ => {}
        }
    }
    lines
}

fn check(items: &[Item], plan: &Plan) {
    // Two comments on one line are one; two of one kind are rare enough to be left out here.
    let mut on_line: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for item in items.iter().filter(|item| matches!(item.decision, Some(Decision::Suppressed(_)))) {
        *on_line.entry((&item.finding.path, item.finding.range.start.line)).or_default() += 1;
    }
    if on_line.values().all(|count| *count == 1) {
        assert_eq!(lines_of(&plan.changes), allowed(items));
    }
    // What the rules say of the result.
    let now = scan_files(&after(&files(), plan), &rules(), &Values::new());
    for item in items {
        let found = now.findings.iter().find(|found| found.fingerprint == item.finding.fingerprint);
        let word = found.map(|found| found.outcome.word());
        match (&item.decision, &item.standing) {
            (Some(Decision::Accepted), _) | (_, Standing::Cleared) => {
                assert_eq!(word, None, "{}", item.place());
            }
            (Some(Decision::Suppressed(_)), _) => assert_eq!(word, Some("suppressed"), "{}", item.place()),
            _ => assert!(
                matches!(word, Some("offered" | "held" | "needs-value")),
                "{}: {word:?}",
                item.place()
            ),
        }
    }
}

fn action() -> impl Strategy<Value = Action> {
    let all = wa_fix::review::action::BINDINGS.iter().map(|binding| binding.action);
    // Leaving and finishing end the loop; here the sequence does.
    let all: Vec<Action> = all.filter(|action| !matches!(action, Action::Quit | Action::Finish)).collect();
    prop_oneof![
        2 => prop::sample::select(vec![Action::Accept, Action::Skip, Action::Next, Action::Back, Action::Suppress]),
        3 => prop::sample::select(all),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_what_was_accepted(keys in prop::collection::vec(action(), 0..24)) {
        let app = TempApp::new(&files());
        let apps = apps(&app);
        let rules = RuleSet::new(rules()).unwrap();
        let mut session = Session::open(&apps, &rules, &options());
        prop_assert!(session.review.items().len() >= 5);
        for key in keys {
            press(&mut session, key);
        }
        let plan = session.close().expect("no other program wrote");
        check(session.review.items(), &plan);
    }
}

/// Fixes of the example app that touch each other, accepted from the last to the first: no fix changes unseen.
#[test]
fn fixes_that_touch_each_other_are_shown_again() {
    let tap = crate::support::read_tree(&crate::support::top().join("examples/tap"));
    let app = TempApp::new(&tap);
    let apps = apps(&app);
    let wanted = ["1.2", "1.4", "2.5", "2.8", "4.2", "4.5"];
    let rules = wa_fix::fixes::ALL.iter().copied().filter(|rule| wanted.contains(&rule.meta.id));
    let rules = RuleSet::new(rules).unwrap();
    let mut session = Session::open(&apps, &rules, &options());
    let count = session.review.items().len();
    let mut told = String::new();
    for index in (0..count).rev() {
        session.review.show(index);
        press(&mut session, Action::Accept);
        for item in session.review.items() {
            if let Some(note) = &item.note {
                told.push_str(&format!("{} {note}\n", item.finding.rule.id));
            }
        }
    }
    assert!(told.contains("4.5 Changed: accepting 2.8"), "{told}");
    let plan = session.close().expect("no other program wrote");
    let items = session.review.items();
    assert!(items.iter().any(|item| item.decision.is_none()), "what was changed waits for a decision");
    let (is, agreed) = (lines_of(&plan.changes), allowed(items));
    assert_eq!(is, agreed);
}
