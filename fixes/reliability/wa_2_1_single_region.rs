//! # 2.1 Everything in one region, or in one zone
//!
//! ## What is wrong
//! The app serves its users from one region: when that region fails, it is down until the region is back, and there is nothing to
//! switch to. Inside a region, a database, a network or a service that stands in one availability zone stops with that zone.
//!
//! ## What the fix does
//! It builds the stack a second time in another region, in production or where the context names one (`--context drRegion=…`), behind
//! the first, which keeps its id and all its names. Names that exist once in the world or the account (buckets, dashboards, roles) take the region, a REST API becomes
//! regional, and what is needed once per account, such as a trail, stays with the first. Where `hosted_zone_id`, `zone_name` and `record_name` are given, both
//! regions answer to one name, and Route 53 switches by health check. In one zone, the fix adds the standby: of a database, a task
//! or an instance behind a load balancer, a cache (with automatic failover between zones), or the zone awareness of a search domain.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//!
//! class ShopStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: cdk.StackProps) {
//!     super(scope, id, props);
//!
//!     new s3.Bucket(this, 'Uploads', {
//!       bucketName: 'shop-uploads',
//!       enforceSSL: true,
//!     });
//!     const api = new apigateway.RestApi(this, 'Api');
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!   }
//! }
//!
//! const app = new cdk.App();
//! const stage: string = app.node.tryGetContext('stage') ?? 'dev';
//! new ShopStack(app, `Shop-${stage}`, {
//!   env: { account: '111111111111', region: 'us-east-1' },
//! });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as apigateway from 'aws-cdk-lib/aws-apigateway';
//! import * as s3 from 'aws-cdk-lib/aws-s3';
//! import { Construct } from 'constructs';
//! import { RegionalFailover, RegionalFailoverConfig } from './regional-failover';
//!
//! interface ShopStackProps extends cdk.StackProps {
//!   /** Set in every region but the first; keeps names apart that exist once. */
//!   readonly regionQualifier?: string;
//!   /** The name that all regions answer to. */
//!   readonly failover?: RegionalFailoverConfig;
//! }
//!
//! class ShopStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string, props: ShopStackProps) {
//!     super(scope, id, props);
//!
//!     // Names of buckets, roles and dashboards exist once, whatever the region
//!     const regionSuffix = props.regionQualifier ? `-${props.regionQualifier}` : '';
//!
//!     new s3.Bucket(this, 'Uploads', {
//!       bucketName: `shop-uploads${regionSuffix}`,
//!       enforceSSL: true,
//!     });
//!     const api = new apigateway.RestApi(this, 'Api', {
//!       endpointConfiguration: {
//!         types: [apigateway.EndpointType.REGIONAL],
//!       },
//!     });
//!     api.root.addMethod('GET', new apigateway.MockIntegration());
//!
//!     if (props.failover) {
//!       new RegionalFailover(this, 'Failover', {
//!         api,
//!         role: props.regionQualifier ? 'SECONDARY' : 'PRIMARY',
//!         ...props.failover,
//!       });
//!     }
//!   }
//! }
//!
//! const app = new cdk.App();
//! const stage: string = app.node.tryGetContext('stage') ?? 'dev';
//!
//! // The second region: cdk deploy --context drRegion=… names another one
//! const drRegion: string | undefined =
//!   app.node.tryGetContext('drRegion') ??
//!   (stage === 'prod' ? 'us-west-2' : undefined);
//! const failover = drRegion
//!   ? {
//!       hostedZoneId: 'Z0123456789EXAMPLE',
//!       zoneName: 'example.com',
//!       recordName: 'api.example.com',
//!       healthPath: '/',
//!     }
//!   : undefined;
//!
//! new ShopStack(app, `Shop-${stage}`, {
//!   env: { account: '111111111111', region: 'us-east-1' },
//!   failover,
//! });
//!
//! // The same in the second region, ready to take over
//! if (drRegion && drRegion !== 'us-east-1') {
//!   new ShopStack(app, `Shop-${stage}-${drRegion}`, {
//!     regionQualifier: drRegion,
//!     failover,
//!     env: { account: '111111111111', region: drRegion },
//!   });
//! }
//! ```
//!
//! ## When it stays silent
//! For stacks that serve nobody (pipelines, tools, certificates), that have no `env`, that are built by a stage or in a loop, or for one
//! environment; where a class of stack goes to two regions already, or the app has a global table or cluster, failover records or a Global Accelerator. Lambda,
//! API Gateway, S3, SQS and DynamoDB span the zones of a region by themselves. Databases that go with their stack, and read replicas. Services whose number of tasks is
//! not written, or that no load balancer sends to, and groups that have no room for a second instance.
//!
//! ## When it refuses
//! Where the stack is given what another stack builds; where a fixed name cannot take the region; where the props of the stack cannot carry it. A network in one zone: CDK
//! numbers the subnets of a network anew when it gets another. A file system in one zone, which would be replaced. A search domain in a VPC, or of an odd number of nodes. Without `dr_region` it asks: only you know where the app may run.
//!
//! ## What to know before deploying
//! The second region doubles what is billed, needs `cdk bootstrap`, and starts with empty stores: replicate the data that has to be there, or decide what may be
//! missing. Rehearse the switch. While `drRegion` is not set the deployment is as it was, and nothing is protected. A standby doubles the price of a database
//! instance; look at the change set before you deploy it.
//!
//! ## Other checkers
//! Clears cdk-nag `AwsSolutions-RDS3` and `NIST.800.53.R5-RDSMultiAZSupport`, Checkov `CKV_AWS_157`. No rule looks at regions. The second
//! stack repeats what cdk-nag says of the first, such as `AwsSolutions-APIG1`, `AwsSolutions-APIG2`, `AwsSolutions-APIG3`, `AwsSolutions-APIG4`,
//! `AwsSolutions-APIG6`, `AwsSolutions-COG4`, `AwsSolutions-IAM4` and `AwsSolutions-S1`: what the other rules of wa-fix mend is mended in both.
//! Checkov `CKV_AWS_118` says of the replica what it says of the first database: no enhanced monitoring.

use super::failover::{HOSTED_ZONE, RECORD_NAME, ZONE_NAME};
use super::second_region::DR_REGION;
use super::second_stack::add_region;
use super::state::stack_of;
use super::zones;
use crate::detect::{Findings, Match};
use crate::model::{Environment, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::Syn;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };
const META: Meta = Meta {
    id: "2.1",
    also: &[],
    name: "single-region",
    title: "Everything in one region, or in one zone",
    pillar: Pillar::Reliability,
    impact: Impact::High,
    tier: Tier::Scaffold,
    practice: "REL10-BP01",
    clears: &["AwsSolutions-RDS3", "NIST.800.53.R5-RDSMultiAZSupport", "CKV_AWS_157"],
    raises: &[],
    asks: &[DR_REGION, HOSTED_ZONE, ZONE_NAME, RECORD_NAME],
    // Late: the other rules follow props to the one place where the stack is built, and here it gets a second one.
    order: 8000,
    source: include_str!("wa_2_1_single_region.rs"),
    query: include_str!("../../queries/reliability/wa_2_1_single_region.scm"),
};
/// What users reach in one region.
const SERVING: [&str; 8] = [
    "aws_apigateway.RestApiBase",
    "aws_apigatewayv2.HttpApi",
    "aws_apigatewayv2.WebSocketApi",
    "aws_appsync.GraphqlApi",
    "aws_elasticloadbalancingv2.BaseLoadBalancer",
    "aws_ecs_patterns.ApplicationLoadBalancedServiceBase",
    "aws_ecs_patterns.NetworkLoadBalancedServiceBase",
    "aws_lambda.FunctionUrl",
];
/// Constructs that make an app span regions.
const SPANNING: [&str; 5] = [
    "aws_globalaccelerator.Accelerator",
    "aws_globalaccelerator.CfnAccelerator",
    "aws_dynamodb.CfnGlobalTable",
    "aws_rds.CfnGlobalCluster",
    "aws_docdb.CfnGlobalCluster",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(stack) = m.site("stack") {
        return one_region(m.model, &stack, out);
    }
    zones::check(m, &META, out)
}

fn one_region<'a>(model: &Model<'a>, stack: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let class = stack.local.filter(|_| stack.node.is("new_expression") && stack.class == "Stack")?;
    let object = stack.props_argument().filter(|props| props.is("object"))?;
    stack.props(model).get(model, "env").present()?;
    let by_app =
        stack.scope().and_then(|scope| model.origin(scope)).is_some_and(|scope| model.builds(&scope, "App"));
    let all: Vec<Site<'a>> = model.instances(class).collect();
    let first = all.first().is_some_and(|site| site.node == stack.node);
    if !by_app || !first || all.iter().any(|site| is_repeated(site.node)) || spans_regions(model, &all) {
        return None;
    }
    let environment = model.environment(object);
    let serves = model.all_sites().any(|site| {
        SERVING.iter().any(|kind| model.builds(&site, kind)) && stack_of(model, site.node) == Some(class)
    });
    if !serves || environment == Environment::Guarded {
        return None;
    }
    let label = class.field("name").map_or("The stack", Syn::text).to_owned();
    let finding = out.report(
        &META,
        model,
        stack.node,
        format!(
            "{label} serves its users from one region: when that fails, the service is down and there is nothing to switch to. The fix \
             builds the stack in a second region too, in production or where the context says so. That doubles what is \
             billed, and the data in its stores has to be replicated by a decision of yours."
        ),
    );
    finding.impact(if environment.known().is_some() { Impact::High } else { Impact::Low });
    finding.fix(format!("Build {label} in a second region"), move |b| add_region(b, class));
    Some(())
}

fn is_repeated(node: Syn<'_>) -> bool {
    node.ancestors().any(|around| {
        around.kind().starts_with("for_")
            || matches!(around.kind(), "while_statement" | "arrow_function" | "function_expression")
                && !around.text().starts_with("async")
    })
}

/// Whether a stack goes to several regions, or the app spans them in another way.
fn spans_regions<'a>(model: &Model<'a>, instances: &[Site<'a>]) -> bool {
    let mut regions: Vec<&str> = Vec::new();
    for site in instances {
        let env = site.props(model).get(model, "env").value();
        let region = env.and_then(|env| model.props_of(env).get(model, "region").value());
        let text = region.or(env).map_or("", Syn::text);
        if !regions.contains(&text) {
            regions.push(text);
        }
    }
    let says =
        |words: &[&str]| model.cdk_files().any(|file| words.iter().any(|word| file.text.contains(word)));
    let copied = model.all_sites().any(|site| {
        model.builds(&site, "aws_dynamodb.TableV2")
            && site.props(model).get(model, "replicas") != Prop::Absent
    });
    regions.len() > 1
        || copied
        || SPANNING.iter().any(|class| model.app_builds(class))
        || says(&[
            "replicationRegions",
            "setIdentifier",
            "failover: route53",
            "failover: Failover.",
            "failover: 'PRIMARY'",
        ])
}
