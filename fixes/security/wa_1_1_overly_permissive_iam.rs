//! # 1.1 Overly permissive IAM role
//!
//! ## What is wrong
//! A role that may do everything of a service, on every resource of the account, hands all of it to whoever takes over the
//! one thing that runs as it: a build step, a dependency of a function. `AWSCloudFormationFullAccess` on a deploy role means every
//! stack of the account; `AdministratorAccess` means the account.
//!
//! ## What the fix does
//! * `AWSCloudFormationFullAccess`: where every command of the role's build projects is visible and none can reach CloudFormation, it
//!   goes. Where they run `cdk deploy`, the role may assume the roles of the CDK bootstrap, which do the work. Else it
//!   may update the stack that it belongs to.
//! * `AdministratorAccess` and `PowerUserAccess` of a project that runs `cdk deploy` and no other command of AWS: the bootstrap roles as well.
//! * Everything of one service (a `…FullAccess` policy, or `dynamodb:*` on `*`), where the environment of the role's one
//!   function names exactly one construct of that service: the construct grants access to itself.
//! * Everything of the account (`AdministratorAccess`, `*` on `*`), where a function, a server or a container has it: what it needs is not in
//!   the code, so the policy stays, and the role gets a permissions boundary that keeps it from IAM, the organization, the audit trail and
//!   the keys' policies. Who takes it over no longer owns the account.
//!
//! Statements are read wherever they stand: in a `PolicyStatement`, also where actions are added to it later, in the documents of `fromJson`, and in
//! those of CloudFormation's own classes (`CfnPolicy`, `CfnManagedPolicy`, the `policies` of a `CfnRole`), which are only reported.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as iam from 'aws-cdk-lib/aws-iam';
//! import { Construct } from 'constructs';
//!
//! export class DeployStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const deployRole = new iam.Role(this, 'DeployRole', {
//!       assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
//!     });
//!
//!     deployRole.addManagedPolicy(
//!       iam.ManagedPolicy.fromAwsManagedPolicyName('AWSCloudFormationFullAccess')
//!     );
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as iam from 'aws-cdk-lib/aws-iam';
//! import { Construct } from 'constructs';
//!
//! export class DeployStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const deployRole = new iam.Role(this, 'DeployRole', {
//!       assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
//!     });
//!
//!     deployRole.addToPolicy(
//!       new iam.PolicyStatement({
//!         sid: 'ManageOwnStack',
//!         actions: [
//!           'cloudformation:CreateChangeSet',
//!           'cloudformation:DeleteChangeSet',
//!           'cloudformation:DescribeChangeSet',
//!           'cloudformation:DescribeStackEvents',
//!           'cloudformation:DescribeStackResource',
//!           'cloudformation:DescribeStackResources',
//!           'cloudformation:DescribeStacks',
//!           'cloudformation:ExecuteChangeSet',
//!           'cloudformation:GetTemplate',
//!           'cloudformation:GetTemplateSummary',
//!           'cloudformation:ListStackResources',
//!           'cloudformation:UpdateStack',
//!         ],
//!         resources: [
//!           this.formatArn({
//!             service: 'cloudformation',
//!             resource: 'stack',
//!             resourceName: `${this.stackName}/*`,
//!           }),
//!         ],
//!       })
//!     );
//!
//!     // These two have no resource type, so they only match '*'
//!     deployRole.addToPolicy(
//!       new iam.PolicyStatement({
//!         sid: 'ReadOnlyWithoutResource',
//!         actions: ['cloudformation:ListStacks', 'cloudformation:ValidateTemplate'],
//!         resources: ['*'],
//!       })
//!     );
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For `service-role/` and read-only policies; for names in variables; for imported roles, where CDK attaches nothing anyway; for Deny
//! statements, those with conditions or principals, and services whose actions have no resources to name; where a permissions boundary
//! caps the role.
//!
//! ## When it refuses
//! Where the code does not show what is needed: nothing is taken away on a guess. The finding then names the place, and a
//! person writes the list. A role that deploys (of a build project, of people) gets no boundary: what it deploys may be roles.
//!
//! ## What to know before deploying
//! The role has strictly fewer rights afterwards: a command or a code path that wa-fix cannot see may lose access. `cdk deploy` through
//! the bootstrap roles needs the bootstrap of CDK v2. Behind a boundary, code that creates roles, passes them on (`iam:PassRole`) or changes key policies fails with
//! `AccessDenied`; the finding is gone with it, but the broad policy is still yours to narrow.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-IAM4` for the policy. `AwsSolutions-IAM5` reports the wildcards that are left: the version part of a stack's
//! ARN, `cdk-*`, and the `s3:GetObject*` of CDK's own grants.
//! Clears Checkov `CKV_AWS_109` and `CKV_AWS_111` where the statement stands in the template. A boundary has to allow what it does not
//! deny, and Checkov takes that for a policy: `CKV_AWS_107`, `CKV_AWS_108`, `CKV_AWS_110`.

use super::boundary::{cap, is_capped};
use super::cure::{CLOUDFORMATION, Cure, Place, cure, principal, replace};
use super::document::{documents_of, from_json};
use super::star_statement::star_statement;
use crate::detect::{Candidate, Findings, Match};
use crate::model::{Model, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

pub(super) const META: Meta = Meta {
    id: "1.1",
    also: &[],
    name: "overly-permissive-iam",
    title: "Overly permissive IAM role",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Review,
    practice: "SEC03-BP02",
    clears: &["AwsSolutions-IAM4", "CKV_AWS_109", "CKV_AWS_111"],
    raises: &[],
    asks: &[],
    // Last of all: what a role needs follows from the build commands that other fixes change.
    order: 900,
    source: include_str!("wa_1_1_overly_permissive_iam.rs"),
    query: include_str!("../../queries/security/wa_1_1_overly_permissive_iam.scm"),
};

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(call) = m.node("policy") {
        return managed_policy(m.model, call, out);
    }
    if let Some(role) = m.site("role") {
        return policy_arns(m.model, &role, out);
    }
    if let Some(site) = m.site("document") {
        return documents_of(m.model, &site, out);
    }
    if let Some(call) = m.node("json") {
        return from_json(m.model, call, out);
    }
    star_statement(m.model, &m.site("statement")?, out)
}

fn managed_policy<'a>(model: &Model<'a>, call: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let name = policy_name(call).filter(|name| is_broad(name))?;
    let (place, principal) = attached(model, call)?;
    if is_capped(model, Some(&principal)) {
        return None;
    }
    let label = principal.label();
    let what = match name {
        CLOUDFORMATION => "whoever controls what runs as it can change every stack of the account".to_owned(),
        "AdministratorAccess" | "PowerUserAccess" | "IAMFullAccess" => {
            "whoever controls what runs as it controls the account".to_owned()
        }
        _ => "everything of that service in the account, not only what this app owns".to_owned(),
    };
    let cure = cure(model, name, &principal);
    let told = cure.as_ref().map_or_else(|| "Give it the actions that it needs.".to_owned(), Cure::told);
    let finding = out.report(&META, model, call, format!("{label} has {name}: {what}. {told}"));
    finding.key(name).impact(impact_of(name));
    match cure {
        Some(Cure::Boundary) => capped(finding, principal),
        Some(cure) => {
            finding.fix(format!("Narrow {name} of {label}"), move |b| replace(b, &place, &principal, &cure));
        }
        None => refuse(finding),
    }
    Some(())
}

/// Gives a finding the boundary as its fix.
pub(super) fn capped<'a>(finding: &mut Candidate<'a>, principal: Site<'a>) {
    let title = format!("Keep {} from the account itself by a permissions boundary", principal.label());
    finding.tier(Tier::Scaffold).fix(title, move |b| cap(b, &principal));
}

/// Says that a person has to write the list.
pub(super) fn refuse(finding: &mut Candidate<'_>) {
    finding.refuse(
        "the code does not show which actions and resources are needed",
        "grant them with the grant methods of the constructs, or list them in a statement; then remove this",
    );
}

/// The name of a policy of AWS in `fromAwsManagedPolicyName('…')` or an ARN.
fn policy_name(call: Syn<'_>) -> Option<&str> {
    let string = call.field("arguments")?.children().filter(|argument| argument.is("string")).last()?;
    let text = string.text().trim_matches(['\'', '"']);
    Some(text.split_once(":aws:policy/").map_or(text, |(_, name)| name))
}

fn is_broad(name: &str) -> bool {
    let known = ["AdministratorAccess", "PowerUserAccess", "SecretsManagerReadWrite"];
    !name.starts_with("service-role/")
        && !name.contains(':')
        && (known.contains(&name) || name.ends_with("FullAccess"))
}

fn impact_of(name: &str) -> Impact {
    match name {
        CLOUDFORMATION | "AdministratorAccess" | "PowerUserAccess" | "IAMFullAccess" => Impact::High,
        _ => Impact::Medium,
    }
}

fn attached<'a>(model: &Model<'a>, call: Syn<'a>) -> Option<(Place<'a>, Site<'a>)> {
    let parent = call.parent()?;
    if parent.is("array") {
        let pair = parent.parent().filter(|pair| pair.is("pair"))?;
        (pair.field("key")?.text() == "managedPolicies").then_some(())?;
        let site = pair.ancestors().find_map(|node| model.site_of(node))?;
        return Some((Place::Listed { element: call, array: parent }, site));
    }
    let call = parent.parent().filter(|outer| parent.is("arguments") && outer.is("call_expression"))?;
    let function = call.field("function").filter(|function| function.is("member_expression"))?;
    (function.field("property")?.text() == "addManagedPolicy").then_some(())?;
    let receiver = function.field("object")?;
    Some((Place::Added { call, receiver }, principal(model, receiver)?))
}

/// `managedPolicyArns` of an L1: nothing there can grant.
fn policy_arns<'a>(model: &Model<'a>, role: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = role.props(model);
    if is_capped(model, Some(role)) {
        return None;
    }
    let label = role.label();
    for string in props.get(model, "managedPolicyArns").value()?.children().filter(|item| item.is("string")) {
        let Some((_, name)) = string.text().trim_matches(['\'', '"']).split_once(":aws:policy/") else {
            continue;
        };
        if is_broad(name) {
            let message = format!(
                "{label} has {name}: far more than this app owns. Give it the actions that it needs."
            );
            let finding = out.report(&META, model, string, message);
            finding.key(name).impact(impact_of(name));
            refuse(finding);
        }
    }
    Some(())
}
