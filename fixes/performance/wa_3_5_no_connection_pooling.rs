//! # 3.5 Each invocation opens connections of its own
//!
//! ## What is wrong
//! Lambda runs as many copies of a function as there are requests at a time. When each opens its own connections to a database,
//! a rush of requests uses up what the database allows; when a handler opens a client anew in each invocation, every call pays
//! for the handshake as well.
//!
//! ## What the fix does
//! Between an RDS or Aurora database and the functions that reach it, it puts an RDS Proxy, and leads their security groups and
//! addresses to it; where they stand in another stack or construct, it is built there, in the scope of the database. A pool, or a client of version 2 of the AWS SDK, that a handler opens inside, it moves to the top of the module. A client that
//! is opened or ended in steps cannot be moved: there the fix adds `connections.ts` beside the handler, a class that opens a client
//! once and shares it, for the handler to use.
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
//!     const vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2 });
//!     const database = new rds.DatabaseInstance(this, 'Database', {
//!       engine: rds.DatabaseInstanceEngine.POSTGRES,
//!       vpc,
//!     });
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       vpc,
//!       environment: { DB_HOST: database.dbInstanceEndpointAddress },
//!     });
//!     database.connections.allowDefaultPortFrom(orders);
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
//!     const vpc = new ec2.Vpc(this, 'Vpc', { maxAzs: 2 });
//!     const database = new rds.DatabaseInstance(this, 'Database', {
//!       engine: rds.DatabaseInstanceEngine.POSTGRES,
//!       vpc,
//!     });
//!
//!     // Functions share its connections to the database
//!     const proxy = database.addProxy('Proxy', {
//!       secrets: [database.secret!],
//!       vpc,
//!       requireTLS: true,
//!       borrowTimeout: cdk.Duration.seconds(10),
//!       maxConnectionsPercent: 90,
//!     });
//!
//!     const orders = new lambda.Function(this, 'Orders', {
//!       runtime: lambda.Runtime.NODEJS_18_X,
//!       handler: 'index.handler',
//!       code: lambda.Code.fromInline('exports.handler = async () => {};'),
//!       vpc,
//!       environment: { DB_HOST: proxy.endpoint },
//!     });
//!     proxy.connections.allowFrom(orders, ec2.Port.tcp(database.instanceEndpoint.port));
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where the app has a proxy; for the Data API, Aurora Serverless v1, Oracle, a port of one's own, and databases that are not built here;
//! for version 3 of the AWS SDK, whose clients keep their connections; where a handler cannot be found or is wrapped; where
//! `connections.ts` stands beside it.
//!
//! ## When it refuses
//! Where functions log in by IAM; where the password may be in no secret; where the function takes the address from elsewhere than
//! its environment; where security groups are opened by hand. Where the functions stand in several places, or are given the database as an
//! interface, which does not tell its secret.
//!
//! ## What to know before deploying
//! AWS bills for a proxy by the size of the database. Clients must use TLS. A session that sets variables or holds locks is pinned
//! to a connection, which undoes the sharing. A client at the top of a module is opened when the execution environment starts: what it
//! needs must be there by then.
//!
//! ## Other checkers
//! None has a rule for this.

use super::client::{Opened, opened};
use super::database_proxy::{add_proxy, can_have_proxy, ties};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::source::Language;
use crate::syntax::Parsed;

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "3.5",
    also: &[],
    name: "no-connection-pooling",
    title: "Each invocation opens connections of its own",
    pillar: Pillar::Performance,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "PERF03-BP02",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 350,
    source: include_str!("wa_3_5_no_connection_pooling.rs"),
    query: include_str!("../../queries/performance/wa_3_5_no_connection_pooling.scm"),
};

/// What a shared client is written into, beside the handler.
const HELPER: &str = "connections.ts";
/// Parts of the names of what holds the address of a database.
const ADDRESS: [&str; 6] =
    ["db-connection", "dbconnection", "db_connection", "database-url", "database_url", "connection-string"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(database) = m.site("database") {
        return unpooled(m.model, database, out);
    }
    if let Some(function) = m.site("function") {
        opens_anew(m.model, &function, out);
        return Some(());
    }
    not_yet(m.model, &m.site("address")?, out)
}

fn unpooled<'a>(model: &Model<'a>, database: Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let ties = if can_have_proxy(model, &database) { ties(model, &database) } else { Vec::new() };
    if ties.is_empty() {
        return None;
    }
    let label = database.label();
    let message = format!(
        "Functions connect straight to {label}: each execution environment holds connections of its own, and a rush of requests \
         uses up those of the database. The fix puts an RDS Proxy in between and leads the functions to it. AWS bills for the proxy, \
         clients must use TLS, and the functions change over when this is deployed."
    );
    out.report(&META, model, database.node, message)
        .fix(format!("Let functions reach {label} through a proxy"), move |b| add_proxy(b, &database, &ties));
    Some(())
}

fn opens_anew<'a>(model: &Model<'a>, function: &Site<'a>, out: &mut Findings<'a>) {
    let all = opened(model, function);
    let helped = !all.is_empty()
        && model
            .handler(function)
            .and_then(|handler| handler.entry)
            .is_some_and(|entry| has_helper(model, entry));
    for open in all {
        let Opened { statement, name, handler, what, movable, free, database } = open;
        if !movable && helped {
            continue;
        }
        let message = if movable {
            format!(
                "{name} is opened by `{what}` inside the handler, anew in each invocation: every call pays for another connection. The \
                 fix moves it to the top of the module, where all invocations of an execution environment share it."
            )
        } else {
            format!(
                "{name} is opened by `{what}` inside the handler, anew in each invocation: every call pays for another connection. It \
                 cannot be moved as it stands, for it is opened or ended in steps. The fix adds {HELPER}, a class that opens a client \
                 once and shares it; let the handler use it."
            )
        };
        let candidate = out.report(&META, model, statement, message);
        candidate.key(name).impact(if database { Impact::Medium } else { Impact::Low });
        if movable && !free {
            candidate.refuse(
                "another client or value has its name at the top of the module",
                "rename it, then run again",
            );
        } else if movable {
            candidate.fix(format!("Open {name} once"), move |b| {
                b.move_before(statement, handler);
                Ok(())
            });
        } else if statement.file.language != Language::TypeScript {
            candidate
                .refuse("the handler is no TypeScript", "open the client once, at the top of the module");
        } else {
            candidate
                .tier(Tier::Scaffold)
                .fix("Add a client that invocations share", move |b| add_helper(b, statement.file));
        }
    }
}

fn not_yet<'a>(model: &Model<'a>, address: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let props = address.props(model);
    let names = ["parameterName", "secretName"].iter().filter_map(|name| props.get(model, name).value());
    let named = names.into_iter().any(|value| {
        let text = value.text().to_lowercase();
        ADDRESS.iter().any(|word| text.contains(word))
    });
    if !named {
        return None;
    }
    let functions = model.all_sites().filter(|site| model.builds(site, "aws_lambda.Function"));
    let mut entries = functions.filter_map(|function| model.handler(&function)?.typed_entry());
    let entry = entries.next()?;
    if has_helper(model, entry) || entries.any(|other| has_helper(model, other)) {
        return None;
    }
    let label = address.label();
    let message = format!(
        "{label} holds the address of a database, and no handler of the app connects to one yet. One that does so in each invocation \
         pays for a connection every time and can use up those of the database. The fix adds {HELPER} beside the handler, a class \
         that opens a client once and shares it; nothing uses it until you do."
    );
    out.report(&META, model, address.node, message)
        .impact(Impact::Info)
        .tier(Tier::Scaffold)
        .fix("Add a client that invocations share", move |b| add_helper(b, entry));
    Some(())
}

/// Whether the helper stands beside a file already.
fn has_helper<'a>(model: &Model<'a>, beside: &'a Parsed) -> bool {
    model.location(beside).is_some_and(|file| model.app.file(&file.with_file_name(HELPER)).is_some())
}

fn add_helper<'a>(b: &mut Builder<'_, 'a>, beside: &'a Parsed) -> Result<(), Refusal> {
    let Some(file) = b.model.location(beside) else {
        return Err(no_fix("the handler is not part of the app", "run wa-fix on the app's folder"));
    };
    b.create(file.with_file_name(HELPER), include_str!("shared_client.ts"));
    Ok(())
}
