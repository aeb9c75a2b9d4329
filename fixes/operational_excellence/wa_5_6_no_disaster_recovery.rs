//! # 5.6 No disaster-recovery testing
//!
//! ## What is wrong
//! The app holds data, and nothing says how long it may be away, how much may be lost, or how to get it back. What is in the
//! way of a second copy (a bucket whose name is taken, a key of one Region) is then found out on the day it is needed.
//!
//! ## What the fix does
//! It writes `docs/disaster-recovery.md` from the app's own constructs: what holds state and whether it survives, what stops
//! the app from being built elsewhere, procedures with their commands, and a table of rehearsals. Facts stand between
//! `wa-fix:begin` and `wa-fix:end` comments, and are renewed there when the code changes; the targets (RTO, RPO) and the
//! rehearsals are left to people.
//!
//! A backup plan whose copies nobody restores gets a restore testing plan: AWS Backup restores the newest copy of each kind of
//! resource once a week, and removes it a day later; in production only, where the code tells environments apart.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//!
//! const app = new cdk.App();
//! const stack = new cdk.Stack(app, 'Files');
//! new s3.Bucket(stack, 'Uploads', { enforceSSL: true, versioned: true });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//!
//! const app = new cdk.App();
//! const stack = new cdk.Stack(app, 'Files');
//! new s3.Bucket(stack, 'Uploads', { enforceSSL: true, versioned: true });
//! ```
//!
//! ## When it stays silent
//! Where a document is there by its name (disaster, recovery, DR, RTO, RPO) or as a heading of the README, also in the
//! repository around the app; where the README names a wiki's; where the app tests restores itself (AWS Backup), runs
//! experiments (FIS) or is registered with Resilience Hub; in libraries, and where nothing holds state. No restore test is missed where the code does
//! not show which kinds of resources are copied (tags select them, or an ARN from elsewhere), or where all data goes with its stack.
//!
//! ## When it refuses
//! Where git ignores `docs/disaster-recovery.md`, so that nobody would get it, and where `docs` is a file. For a restore test: where
//! no statement can name the plan, and before aws-cdk-lib 2.110.
//!
//! ## What to know before deploying
//! The document deploys nothing. A plan that nobody has rehearsed is a guess: decide on the targets, run the first drill, and write
//! down how long it took. A restore test really restores: it is billed, counts towards quotas, and the role of the restores needs a grant on a
//! key of one's own.
//!
//! ## Other checkers
//! None covers it. cdk-nag's `AwsSolutions-IAM4` appears for the managed policy of the role that restores.

use super::document::{is_documented, renewed};
use super::recovery::Recovery;
use super::restore_test::{self, Copied, Plan};
use crate::detect::{Findings, Match};
use crate::model::Model;
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "5.6",
    also: &[],
    name: "no-disaster-recovery",
    title: "No disaster-recovery testing",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Scaffold,
    practice: "REL13-BP03",
    clears: &[],
    raises: &[],
    asks: &[],
    // Behind all others, as 5.4: the document describes what they leave.
    order: 9010,
    source: include_str!("wa_5_6_no_disaster_recovery.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_6_no_disaster_recovery.scm"),
};

/// Where the document goes.
const PATH: &str = "docs/disaster-recovery.md";

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(node) = m.node("plan").or_else(|| m.node("factory")) {
        return never_restored(m.model, &Plan::of(m.model, node), out);
    }
    let app = m.site("app")?;
    let model = m.model;
    let tests = || {
        let mut plans =
            model.all_sites().filter(|site| model.builds(site, "aws_backup.CfnRestoreTestingPlan"));
        plans.any(|test| !restore_test::is_ours(&test))
    };
    // One app, one document, however many entries it has.
    if !model.starts_app(&app) || tests() {
        return None;
    }
    if let Some(old) = model.app.document(PATH).filter(|old| old.contains("wa-fix:begin")) {
        let new = renewed(&old, &Recovery { model }.text(), "")?;
        let message = "docs/disaster-recovery.md no longer says what the code does: it names other state, or other obstacles. The fix \
                       renews what stands between the `wa-fix` marks and leaves every other word alone.";
        let finding = out.report(&META, model, app.node, message);
        finding.key("plan-renewed").impact(Impact::Low).tier(Tier::Safe).follows();
        finding.fix("Renew the disaster-recovery plan", move |b| {
            b.rewrite(b.model.app.root.join(PATH), &new);
            Ok(())
        });
        return Some(());
    }
    if is_documented(model, is_named, is_named) {
        return None;
    }
    let finding = out.report(
        &META,
        model,
        app.node,
        "Nothing says how to get this app back: which data it would lose, how long it may be away, and what is in the way of building \
         it elsewhere. The fix writes docs/disaster-recovery.md from the constructs; the targets and the rehearsals are left to fill in.",
    );
    // A fix that brings a bucket or a key to an app without state is no fault of that fix.
    finding.key("recovery").follows();
    if !(Recovery { model }).keeps_data() {
        finding.impact(Impact::Low);
    }
    if let Some(why) = model.app.no_place_for(PATH) {
        finding.refuse(
            &format!("{PATH} has no place: {why}"),
            "make room for it, or name your own document disaster-recovery.md",
        );
        return Some(());
    }
    finding.fix("Write a disaster-recovery plan", move |b| {
        let text = Recovery { model: b.model }.text();
        b.create(b.model.app.root.join(PATH), &text);
        Ok(())
    });
    Some(())
}

/// A backup plan whose copies nobody restores.
fn never_restored<'a>(model: &Model<'a>, plan: &Plan<'a>, out: &mut Findings<'a>) -> Option<()> {
    let plans = ["aws_backup.CfnRestoreTestingPlan", "aws_backup.CfnRestoreTestingSelection"];
    let built = model.all_sites().find(|site| model.builds(site, "aws_backup.BackupPlan"));
    // One plan of the app is tested: which kinds it copies is told of the app.
    if built.is_some_and(|first| first.node != plan.node)
        || plans.iter().any(|class| model.app_builds(class))
        || !(Recovery { model }).keeps_data()
    {
        return None;
    }
    let copied = Copied::of(model);
    if copied.is_unknown() {
        return None;
    }
    let label = plan.label();
    let finding = out.report(
        &META,
        model,
        plan.node,
        format!(
            "{label} copies what the app keeps, and nothing ever restores a copy: whether that works shows on the day it has to. The fix lets AWS \
             Backup restore the newest copies once a week and remove them a day later; that is billed, and fails where quotas are short."
        ),
    );
    finding.key("restore-test").impact(Impact::Low).follows();
    let plan = plan.clone();
    finding.fix(format!("Restore what {label} copies once a week"), move |b| {
        restore_test::add(b, &plan, &copied)
    });
    Some(())
}

/// Whether a path or a heading is about recovery.
fn is_named(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    text.contains("disaster") || words.any(|word| matches!(word, "recovery" | "dr" | "rto" | "rpo"))
}
