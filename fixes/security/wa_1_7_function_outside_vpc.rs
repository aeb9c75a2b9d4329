//! # 1.7 Lambda function outside the VPC of its database
//!
//! ## What is wrong
//! A function that is given the endpoint of a database inside a VPC, and is itself in none, cannot reach it: its connections time out. The
//! way around it that people take, a database that is open to the internet, is worse.
//!
//! ## What the fix does
//! It puts the function into the VPC of the database (or of the search domain, or of the internal load balancer), into private subnets, and lets it through to its port. A role of the
//! app's own gets the policy by which Lambda manages network interfaces: CDK adds it only to roles that it makes itself.
//!
//! In an app that has nothing inside a VPC, the one finding is of impact `info`: there is nothing wrong. The fix there lets a context
//! key name a VPC, and changes nothing while the key is not given.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as ec2 from 'aws-cdk-lib/aws-ec2';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import * as rds from 'aws-cdk-lib/aws-rds';
//! import { Construct } from 'constructs';
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const vpc = new ec2.Vpc(this, 'Vpc');
//!     const database = new rds.DatabaseInstance(this, 'Database', {
//!       engine: rds.DatabaseInstanceEngine.POSTGRES,
//!       vpc,
//!     });
//!
//!     new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       environment: { DB_HOST: database.dbInstanceEndpointAddress },
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as ec2 from 'aws-cdk-lib/aws-ec2';
//! import * as lambda from 'aws-cdk-lib/aws-lambda';
//! import * as rds from 'aws-cdk-lib/aws-rds';
//! import { Construct } from 'constructs';
//!
//! export class OrdersStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     const vpc = new ec2.Vpc(this, 'Vpc');
//!     const database = new rds.DatabaseInstance(this, 'Database', {
//!       engine: rds.DatabaseInstanceEngine.POSTGRES,
//!       vpc,
//!     });
//!
//!     const ordersFunction = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       environment: { DB_HOST: database.dbInstanceEndpointAddress },
//!       vpc,
//!       vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
//!     });
//!     ordersFunction.connections.allowToDefaultPort(database);
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the function may have a `vpc` already; for users of the RDS Data API, which is called from outside; for Lambda@Edge, which
//! knows no VPC, the handlers of custom resources, and functions that alarms start. The `info` finding stays away where the app builds or imports a VPC.
//!
//! ## When it refuses
//! Where the VPC has no private subnets with a way out: in others the function loses the internet and the APIs of AWS. Where VPC or database have no
//! name at the function; where the role cannot be changed; for proxies and classes of CloudFormation, which tell no port.
//!
//! ## What to know before deploying
//! In a VPC the function reaches the internet and the APIs of AWS only through NAT or endpoints, and NAT costs by the hour. A new version of
//! the function is published, and deleting it takes long while its network interfaces are cleaned up. With the context key, the stack needs an
//! account and a region (`env`), and `cdk.context.json` keeps what was looked up.
//!
//! ## Other checkers
//! Clears cdk-nag `NIST.800.53.R5-LambdaInsideVPC`, Checkov `CKV_AWS_117`. Where the function has a role of its own, the policy of AWS counts for
//! cdk-nag `AwsSolutions-IAM4`.

use crate::detect::{Findings, Match, Refusal};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Prop, Site};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "1.7",
    also: &[],
    name: "function-outside-vpc",
    title: "Lambda function outside the VPC of its database",
    pillar: Pillar::Security,
    impact: Impact::High,
    tier: Tier::Scaffold,
    practice: "SEC05-BP01",
    clears: &["NIST.800.53.R5-LambdaInsideVPC", "CKV_AWS_117"],
    raises: &[],
    asks: &[CONTEXT_KEY],
    order: 170,
    source: include_str!("wa_1_7_function_outside_vpc.rs"),
    query: include_str!("../../queries/security/wa_1_7_function_outside_vpc.scm"),
};

/// By which context key a VPC may be given to an app that has none.
const CONTEXT_KEY: Question = Question {
    key: "vpc_context_key",
    ask: "Which CDK context key shall name a VPC for the function? Without the key, it stays outside.",
    kind: AnswerType::Text,
    example: "vpcId",
};

/// What stands inside a VPC and is reached by its endpoint.
const DATABASES: [&str; 14] = [
    "aws_rds.DatabaseInstance",
    "aws_rds.DatabaseInstanceFromSnapshot",
    "aws_rds.DatabaseInstanceReadReplica",
    "aws_rds.DatabaseCluster",
    "aws_rds.DatabaseClusterFromSnapshot",
    "aws_rds.ServerlessCluster",
    "aws_rds.DatabaseProxy",
    "aws_docdb.DatabaseCluster",
    "aws_neptune_alpha.DatabaseCluster",
    "aws_redshift_alpha.Cluster",
    "aws_elasticache.CfnCacheCluster",
    "aws_elasticache.CfnReplicationGroup",
    "aws_elasticache.CfnServerlessCache",
    "aws_rds.CfnDBCluster",
];

/// What may stand inside a VPC and has no port that CDK knows of.
const DOMAIN: &str = "aws_opensearchservice.Domain";
const BALANCER: &str = "aws_elasticloadbalancingv2.ApplicationLoadBalancer";

/// The policy by which Lambda manages the network interfaces of a function.
const POLICY: &str = "service-role/AWSLambdaVPCAccessExecutionRole";

/// A database that a function uses.
#[derive(Debug, Clone)]
struct Link<'a> {
    database: Site<'a>,
    /// The expression by which the app names it there.
    named: Syn<'a>,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    let function =
        m.site("function").filter(|site| site.local.is_none() && site.node.is("new_expression"))?;
    let is = |class: &str| model.builds(&function, class);
    if model.runs_at_edge(&function)
        || is("aws_lambda.SingletonFunction")
        || model.serves_custom_resource(&function)
        // Without a way out of the VPC it could not reach what it has to mend.
        || model.answers_alarms(&function)
        || calls_with(model, "grantDataApiAccess", &function).next().is_some()
    {
        return None;
    }
    let label = function.label();
    if let Some(link) = link(model, &function) {
        let database = link.database.label();
        let message = format!(
            "{label} uses {database}, which is inside a VPC, and is itself in none: it cannot reach it unless that is open to the \
             internet. The fix puts it into the private subnets of that VPC and lets it through. From there it reaches \
             AWS and the internet only through NAT or endpoints."
        );
        let finding = out.report(&META, model, function.node, message);
        finding.fix(format!("Put {label} into the VPC of {database}"), move |b| move_in(b, &function, &link));
        return Some(());
    }
    if knows_vpc(model) || first_function(model) != Some(function.node) {
        return None;
    }
    let message = format!(
        "{label} runs outside a VPC, and this app puts nothing inside one: there is no private database or cache to reach, so a VPC would \
         protect nothing and cost NAT. Only where the function has to reach something private that this app does not show, the fix lets \
         a context key name a VPC; while the key is not given, nothing changes."
    );
    let finding = out.report(&META, model, function.node, message);
    finding.impact(Impact::Info);
    finding.fix(format!("Let a context key name a VPC for {label}"), move |b| offer(b, &function));
    Some(())
}

/// The database whose endpoint the function's environment holds, or which it may connect to.
fn link<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<Link<'a>> {
    let environment = function.props(model).get(model, "environment").value();
    let mut open: Vec<Syn<'a>> =
        environment.and_then(|value| model.props_of(value).object()).into_iter().collect();
    open.extend(model.method_calls("addEnvironment").filter(|call| {
        receiver(*call).and_then(|object| model.origin(object)).is_some_and(|site| site.node == function.node)
    }));
    while let Some(node) = open.pop() {
        let endpoint = node.field("property").is_some_and(|name| {
            name.text() == "loadBalancerDnsName" || name.text().to_lowercase().contains("endpoint")
        });
        if let Some(link) = node.field("object").filter(|_| endpoint).and_then(|named| database(model, named))
        {
            return Some(link);
        }
        open.extend(node.children());
    }
    calls_with(model, "grantConnect", function).find_map(|call| database(model, receiver(call)?))
}

fn receiver(call: Syn<'_>) -> Option<Syn<'_>> {
    call.field("function")?.field("object")
}

fn database<'a>(model: &Model<'a>, named: Syn<'a>) -> Option<Link<'a>> {
    let database = model.origin(named)?;
    let props = database.props(model);
    if model.builds(&database, DOMAIN) {
        return props.get(model, "vpc").present().map(|_| Link { database, named });
    }
    if model.builds(&database, BALANCER) {
        let open = props.get(model, "internetFacing");
        let internal = open == Prop::Absent || open.value().is_some_and(|open| open.text() == "false");
        return internal.then_some(Link { database, named });
    }
    DATABASES.iter().any(|class| model.builds(&database, class)).then_some(Link { database, named })
}

/// The calls of a method to which the function is given first.
fn calls_with<'a>(model: &Model<'a>, method: &str, function: &Site<'a>) -> impl Iterator<Item = Syn<'a>> {
    let node = function.node;
    model.method_calls(method).filter(move |call| {
        let given = call.field("arguments").and_then(Syn::first);
        given.and_then(|given| model.origin(given)).is_some_and(|site| site.node == node)
    })
}

/// Whether anything in the app is about a VPC: then its owner has thought of it.
fn knows_vpc(model: &Model<'_>) -> bool {
    let built =
        ["aws_ec2.Vpc", "aws_ec2.CfnVPC"].iter().chain(&DATABASES).any(|class| model.app_builds(class));
    built
        || model.cdk_files().any(|file| ["Vpc.from", "IVpc"].iter().any(|word| file.text.contains(word)))
        || model.all_sites().any(|site| {
            model.builds(&site, "aws_lambda.Function") && site.props(model).get(model, "vpc") != Prop::Absent
        })
}

/// The one function that an app hears about where nothing is wrong.
fn first_function<'a>(model: &Model<'a>) -> Option<Syn<'a>> {
    model.all_sites().find(|site| model.builds(site, "aws_lambda.Function")).map(|site| site.node)
}

fn move_in<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, link: &Link<'a>) -> Result<(), Refusal> {
    let statement = b.statement(function.node)?;
    let class = &link.database.class;
    if class.contains(".Cfn") || class.as_str() == "aws_rds.DatabaseProxy" {
        return Err(no_fix(
            &format!(
                "{} does not tell the port that the function has to be let through to",
                link.database.label()
            ),
            "give the function a vpc, and its security group a way to the database, by hand",
        ));
    }
    let vpc = vpc_at(b.model, function, &link.database).ok_or_else(|| {
        no_fix(
            &format!("the VPC of {} has no name where the function is built", link.database.label()),
            "pass the VPC on in the props of this construct, then run again",
        )
    })?;
    if !is_visible(function.node, link.named) {
        return Err(no_fix(
            "the database is built after the function",
            "build the database first, then run again",
        ));
    }
    let egress = has_private_subnets(b.model, &link.database)?;
    let role = role_of(b, function)?;
    let own = if b.model.builds(&link.database, BALANCER) {
        // Its listeners are open to the VPC.
        Some(String::new())
    } else {
        super::named(b, function, statement, "function")
    };
    let own = own.ok_or_else(|| {
        no_fix(
            "the function is built inside another expression",
            "give it a statement of its own, then run again",
        )
    })?;
    if let Some(role) = role {
        let line = policy_line(b, function, &role)?;
        b.insert_before(statement, &line);
    }
    let mut entries = vec![("vpc", vpc)];
    if egress {
        entries.push(("vpcSubnets", format!("{{ subnetType: {} }}", private_subnets(b, function.node)?)));
    }
    insert_entries(b, function, &entries)?;
    let named = link.named.text();
    if b.model.builds(&link.database, DOMAIN) {
        let port = b.cdk(function.node, "aws_ec2.Port")?;
        b.insert_below(statement, &format!("{named}.connections.allowFrom({own}, {port}.tcp(443));"));
    } else if !b.model.builds(&link.database, BALANCER) {
        b.insert_below(statement, &format!("{own}.connections.allowToDefaultPort({named});"));
    }
    Ok(())
}

fn insert_entries<'a>(
    b: &mut Builder<'_, 'a>,
    function: &Site<'a>,
    entries: &[(&str, String)],
) -> Result<(), Refusal> {
    let object = function.props(b.model).object().filter(|object| Some(*object) == function.props_argument());
    match object {
        Some(object) => {
            let mut text = String::new();
            for (index, (name, value)) in entries.iter().enumerate() {
                text.push_str(if index > 0 { ",\n" } else { "" });
                text.push_str(&if name == value { value.clone() } else { format!("{name}: {value}") });
            }
            // The text of whole entries stands for its own name, as in a shorthand.
            b.insert_entry(object, &text, &text);
            Ok(())
        }
        None => Err(no_fix(
            "its properties are not written where it is built",
            "write them in one object literal, then run again",
        )),
    }
}

/// How the database's VPC is called where the function is built.
fn vpc_at<'a>(model: &Model<'a>, function: &Site<'a>, database: &Site<'a>) -> Option<String> {
    let value = database.props(model).get(model, "vpc").value()?;
    if is_visible(function.node, value) {
        return Some(value.text().to_owned());
    }
    let vpc = model.origin(value)?;
    let uses = model.uses(&vpc);
    uses.into_iter().find(|used| is_visible(function.node, *used)).map(|used| used.text().to_owned())
}

/// Whether the VPC is known to have private subnets with a way out; an error where it is known to have none.
fn has_private_subnets<'a>(model: &Model<'a>, database: &Site<'a>) -> Result<bool, Refusal> {
    let none = || {
        no_fix(
            "the VPC has no private subnets with a way out, and in others the function could not call AWS",
            "add such subnets, or endpoints for what the function calls, then give it the vpc by hand",
        )
    };
    let vpc = database.props(model).get(model, "vpc").value().and_then(|value| model.origin(value));
    let Some(vpc) = vpc.filter(|vpc| model.builds(vpc, "aws_ec2.Vpc")) else { return Ok(false) };
    let props = vpc.props(model);
    match (props.get(model, "subnetConfiguration"), props.get(model, "natGateways")) {
        (_, Prop::Present(gateways)) if gateways.value.text() == "0" => Err(none()),
        (Prop::Absent, Prop::Absent | Prop::Present(_)) => Ok(true),
        (Prop::Present(list), Prop::Absent | Prop::Present(_)) if list.value.is("array") => {
            let text = list.value.text();
            let known =
                ["PRIVATE_WITH_EGRESS", "PRIVATE_WITH_NAT", "SubnetType.PRIVATE,", "SubnetType.PRIVATE "];
            if known.iter().any(|word| text.contains(word)) { Ok(true) } else { Err(none()) }
        }
        _ => Ok(false),
    }
}

/// The text of the role that the function is given; `None` where CDK makes one, or it may do this already.
fn role_of<'a>(b: &Builder<'_, 'a>, function: &Site<'a>) -> Result<Option<String>, Refusal> {
    let unknown = || {
        no_fix(
            "its role may be one that this app cannot change, and without its policy Lambda refuses the VPC",
            &format!("let the role have {POLICY}, then give the function the vpc by hand"),
        )
    };
    match function.props(b.model).get(b.model, "role") {
        Prop::Absent => Ok(None),
        Prop::Unknown => Err(unknown()),
        Prop::Present(entry) => {
            let role = b.model.origin(entry.value).filter(|site| b.model.builds(site, "aws_iam.Role"));
            let role = role.ok_or_else(unknown)?;
            let has = role.node.file.text.contains("AWSLambdaVPCAccessExecutionRole");
            Ok((!has).then(|| entry.value.text().to_owned()))
        }
    }
}

fn policy_line<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>, role: &str) -> Result<String, Refusal> {
    let policy = b.cdk(function.node, "aws_iam.ManagedPolicy")?;
    Ok(format!("{role}.addManagedPolicy(\n  {policy}.fromAwsManagedPolicyName('{POLICY}')\n);"))
}

fn private_subnets<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>) -> Result<String, Refusal> {
    let kind = b.cdk(at, "aws_ec2.SubnetType")?;
    let egress = b.model.has_member("aws_ec2.SubnetType", "PRIVATE_WITH_EGRESS");
    Ok(format!("{kind}.{}", if egress { "PRIVATE_WITH_EGRESS" } else { "PRIVATE_WITH_NAT" }))
}

/// Lets a context key name a VPC; without the key, the function stays as it is.
fn offer<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    let at = function.node;
    let statement = b.statement(at)?;
    let role = role_of(b, function)?;
    let key = b.value(&CONTEXT_KEY)?;
    if key.is_empty()
        || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/' | '@' | '.'))
    {
        return Err(no_fix(&format!("`{key}` is no name of a context key"), "give one such as vpcId"));
    }
    let scope = b.scope_text(function);
    let id = b.fresh_name(at.file, &["vpcId", "lambdaVpcId"]);
    let vpc = b.fresh_name(at.file, &["vpc", "lambdaVpc"]);
    let construct = b.fresh_id(at, &["Vpc", "LambdaVpc"]);
    let class = b.cdk(at, "aws_ec2.Vpc")?;
    let given = if id == "vpcId" { id.clone() } else { format!("vpcId: {id}") };
    let typed = b.annotation(at.file, "string | undefined");
    let mut code = format!(
        "// Outside a VPC, unless `--context {key}=vpc-…` names one with private subnets\n\
         const {id}{typed} = {scope}.node.tryGetContext('{key}');\n\
         const {vpc} = {id}\n  ? {class}.fromLookup({scope}, '{construct}', {{ {given} }})\n  : undefined;"
    );
    if let Some(role) = role {
        let line = policy_line(b, function, &role)?.replace('\n', "\n  ");
        code.push_str(&format!("\nif ({vpc}) {{\n  {line}\n}}"));
    }
    b.insert_before(statement, &code);
    let subnets = private_subnets(b, at)?;
    let own = if vpc == "vpc" { vpc.clone() } else { format!("vpc: {vpc}") };
    let spread = format!("...({vpc} && {{\n  {own},\n  vpcSubnets: {{ subnetType: {subnets} }},\n}})");
    insert_entries(b, function, &[(&spread, spread.clone())])
}
