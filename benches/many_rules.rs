//! Scans a folder with rules made up on the spot, to see what the number of rules costs.
//!
//! `many_rules NUMBER FOLDER`
//!
//! The rules take turns through the forms that real ones have: a property that is absent, one that has a value, a static
//! method, a thing that the whole app lacks, questions about who calls a function. They report nothing, so that
//! only looking is measured.

#![expect(clippy::print_stdout, reason = "a bench prints what it saw")]

use wa_fix::detect::{Findings, Match};
use wa_fix::edit::Values;
use wa_fix::plan::{Options, RuleSet, find_apps, scan};
use wa_fix::rule::{Impact, Meta, Pillar, Rule, Tier};
use wa_fix::source::{DiscoverOptions, discover};

/// Class and property of the rules about constructs.
const SUBJECTS: [(&str, &str); 10] = [
    ("aws_lambda.Function", "vpc"),
    ("aws_s3.Bucket", "replicationRules"),
    ("aws_apigateway.RestApi", "policy"),
    ("aws_sqs.Queue", "redriveAllowPolicy"),
    ("aws_dynamodb.Table", "replicationRegions"),
    ("aws_codebuild.Project", "fleet"),
    ("aws_logs.LogGroup", "dataProtectionPolicy"),
    ("aws_rds.DatabaseInstance", "monitoringInterval"),
    ("aws_cloudwatch.Alarm", "datapointsToAlarm"),
    ("aws_sns.Topic", "tracingConfig"),
];

fn query(number: usize) -> String {
    let Some((class, prop)) = SUBJECTS.get(number % SUBJECTS.len()) else { return String::new() };
    match number / SUBJECTS.len() % 6 {
        0 => format!("((new_expression) @s (#construct? @s \"{class}\") (#lacks-prop? @s \"{prop}\"))"),
        1 => format!(
            "((new_expression) @s (#construct? @s \"{class}\") (#prop-is? @s \"{prop}\" \"aws_x.Y.Z\" \"1\"))"
        ),
        2 => format!("((call_expression) @s (#static? @s \"{class}.fromAwsManagedPolicyName\"))"),
        3 => format!(
            "((new_expression) @s (#construct? @s \"App\" \"{class}\") (#app-lacks? \"aws_cloudtrail.Trail\"))"
        ),
        4 => "((call_expression) @s (#method? @s \"addMethod\" \"addResource\"))".to_owned(),
        _ => format!("((new_expression) @s (#construct? @s \"{class}\") (#has-prop? @s \"description\"))"),
    }
}

fn check<'a>(found: &Match<'_, 'a>, _: &mut Findings<'a>) -> Option<()> {
    let site = found.site("s")?;
    let called = found.model.is_called_on(&site, "addAlias");
    let many = found.model.invocations(&site).len();
    (called && many > 1).then_some(())
}

fn rule(number: usize) -> Rule {
    let meta: &'static Meta = Box::leak(Box::new(Meta {
        id: Box::leak(format!("9.{number}").into_boxed_str()),
        also: &[],
        name: "made-up",
        title: "",
        pillar: Pillar::Security,
        impact: Impact::Low,
        tier: Tier::Safe,
        practice: "",
        clears: &[],
        raises: &[],
        asks: &[],
        order: 0,
        source: "",
        query: Box::leak(query(number).into_boxed_str()),
    }));
    Rule { meta, check }
}

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let number = arguments.next().and_then(|number| number.parse().ok()).ok_or("how many rules?")?;
    let root = arguments.next().and_then(|root| std::fs::canonicalize(root).ok()).ok_or("which folder?")?;
    let rules = RuleSet::new((0..number).map(rule))?;
    let options = DiscoverOptions::at(root.clone());
    let found = discover(std::slice::from_ref(&root), &options);
    let options = Options {
        tier: Tier::Safe,
        only: None,
        values: Values::new(),
        within: Vec::new(),
        min_impact: Impact::Info,
        jobs: 2,
        trial: wa_fix::plan::Trial::default(),
    };
    let plan = scan(&find_apps(found, &[root]), &rules, &options, &|_| ());
    println!("{number} rules, {} files, {} findings", plan.files, plan.findings.len());
    Ok(())
}
