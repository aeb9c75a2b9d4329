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

use super::boundary::{cap, is_a_worker, is_capped};
use super::build_commands::{Need, need};
use super::grant::{Grant, Service, name_at, needed};
use super::narrow::{bootstrap_roles, own_stack};
use super::statement::{Target, target};
use crate::detect::{Candidate, Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Binding, Meaning, Model, Prop, Site, statement_of};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
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

const CLOUDFORMATION: &str = "AWSCloudFormationFullAccess";

/// Services whose actions name no resources: `*` is all they take.
const WITHOUT_RESOURCES: [&str; 9] = [
    "xray",
    "ec2messages",
    "ssmmessages",
    "textract",
    "comprehend",
    "translate",
    "polly",
    "transcribe",
    "rekognition",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(call) = m.node("policy") {
        return managed_policy(m.model, call, out);
    }
    if let Some(role) = m.site("role") {
        return policy_arns(m.model, &role, out);
    }
    star_statement(m.model, &m.site("statement")?, out)
}

/// What replaces a policy.
#[derive(Debug, Clone)]
enum Cure<'a> {
    Remove,
    BootstrapRoles,
    OwnStack,
    Grant(Box<Grant<'a>>, Service),
    /// The policy stays, and the role gets a boundary.
    Boundary,
}

impl Cure<'_> {
    fn told(&self) -> String {
        match self {
            Self::Remove => "No command that runs as it speaks to CloudFormation, so the fix takes the policy away.".into(),
            Self::BootstrapRoles => "It runs `cdk deploy`, whose work is done by the roles of the CDK bootstrap: the fix lets it \
                 assume these instead."
                .into(),
            Self::OwnStack => "The fix allows what it takes to update this stack, on this stack only; a command that touches \
                 others loses access."
                .into(),
            Self::Grant(grant, _) => format!(
                "Its function is told of `{}` only, so the fix grants access to that; code that reaches others loses it.",
                grant.resource.text()
            ),
            Self::Boundary => "The code does not show what it needs, so the policy stays for a person to narrow; the fix adds a permissions boundary \
                 that keeps it from IAM, the organization, the audit trail and the keys' policies. Code that manages those loses it."
                .into(),
        }
    }
}

/// Where a policy of AWS is attached.
#[derive(Debug, Clone)]
enum Place<'a> {
    /// In `managedPolicies: […]` of a construct.
    Listed { element: Syn<'a>, array: Syn<'a> },
    /// By `receiver.addManagedPolicy(…)`.
    Added { call: Syn<'a>, receiver: Syn<'a> },
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
fn capped<'a>(finding: &mut Candidate<'a>, principal: Site<'a>) {
    let title = format!("Keep {} from the account itself by a permissions boundary", principal.label());
    finding.tier(Tier::Scaffold).fix(title, move |b| cap(b, &principal));
}

fn refuse(finding: &mut Candidate<'_>) {
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

/// The construct whose role an expression stands for: a role, or what has one (`fn.role!`).
fn principal<'a>(model: &Model<'a>, expression: Syn<'a>) -> Option<Site<'a>> {
    if let Some(site) = model.origin(expression) {
        return Some(site);
    }
    model.origin(owner_of_role(expression)?)
}

/// `fn` of `fn.role`, `fn.role!` and `fn.role?`.
fn owner_of_role(expression: Syn<'_>) -> Option<Syn<'_>> {
    let member = if expression.is("non_null_expression") { expression.first()? } else { expression };
    let role = member.field("property").filter(|property| property.text() == "role");
    role.and_then(|_| member.field("object"))
}

fn cure<'a>(model: &Model<'a>, name: &str, principal: &Site<'a>) -> Option<Cure<'a>> {
    let root = Syn::root(principal.node.file).text();
    let v1 = root.contains("@aws-cdk/core") || root.contains("@aws-cdk/aws-iam");
    match name {
        CLOUDFORMATION => Some(match need(model, principal) {
            Need::Nothing => Cure::Remove,
            Need::CdkDeploy | Need::CdkDeployAndMore if !v1 => Cure::BootstrapRoles,
            _ => Cure::OwnStack,
        }),
        "AdministratorAccess" | "PowerUserAccess" => {
            let deploys = need(model, principal) == Need::CdkDeploy && !v1;
            let all = name == "AdministratorAccess";
            deploys
                .then_some(Cure::BootstrapRoles)
                .or_else(|| (all && is_a_worker(model, principal)).then_some(Cure::Boundary))
        }
        _ => {
            let service = Service::of_policy(name)?;
            Some(Cure::Grant(Box::new(needed(model, principal, service)?), service))
        }
    }
}

fn replace<'a>(
    b: &mut Builder<'_, 'a>,
    place: &Place<'a>,
    principal: &Site<'a>,
    cure: &Cure<'a>,
) -> Result<(), Refusal> {
    match *place {
        Place::Added { call, receiver } => {
            let statement = own_statement(call)?;
            in_place(b, statement, receiver, principal, cure)
        }
        Place::Listed { element, array } => {
            let list = array.parent().filter(|_| array.children().count() == 1);
            b.remove_entry(list.unwrap_or(element));
            if let Cure::Remove = cure {
                return Ok(());
            }
            if let Cure::Grant(grant, service) = cure {
                return after_function(b, grant, *service, principal);
            }
            let statement = b.statement(principal.node)?;
            let name = bound_name(b, principal, statement)?;
            let code = match cure {
                Cure::BootstrapRoles => bootstrap_roles(b, principal, principal.node, &name)?,
                _ => own_stack(b, principal, principal.node, &name)?,
            };
            b.insert_after(statement, &code);
            Ok(())
        }
    }
}

/// Replaces the statement that attaches a policy.
fn in_place<'a>(
    b: &mut Builder<'_, 'a>,
    statement: Syn<'a>,
    receiver: Syn<'a>,
    principal: &Site<'a>,
    cure: &Cure<'a>,
) -> Result<(), Refusal> {
    let owner = owner_of_role(receiver).filter(|_| b.model.origin(receiver).is_none()).unwrap_or(receiver);
    let code = match cure {
        Cure::Remove | Cure::Boundary => String::new(),
        Cure::Grant(grant, service) => {
            let Some(code) = grant.code(statement, owner.text(), *service) else {
                b.remove_statement(statement);
                return after_function(b, grant, *service, principal);
            };
            code
        }
        Cure::BootstrapRoles => bootstrap_roles(b, principal, statement, owner.text())?,
        Cure::OwnStack => own_stack(b, principal, statement, owner.text())?,
    };
    if code.is_empty() {
        b.remove_statement(statement);
    } else {
        b.replace(statement, &code);
    }
    Ok(())
}

/// The statement that is nothing but a call.
fn own_statement(call: Syn<'_>) -> Result<Syn<'_>, Refusal> {
    call.parent()
        .filter(|parent| parent.is("expression_statement") && statement_of(call) == Some(*parent))
        .ok_or_else(|| {
            no_fix(
                "the policy is attached inside another expression",
                "attach it in a statement of its own, then run again",
            )
        })
}

/// Grants behind the function, where everything has been built.
fn after_function<'a>(
    b: &mut Builder<'_, 'a>,
    grant: &Grant<'a>,
    service: Service,
    principal: &Site<'a>,
) -> Result<(), Refusal> {
    let function = &grant.function;
    let statement = b.statement(function.node)?;
    let grantee = match function.binding() {
        Binding::Variable(name) => Some(name.text().to_owned()),
        Binding::Field(name) => Some(format!("this.{}", name.text())),
        Binding::None => name_at(principal, function.node),
    };
    let code = grantee.and_then(|grantee| grant.code(function.node, &grantee, service));
    let Some(code) = code.filter(|_| super::holder(function.node) == Some(statement)) else {
        return Err(no_fix(
            "neither the function nor its role has a name where the grant would stand",
            "keep the function in a variable, then run again",
        ));
    };
    if !code.is_empty() {
        b.insert_after(statement, &code);
    }
    Ok(())
}

/// How the principal is called; one that has no name gets one.
fn bound_name<'a>(
    b: &mut Builder<'_, 'a>,
    principal: &Site<'a>,
    statement: Syn<'a>,
) -> Result<String, Refusal> {
    super::named(b, principal, statement, "role").ok_or_else(|| {
        no_fix(
            "the role is built inside another expression, where no statement can follow it",
            "keep the role in a variable of its own, then run again",
        )
    })
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

fn star_statement<'a>(model: &Model<'a>, statement: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = statement.props(model);
    let strings = |name: &str| strings_of(model, props.get(model, name).value()?);
    let allows = match props.get(model, "effect") {
        Prop::Absent => true,
        Prop::Present(entry) => model.cdk_name(entry.value)? == "aws_iam.Effect.ALLOW",
        Prop::Unknown => false,
    };
    let (actions, resources) = (strings("actions")?, strings("resources")?);
    let broad: Vec<&str> = actions.iter().copied().filter(|action| is_star(action)).collect();
    if !allows || broad.is_empty() || !resources.contains(&"*") || is_for_a_resource(model, statement) {
        return None;
    }
    let list = broad.join(", ");
    let principal = allowed(model, statement);
    if is_capped(model, principal.as_ref()) {
        return None;
    }
    let cure = star_cure(model, statement, &actions, &resources);
    let everything = broad.iter().any(|action| matches!(*action, "*" | "*:*"));
    let worker = principal.filter(|principal| cure.is_none() && everything && is_a_worker(model, principal));
    let told = match (&cure, &worker) {
        (Some((cure, ..)), _) => cure.told(),
        (None, Some(_)) => Cure::Boundary.told(),
        (None, None) => "Name the actions and the resources that are needed.".to_owned(),
    };
    let message = format!("This statement allows {list} on every resource of the account. {told}");
    let finding = out.report(&META, model, statement.node, message);
    let sweeping =
        broad.iter().any(|action| matches!(*action, "*" | "*:*" | "iam:*" | "sts:*" | "organizations:*"));
    finding.key(&list).impact(if sweeping { Impact::High } else { Impact::Medium });
    match (cure, worker) {
        (Some((cure, call, receiver, principal)), _) => finding.fix(format!("Narrow {list}"), move |b| {
            let own = own_statement(call)?;
            in_place(b, own, receiver, &principal, &cure)
        }),
        (None, Some(worker)) => capped(finding, worker),
        (None, None) => refuse(finding),
    }
    Some(())
}

fn is_star(action: &str) -> bool {
    let service = action.strip_suffix(":*");
    action == "*" || service.is_some_and(|service| !WITHOUT_RESOURCES.contains(&service))
}

/// The strings of an array; `None` where one is no literal.
fn strings_of<'a>(model: &Model<'a>, value: Syn<'a>) -> Option<Vec<&'a str>> {
    let array = match model.meaning(value)? {
        Meaning::Value(array) if array.is("array") => array,
        _ => return None,
    };
    Some(
        array
            .children()
            .filter(|item| item.is("string"))
            .map(|item| item.text().trim_matches(['\'', '"']))
            .collect(),
    )
}

/// Whether a statement belongs to a resource's policy or a boundary after all.
fn is_for_a_resource<'a>(model: &Model<'a>, statement: &Site<'a>) -> bool {
    let of_resource = statement.node.ancestors().any(|node| {
        let method = node.field("function").and_then(|function| function.field("property")).map(Syn::text);
        let key = node.is("pair").then(|| node.field("key")).flatten().map(Syn::text);
        method == Some("addToResourcePolicy")
            || matches!(key, Some("assumeRolePolicy" | "policy" | "permissionsBoundary"))
    });
    let principals_follow = match statement.binding() {
        Binding::Variable(name) => {
            words(Syn::root(name.file), name.text()).filter_map(|at| name.at(at)).any(|node| {
                let method = node.parent().and_then(|member| member.field("property")).map_or("", Syn::text);
                method.starts_with("add") && (method.contains("Principal") || method.contains("Condition"))
            })
        }
        _ => false,
    };
    of_resource || principals_follow || matches!(target(model, statement.node), Target::Resource(_))
}

/// The principal that a statement allows something: the receiver of the call that adds it, or the role around it.
fn allowed<'a>(model: &Model<'a>, statement: &Site<'a>) -> Option<Site<'a>> {
    match target(model, statement.node) {
        Target::Identity(receiver) => principal(model, receiver),
        Target::Resource(_) => None,
        Target::Unknown => {
            let listed = statement.node.ancestors().any(|node| {
                let key = node.is("pair").then(|| node.field("key")).flatten();
                key.is_some_and(|key| matches!(key.text(), "inlinePolicies" | "initialPolicy"))
            });
            let around = || {
                statement.node.ancestors().filter_map(|node| model.site_of(node)).find(|site| {
                    model.builds(site, "aws_iam.Role") || model.builds(site, "aws_lambda.Function")
                })
            };
            listed.then(around).flatten()
        }
    }
}

/// The grant that replaces a statement, the call that adds it, its receiver, and the principal.
fn star_cure<'a>(
    model: &Model<'a>,
    statement: &Site<'a>,
    actions: &[&str],
    resources: &[&str],
) -> Option<(Cure<'a>, Syn<'a>, Syn<'a>, Site<'a>)> {
    let prefix = actions.first()?.split(':').next()?;
    let one_service =
        actions.iter().all(|action| action.split(':').next() == Some(prefix)) && resources == ["*"];
    let call = statement.node.parent()?.parent().filter(|call| call.is("call_expression") && one_service)?;
    let Target::Identity(receiver) = target(model, statement.node) else { return None };
    let principal = principal(model, receiver)?;
    let service = Service::of_prefix(prefix)?;
    let grant = needed(model, &principal, service)?;
    Some((Cure::Grant(Box::new(grant), service), call, receiver, principal))
}
