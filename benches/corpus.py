"""Writes a corpus of CDK apps: the same bytes for the same number of files, on any machine.

Every app has a cdk.json, a package.json and eight scripts: an entry file, a stack, two construct files, a
configuration, a handler and its store that do not speak to the CDK, and a test. Files are 0.5 to 12 kB; three fifths of the
bytes speak to the CDK (of 26 public repositories it was 42 %, of 461 generated apps 71 %). Each app is
written in one of five import styles, and what it builds, how it is configured and what it forgets is
drawn from a generator of our own, so that no number depends on a library's. No code is taken from anywhere.
"""

import os

SCRIPTS_PER_APP = 8


class Dice:
    """Xorshift, 64 bits: the same draws everywhere."""

    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 0x1234567) & 0xFFFFFFFFFFFFFFFF or 1

    def below(self, limit):
        x = self.state
        x ^= (x << 13) & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 7
        x ^= (x << 17) & 0xFFFFFFFFFFFFFFFF
        self.state = x
        return (x >> 11) % limit

    def one(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, percent):
        return self.below(100) < percent


MODULES = {
    "apigateway": "aws-apigateway", "cloudwatch": "aws-cloudwatch", "cloudfront": "aws-cloudfront",
    "codebuild": "aws-codebuild", "codepipeline": "aws-codepipeline", "dynamodb": "aws-dynamodb", "ec2": "aws-ec2",
    "ecs": "aws-ecs", "events": "aws-events", "iam": "aws-iam", "kms": "aws-kms", "lambda": "aws-lambda",
    "logs": "aws-logs", "origins": "aws-cloudfront-origins", "rds": "aws-rds", "s3": "aws-s3", "sns": "aws-sns",
    "sqs": "aws-sqs", "ssm": "aws-ssm", "targets": "aws-events-targets",
}

NOUNS = ["Order", "Invoice", "Customer", "Payment", "Report", "Session", "Catalog", "Shipment", "Ticket", "Profile",
         "Ledger", "Search", "Import", "Export", "Audit", "Notification", "Media", "Pricing", "Stock", "Booking"]


class Names:
    """How an app writes the names of the CDK: one of five import styles."""

    STYLES = ["namespace", "named", "barrel", "core", "require"]

    def __init__(self, style):
        self.style, self.modules, self.named, self.core = style, set(), {}, set()

    def of(self, module, name):
        self.modules.add(module)
        if self.style == "named":
            self.named.setdefault(module, set()).add(name)
            return name
        if self.style == "core":
            return f"cdk.{MODULES[module].replace('-', '_')}.{name}"
        return f"{module}.{name}"

    def cdk(self, name):
        if self.style in ("named", "barrel"):
            self.core.add(name)
            return name
        return f"cdk.{name}"

    def imports(self, quote):
        q = quote
        def clause(names, source):
            names = sorted(names)
            one = f"import {{ {', '.join(names)} }} from {q}{source}{q};"
            if len(one) <= 100:
                return one
            return "import {\n" + "".join(f"  {name},\n" for name in names) + f"}} from {q}{source}{q};"
        lines = []
        if self.style == "namespace":
            lines.append(f"import * as cdk from {q}aws-cdk-lib{q};")
            lines += [f"import * as {m} from {q}aws-cdk-lib/{MODULES[m]}{q};" for m in sorted(self.modules)]
        elif self.style == "require":
            lines.append(f"import cdk = require({q}aws-cdk-lib{q});")
            lines += [f"import {m} = require({q}aws-cdk-lib/{MODULES[m]}{q});" for m in sorted(self.modules)]
        elif self.style == "core":
            lines.append(f"import * as cdk from {q}aws-cdk-lib{q};")
        elif self.style == "barrel":
            parts = [f"{MODULES[m].replace('-', '_')} as {m}" for m in self.modules]
            lines.append(clause(list(self.core) + parts, "aws-cdk-lib"))
        else:
            lines.append(clause(self.core, "aws-cdk-lib"))
            lines += [clause(self.named[m], f"aws-cdk-lib/{MODULES[m]}") for m in sorted(self.named)]
        lines.append(f"import {{ Construct }} from {q}constructs{q};")
        return "\n".join(lines)


def props(entries, indent):
    """An object literal, the entries that are not None."""
    pad = " " * indent
    lines = [f"{pad}  {entry}," for entry in entries if entry is not None]
    return "{\n" + "\n".join(lines) + f"\n{pad}}}"


def maybe(dice, percent, entry):
    return entry if dice.chance(percent) else None


def bucket(d, n, name):
    rules = f"lifecycleRules: [{{ expiration: {n.cdk('Duration')}.days({30 + d.below(300)}) }}]"
    return f"""    // Objects of {name} live here until they are archived
    const {low(name)}Bucket = new {n.of('s3', 'Bucket')}(this, '{name}Bucket', {props([
        maybe(d, 85, "versioned: true"),
        maybe(d, 95, f"encryption: {n.of('s3', 'BucketEncryption')}.S3_MANAGED"),
        maybe(d, 95, f"blockPublicAccess: {n.of('s3', 'BlockPublicAccess')}.BLOCK_ALL"),
        maybe(d, 75, "enforceSSL: true"),
        maybe(d, 75, rules),
        f"removalPolicy: {n.cdk('RemovalPolicy')}.{d.one(['RETAIN', 'DESTROY'])}",
    ], 4)});
"""


def function(d, n, name):
    written = props([
        f"description: `Handles {name.lower()} events of ${{props.config.prefix}}`",
        f"runtime: {n.of('lambda', 'Runtime')}.NODEJS_{d.one([16, 18, 20])}_X",
        "handler: 'index.handler'",
        f"code: {n.of('lambda', 'Code')}.fromAsset('lib/handler')",
        maybe(d, 95, f"timeout: {n.cdk('Duration')}.seconds({d.one([3, 10, 30])})"),
        maybe(d, 95, f"memorySize: {d.one([128, 256, 512, 1024])}"),
        maybe(d, 85, f"tracing: {n.of('lambda', 'Tracing')}.ACTIVE"),
        maybe(d, 65, f"logRetention: {n.of('logs', 'RetentionDays')}.{d.one(['ONE_WEEK', 'INFINITE', 'TWO_YEARS'])}"),
        maybe(d, 65, "deadLetterQueueEnabled: true"),
        maybe(d, 20, "reservedConcurrentExecutions: 100"),
        "environment: {\n        STAGE: props.config.stage,\n        TABLE: 'TABLE_NAME',\n"
        + maybe_line(d, 10, "        DB_PASSWORD: props.config.password,\n") + "        LOG_LEVEL: props.config.logLevel,\n      }",
    ], 4)
    return f"""    this.{low(name)}Function = new {n.of('lambda', 'Function')}(this, '{name}Function', {written});
"""


def maybe_line(d, percent, text):
    return text if d.chance(percent) else ""


def role(d, n, name):
    actions = d.one(["'s3:*'", "'dynamodb:GetItem', 'dynamodb:Query'", "'*'", "'ssm:GetParameter'"])
    resources = d.one(["'*'", "`arn:aws:s3:::${props.config.prefix}-*`"])
    managed = d.one(["AdministratorAccess", "service-role/AWSLambdaBasicExecutionRole", "AmazonS3FullAccess"])
    return f"""    const {low(name)}Role = new {n.of('iam', 'Role')}(this, '{name}Role', {{
      description: 'Execution role of {name.lower()}',
      assumedBy: new {n.of('iam', 'ServicePrincipal')}('lambda.amazonaws.com'),
      managedPolicies: [{n.of('iam', 'ManagedPolicy')}.fromAwsManagedPolicyName('{managed}')],
    }});
    {low(name)}Role.addToPolicy(
      new {n.of('iam', 'PolicyStatement')}({{
        actions: [{actions}],
        resources: [{resources}],
      }})
    );
"""


def queue(d, n, name):
    return f"""    const {low(name)}Queue = new {n.of('sqs', 'Queue')}(this, '{name}Queue', {props([
        maybe(d, 85, f"encryption: {n.of('sqs', 'QueueEncryption')}.SQS_MANAGED"),
        maybe(d, 75, "enforceSSL: true"),
        f"visibilityTimeout: {n.cdk('Duration')}.seconds({d.one([30, 60, 300])})",
        f"retentionPeriod: {n.cdk('Duration')}.days({1 + d.below(14)})",
    ], 4)});
    {low(name)}Queue.addToResourcePolicy(
      new {n.of('iam', 'PolicyStatement')}({{
        principals: [new {n.of('iam', 'AnyPrincipal')}()],
        actions: ['sqs:SendMessage'],
        resources: [{low(name)}Queue.queueArn],
      }})
    );
"""


def table(d, n, name):
    return f"""    const {low(name)}Table = new {n.of('dynamodb', 'Table')}(this, '{name}Table', {props([
        f"partitionKey: {{ name: 'pk', type: {n.of('dynamodb', 'AttributeType')}.STRING }}",
        f"sortKey: {{ name: 'sk', type: {n.of('dynamodb', 'AttributeType')}.NUMBER }}",
        maybe(d, 95, f"billingMode: {n.of('dynamodb', 'BillingMode')}.PAY_PER_REQUEST"),
        maybe(d, 75, "pointInTimeRecovery: true"),
        maybe(d, 75, f"encryption: {n.of('dynamodb', 'TableEncryption')}.AWS_MANAGED"),
        f"removalPolicy: {n.cdk('RemovalPolicy')}.{d.one(['RETAIN', 'DESTROY'])}",
    ], 4)});
    {low(name)}Table.addGlobalSecondaryIndex({{
      indexName: 'by-{name.lower()}',
      partitionKey: {{ name: 'owner', type: {n.of('dynamodb', 'AttributeType')}.STRING }},
    }});
"""


def api(d, n, name):
    written = props([
        f"restApiName: `${{props.config.prefix}}-{name.lower()}`",
        "deployOptions: {\n        stageName: props.config.stage,\n"
        + maybe_line(d, 85, "        tracingEnabled: true,\n")
        + maybe_line(d, 85, "        cachingEnabled: true,\n")
        + f"        throttlingRateLimit: {d.one([100, 500, 1000])},\n        throttlingBurstLimit: {d.one([200, 1000])},\n      }}",
        maybe(d, 20, "defaultCorsPreflightOptions: {\n        allowOrigins: "
              + n.of('apigateway', 'Cors') + ".ALL_ORIGINS,\n        allowMethods: ['GET', 'POST'],\n      }"),
        maybe(d, 65, "cloudWatchRole: true"),
    ], 4)
    return f"""    const {low(name)}Api = new {n.of('apigateway', 'RestApi')}(this, '{name}Api', {written});
    const {low(name)}Resource = {low(name)}Api.root.addResource('{name.lower()}');
    {low(name)}Resource.addMethod('GET', new {n.of('apigateway', 'LambdaIntegration')}(this.entryFunction));
    {low(name)}Resource.addMethod('POST', new {n.of('apigateway', 'LambdaIntegration')}(this.entryFunction), {{
      apiKeyRequired: {d.one(['true', 'false'])},
    }});
"""


def alarm(d, n, name):
    return f"""    const {low(name)}Alarm = new {n.of('cloudwatch', 'Alarm')}(this, '{name}Alarm', {{
      alarmName: `${{props.config.prefix}}-{name.lower()}-errors`,
      alarmDescription: 'Something about {name.lower()} fails too often',
      metric: this.entryFunction.metricErrors({{ period: {n.cdk('Duration')}.minutes({d.one([1, 5, 15])}) }}),
      threshold: {1 + d.below(20)},
      evaluationPeriods: {1 + d.below(3)},
      comparisonOperator: {n.of('cloudwatch', 'ComparisonOperator')}.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: {n.of('cloudwatch', 'TreatMissingData')}.NOT_BREACHING,
    }});
    {low(name)}Alarm.node.addDependency(this.entryFunction);
"""


def project(d, n, name):
    commands = d.one(["'npm ci', 'npm test || true'", "'npm ci', 'npm run build'", "'npm ci', 'npm test'"])
    written = props([
        f"projectName: `${{props.config.prefix}}-{name.lower()}`",
        f"environment: {{\n        buildImage: {n.of('codebuild', 'LinuxBuildImage')}.STANDARD_7_0,\n"
        f"        computeType: {n.of('codebuild', 'ComputeType')}.{d.one(['SMALL', 'MEDIUM', 'LARGE'])},\n      }}",
        maybe(d, 65, f"cache: {n.of('codebuild', 'Cache')}.local({n.of('codebuild', 'LocalCacheMode')}.SOURCE)"),
        f"buildSpec: {n.of('codebuild', 'BuildSpec')}.fromObject({{\n        version: '0.2',\n        phases: {{\n"
        f"          install: {{ 'runtime-versions': {{ nodejs: '20' }} }},\n"
        f"          build: {{ commands: [{commands}] }},\n        }},\n      }})",
    ], 4)
    return f"""    const {low(name)}Project = new {n.of('codebuild', 'PipelineProject')}(this, '{name}Project', {written});
    {low(name)}Project.addToRolePolicy(
      new {n.of('iam', 'PolicyStatement')}({{ actions: ['codebuild:CreateReport'], resources: ['*'] }})
    );
"""


def topic(d, n, name):
    return f"""    const {low(name)}Topic = new {n.of('sns', 'Topic')}(this, '{name}Topic', {{
      displayName: `{name} of ${{props.config.prefix}}`,
    }});
    new {n.of('events', 'Rule')}(this, '{name}Schedule', {{
      schedule: {n.of('events', 'Schedule')}.rate({n.cdk('Duration')}.minutes({d.one([5, 15, 60])})),
      targets: [new {n.of('targets', 'SnsTopic')}({low(name)}Topic), new {n.of('targets', 'LambdaFunction')}(this.entryFunction)],
    }});
"""


def parameter(d, n, name):
    return f"""    new {n.of('ssm', 'StringParameter')}(this, '{name}Parameter', {{
      parameterName: `/${{props.config.prefix}}/{name.lower()}`,
      stringValue: '{d.one(['enabled', 'secret-value', 'https://example.com'])}',
    }});
    new {n.of('logs', 'LogGroup')}(this, '{name}Logs', {props([
        f"logGroupName: `/app/${{props.config.prefix}}/{name.lower()}`",
        maybe(d, 85, f"retention: {n.of('logs', 'RetentionDays')}.{d.one(['ONE_MONTH', 'INFINITE'])}"),
        f"removalPolicy: {n.cdk('RemovalPolicy')}.DESTROY",
    ], 4)});
"""


def network(d, n, name):
    return f"""    const {low(name)}Vpc = new {n.of('ec2', 'Vpc')}(this, '{name}Vpc', {{
      maxAzs: {d.one([1, 2, 3])},
      natGateways: {d.one([0, 1, 2])},
    }});
    new {n.of('rds', 'DatabaseInstance')}(this, '{name}Database', {props([
        f"engine: {n.of('rds', 'DatabaseInstanceEngine')}.POSTGRES",
        f"vpc: {low(name)}Vpc",
        maybe(d, 75, "multiAz: true"),
        maybe(d, 75, "storageEncrypted: true"),
        maybe(d, 75, f"backupRetention: {n.cdk('Duration')}.days(7)"),
    ], 4)});
"""


def plain(d, n, name):
    """What surrounds constructs in real apps: names, lists, conditions."""
    rows = "".join(
        f"      {{ key: '{name.lower()}-{k}', weight: {d.below(100)}, regions: ['eu-central-1', 'us-east-1'], hot: {d.one(['true', 'false'])} }},\n"
        for k in range(2 + d.below(5)))
    return f"""    // Which partitions {name} is spread over; the hot ones are watched more closely than the others
    const {low(name)}Partitions = [
{rows}    ];
    const {low(name)}Hot = {low(name)}Partitions.filter((row) => row.hot && row.weight > {d.below(50)});
    for (const row of {low(name)}Hot) {{
      const label = `${{props.config.prefix}}-${{row.key}}`.toLowerCase();
      if (label.length > 63) {{
        throw new Error(`the name ${{label}} is too long for a partition of {name}`);
      }}
      row.regions.forEach((region, index) => this.node.setContext(`${{label}}-${{index}}`, region));
    }}
    const {low(name)}Limits: Record<string, number> = {{
      reads: {d.below(1000)},
      writes: Math.max({d.below(100)}, {low(name)}Hot.length * {1 + d.below(9)}),
      burst: props.config.stage === 'prod' ? {d.below(5000)} : {d.below(500)},
    }};
    this.node.addMetadata('{name.lower()}', JSON.stringify({low(name)}Limits));
"""


PARTS = [plain] * 14 + [bucket, function, role, queue, table, api, alarm, project, topic, parameter, network]


def low(name):
    return name[0].lower() + name[1:]


def construct_file(d, style, quote, name, parts):
    n = Names(style)
    nouns = [NOUNS[(d.below(len(NOUNS)) + step) % len(NOUNS)] + (str(step) if step > 3 else "") for step in range(parts)]
    body, fields = [], []
    for at, noun in enumerate(nouns):
        noun = f"{noun}{chr(65 + at % 26)}"
        part = PARTS[d.below(len(PARTS))]
        body.append(part(d, n, noun))
        if part is function:
            fields.append(f"  public readonly {low(noun)}Function: {n.of('lambda', 'Function')};\n")
    entry = f"""    this.entryFunction = new {n.of('lambda', 'Function')}(this, 'Entry', {{
      runtime: {n.of('lambda', 'Runtime')}.NODEJS_20_X,
      handler: 'index.handler',
      code: {n.of('lambda', 'Code')}.fromAsset('lib/handler'),
      timeout: {n.cdk('Duration')}.seconds(30),
    }});
"""
    written = "\n".join(body)
    text = f"""
export interface {name}Props {{
  config: Config;
  readonly removal?: {n.cdk('RemovalPolicy')};
}}

/** {name}: one of the parts that the stack puts together. */
export class {name} extends Construct {{
  public readonly entryFunction: {n.of('lambda', 'Function')};
{''.join(fields)}
  constructor(scope: Construct, id: string, props: {name}Props) {{
    super(scope, id);

{entry}
{written}  }}
}}
"""
    text = n.imports(quote) + f"\nimport {{ Config }} from {quote}../config{quote};\n" + text
    return text if quote == "'" else text.replace("'", '"')


def stack_file(d, style, quote, app, constructs):
    n = Names(style)
    builds = "".join(
        f"    const {low(c)} = new {c}(this, '{c}', {{ config }});\n    {low(c)}.node.addMetadata('part', '{c}');\n"
        for c in constructs)
    outputs = "".join(
        f"    new {n.cdk('CfnOutput')}(this, '{c}Arn', {{\n      value: {low(c)}.entryFunction.functionArn,\n"
        f"      exportName: `${{config.prefix}}-{low(c)}`,\n    }});\n" for c in constructs)
    text = f"""
export interface {app}StackProps extends {n.cdk('StackProps')} {{
  stage: string;
}}

export class {app}Stack extends {n.cdk('Stack')} {{
  constructor(scope: Construct, id: string, props: {app}StackProps) {{
    super(scope, id, props);

    const config = configFor(props.stage);
{builds}
{outputs}
    {n.cdk('Tags')}.of(this).add('Application', '{app}');
  }}
}}
"""
    imports = n.imports(quote) + f"\nimport {{ configFor }} from {quote}./config{quote};\n"
    imports += "".join(f"import {{ {c} }} from {quote}./constructs/{low(c)}{quote};\n" for c in constructs)
    text = imports + text
    return text if quote == "'" else text.replace("'", '"')


def entry_file(app):
    stages = "".join(
        f"\nnew {app}Stack(app, '{app}-{stage}', {{\n  stage: '{stage}',\n"
        "  env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },\n});\n"
        for stage in ("dev", "test", "prod"))
    return f"""#!/usr/bin/env node
import * as cdk from 'aws-cdk-lib';
import {{ {app}Stack }} from '../lib/stack';

const app = new cdk.App();
{stages}"""


def config_file(d):
    stages = "".join(
        f"  {stage}: {{\n    prefix: '{stage}',\n    stage: '{stage}',\n    logLevel: '{level}',\n    password: process.env.PASSWORD ?? '',\n"
        + "".join(f"    limit{k}: {d.below(1000)},\n" for k in range(20)) + "  },\n"
        for stage, level in (("dev", "debug"), ("test", "info"), ("prod", "warn")))
    limits = "".join(f"  limit{k}: number;\n" for k in range(20))
    return f"""/** What differs between the environments. */
export interface Config {{
  prefix: string;
  stage: string;
  logLevel: string;
  password: string;
{limits}}}

const CONFIGS: Record<string, Config> = {{
{stages}}};

export function configFor(stage: string): Config {{
  const found = CONFIGS[stage];
  if (!found) {{
    throw new Error(`there is no stage ${{stage}}`);
  }}
  return found;
}}
"""


def handler_file(d):
    routes = "".join(
        f"""
async function {low(noun)}Route(event: Event): Promise<Answer> {{
  const started = Date.now();
  const key = event.pathParameters?.id ?? 'all';
  const items = await store.query({{ owner: key, limit: {10 + d.below(90)} }});
  if (items.length === 0) {{
    return {{ statusCode: 404, body: JSON.stringify({{ message: 'no {noun.lower()} of that id' }}) }};
  }}
  console.log(JSON.stringify({{ route: '{noun.lower()}', took: Date.now() - started }}));
  return {{ statusCode: 200, body: JSON.stringify(items.map((item) => ({{ ...item, kind: '{noun.lower()}' }}))) }};
}}
""" for noun in NOUNS[: 4 + d.below(8)])
    return f"""import {{ store }} from './store';

export interface Event {{
  path: string;
  httpMethod: string;
  pathParameters?: Record<string, string>;
}}

export interface Answer {{
  statusCode: number;
  body: string;
}}
{routes}
export const handler = async (event: Event): Promise<Answer> => {{
  switch (event.path) {{
    case '/orders':
      return orderRoute(event);
    default:
      return {{ statusCode: 404, body: 'not found' }};
  }}
}};
"""


def store_file(d):
    tables = "".join(
        f"""
export class {noun}Store implements Store {{
  private readonly rows = new Map<string, Row>();

  async query(filter: Filter): Promise<Row[]> {{
    const found: Row[] = [];
    for (const row of this.rows.values()) {{
      if (filter.owner !== 'all' && row.owner !== filter.owner) {{
        continue;
      }}
      found.push(row);
      if (found.length >= Math.min(filter.limit, {50 + d.below(500)})) {{
        break;
      }}
    }}
    return found.sort((a, b) => a.changed - b.changed);
  }}

  async put(row: Row): Promise<void> {{
    const before = this.rows.get(row.id);
    this.rows.set(row.id, {{ ...before, ...row, changed: Date.now() }});
  }}
}}
""" for noun in NOUNS[: 3 + d.below(6)])
    return f"""export interface Row {{
  id: string;
  owner: string;
  changed: number;
}}

export interface Filter {{
  owner: string;
  limit: number;
}}

export interface Store {{
  query(filter: Filter): Promise<Row[]>;
  put(row: Row): Promise<void>;
}}
{tables}
export const store: Store = new OrderStore();
"""


def test_file(app):
    cases = "".join(
        f"""
  test('{kind} are as they should be in {stage}', () => {{
    const stack = new {app}Stack(new cdk.App(), 'Test', {{ stage: '{stage}' }});
    const template = Template.fromStack(stack);
    expect(Object.keys(template.findResources('AWS::{resource}')).length).toBeGreaterThan(0);
  }});
""" for stage in ("dev", "prod")
        for kind, resource in (("functions", "Lambda::Function"), ("buckets", "S3::Bucket"), ("roles", "IAM::Role")))
    return f"""import * as cdk from 'aws-cdk-lib';
import {{ Template }} from 'aws-cdk-lib/assertions';
import {{ {app}Stack }} from '../lib/stack';

describe('{app}', () => {{{cases}}});
"""


def app_files(number):
    """Path and text of every file of one app."""
    d = Dice(number + 1)
    style, quote = Names.STYLES[number % len(Names.STYLES)], d.one(["'", "'", '"'])
    app = NOUNS[d.below(len(NOUNS))]
    constructs = [f"{app}Service", f"{app}Delivery"]
    yield "cdk.json", '{\n  "app": "npx ts-node --prefer-ts-exts bin/app.ts"\n}\n'
    yield "package.json", (
        f'{{\n  "name": "app-{number}",\n  "version": "1.0.0",\n  "dependencies": {{\n'
        f'    "aws-cdk-lib": "^2.{d.one([100, 150, 190, 204])}.0",\n    "constructs": "^10.0.0"\n  }}\n}}\n')
    yield "bin/app.ts", entry_file(app)
    yield "lib/stack.ts", stack_file(d, style, quote, app, constructs)
    for construct in constructs:
        yield f"lib/constructs/{low(construct)}.ts", construct_file(d, style, quote, construct, 5 + d.below(10))
    yield "lib/config.ts", config_file(d)
    yield "lib/handler/index.ts", handler_file(d)
    yield "lib/handler/store.ts", store_file(d)
    yield "test/stack.test.ts", test_file(app)


def write(folder, scripts):
    """Writes a corpus of that many scripts; gives their number and their bytes."""
    count = size = 0
    for number in range(scripts // SCRIPTS_PER_APP):
        home = os.path.join(folder, f"team-{number // 25:03}", f"app-{number:04}")
        for path, text in app_files(number):
            place = os.path.join(home, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="utf-8", newline="\n") as out:
                out.write(text)
            if path.endswith(".ts"):
                count, size = count + 1, size + len(text.encode())
    return count, size


if __name__ == "__main__":
    import sys
    print(*write(sys.argv[1], int(sys.argv[2])))
