//! The source of a construct that keeps backups, for what an app has.

use std::fmt::Write as _;

use super::state::Kind;
use crate::model::Model;

/// What the construct has to serve.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    /// The kinds of stores to select.
    pub kinds: Vec<Kind>,
    /// Whether there are parameters to export.
    pub parameters: bool,
    /// Whether the stacks have a key to give.
    pub key: bool,
    /// Whether several stacks build it, each with a part of what it takes.
    pub shared: bool,
}

/// The exporter's own code; `WithDecryption` because an encrypted copy could not be put back.
const EXPORTER: &str = r"
/** Megabytes: the exporter holds all parameters, each of a few kilobytes. */
const EXPORTER_MEMORY = 256;
const EXPORTER_TIMEOUT = cdk.Duration.minutes(5);

const EXPORTER_CODE = `
const { SSMClient, paginateGetParametersByPath } = require('@aws-sdk/client-ssm');
const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3');
const ssm = new SSMClient({});
const s3 = new S3Client({});

exports.handler = async () => {
  const parameters = [];
  const input = { Path: process.env.PARAMETER_PATH, Recursive: true, WithDecryption: true };
  for await (const page of paginateGetParametersByPath({ client: ssm }, input)) {
    parameters.push(...(page.Parameters || []));
  }
  if (parameters.length === 0) {
    throw new Error('There is no parameter under ' + process.env.PARAMETER_PATH);
  }
  await s3.send(new PutObjectCommand({
    Bucket: process.env.BUCKET,
    Key: 'parameters/' + new Date().toISOString().slice(0, 10) + '.json',
    Body: JSON.stringify(parameters),
  }));
  return { exported: parameters.length };
};
`;
";

const PLAN: &str = r"
    const vault = new backup.BackupVault(this, 'Vault', {
      encryptionKey: kmsKey,
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });
    const plan = new backup.BackupPlan(this, 'Plan', { backupVault: vault });
    plan.addRule(
      new backup.BackupPlanRule({
        ruleName: 'Daily',
        scheduleExpression: events.Schedule.cron({ hour: '3', minute: '0' }),
        deleteAfter: cdk.Duration.days(retentionDays),
      })
    );
";

const EXPORT_BUCKET: &str = r"
    const bucket = new s3.Bucket(this, 'ParameterExports', {
      versioned: true,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: kmsKey,
      enforceSSL: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        {
          expiration: cdk.Duration.days(retentionDays),
          noncurrentVersionExpiration: cdk.Duration.days(7),
          abortIncompleteMultipartUploadAfter: cdk.Duration.days(7),
        },
      ],
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });
    bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'DenyOtherEncryption',
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects('*')],
        conditions: {
          // Uploads that name no encryption get the bucket's own
          Null: { 's3:x-amz-server-side-encryption': 'false' },
          StringNotEquals: {
            's3:x-amz-server-side-encryption': ['aws:kms', 'aws:kms:dsse'],
          },
        },
      })
    );
";

const GRANTS: &str = r"
    bucket.grantPut(exporter);
    kmsKey.grantEncryptDecrypt(exporter);
    const arn = cdk.Stack.of(this).formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: path.replace(/^\//, ''),
    });
    exporter.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ['ssm:GetParametersByPath'],
        resources: [arn, `${arn}/*`],
      })
    );

    new events.Rule(this, 'DailyExport', {
      schedule: events.Schedule.cron({ hour: '2', minute: '0' }),
      targets: [new targets.LambdaFunction(exporter, { retryAttempts: 2 })],
    });
";

impl Needs {
    /// The whole file.
    pub(super) fn text(&self, model: &Model<'_>) -> String {
        let mut out = self.imports();
        if self.parameters {
            out.push_str(EXPORTER);
        }
        self.interface(&mut out);
        self.class(&mut out);
        if self.parameters {
            self.exporter(model, &mut out);
        }
        out.push_str("}\n");
        out
    }

    fn imports(&self) -> String {
        let mut modules = vec![("events", "aws-events"), ("iam", "aws-iam"), ("kms", "aws-kms")];
        if !self.kinds.is_empty() {
            modules.push(("backup", "aws-backup"));
        }
        for kind in &self.kinds {
            modules.push((kind.interface.split('.').next().unwrap_or_default(), kind.module));
        }
        if self.parameters {
            modules.extend([
                ("lambda", "aws-lambda"),
                ("logs", "aws-logs"),
                ("s3", "aws-s3"),
                ("sqs", "aws-sqs"),
                ("targets", "aws-events-targets"),
            ]);
        }
        modules.sort_by_key(|(_, module)| *module);
        modules.dedup();
        let mut out = "import * as cdk from 'aws-cdk-lib';\n".to_owned();
        for (name, module) in modules {
            let _ = writeln!(out, "import * as {name} from 'aws-cdk-lib/{module}';");
        }
        out.push_str("import { Construct } from 'constructs';\n");
        out
    }

    /// Whether a member may be left out.
    fn mark(&self) -> &'static str {
        if self.shared { "?" } else { "" }
    }

    fn interface(&self, out: &mut String) {
        let mark = self.mark();
        out.push_str("\nexport interface BackupInfrastructureProps {\n");
        if self.key {
            out.push_str("  /** Encrypts the copies. */\n  readonly kmsKey: kms.IKey;\n");
        }
        out.push_str("  /** Days to keep a copy. */\n  readonly retentionDays: number;\n");
        if self.parameters {
            let _ = write!(
                out,
                "  /** Path of the parameters to export, with its leading slash. */\n  readonly parameterPath{mark}: string;\n"
            );
        }
        for kind in &self.kinds {
            let _ = writeln!(out, "  readonly {}{mark}: {}[];", kind.member, kind.interface);
        }
        out.push_str("}\n");
    }

    fn class(&self, out: &mut String) {
        let about = match (self.kinds.is_empty(), self.parameters) {
            (false, true) => {
                " * Copies of what cannot be built again from the code: a daily backup plan, and a\n * daily export of \
                 parameters, which AWS Backup does not cover.\n"
            }
            (false, false) => " * Copies of what cannot be built again from the code, taken every day.\n",
            _ => " * A daily export of parameters, which AWS Backup does not cover.\n",
        };
        let _ = write!(
            out,
            "\n/**\n{about} *\n * A backup is worth what its restore is: rehearse one.\n */\nexport class BackupInfrastructure extends Construct {{\n  \
             constructor(\n    scope: Construct,\n    id: string,\n    props: BackupInfrastructureProps\n  ) {{\n    super(scope, id);\n\n"
        );
        if self.key {
            out.push_str("    const { kmsKey, retentionDays } = props;\n");
        } else {
            out.push_str(
                "    const { retentionDays } = props;\n    const kmsKey = new kms.Key(this, 'Key', {\n      description: 'Encrypts \
                 backups',\n      enableKeyRotation: true,\n    });\n",
            );
        }
        if !self.kinds.is_empty() {
            out.push_str(PLAN);
            self.role(out);
            self.selection(out);
        }
        match (self.parameters, self.shared) {
            (true, true) => out.push_str(
                "\n    if (props.parameterPath) {\n      this.exportParameters(props.parameterPath, kmsKey, retentionDays);\n    }\n",
            ),
            (true, false) => {
                out.push_str("\n    this.exportParameters(props.parameterPath, kmsKey, retentionDays);\n");
            }
            _ => {}
        }
        out.push_str("  }\n");
    }

    /// The role that makes the copies: the one that CDK would make may use no key and copy no bucket.
    fn role(&self, out: &mut String) {
        let objects = self.kinds.iter().any(|kind| kind.module == "aws-s3");
        out.push_str(
            "\n    const role = new iam.Role(this, 'BackupRole', {\n      assumedBy: new iam.ServicePrincipal('backup.amazonaws.com'),\n      \
             managedPolicies: [\n        iam.ManagedPolicy.fromAwsManagedPolicyName(\n          \
             'service-role/AWSBackupServiceRolePolicyForBackup'\n        ),\n",
        );
        if objects {
            out.push_str(
                "        iam.ManagedPolicy.fromAwsManagedPolicyName(\n          'AWSBackupServiceRolePolicyForS3Backup'\n        ),\n",
            );
        }
        out.push_str("      ],\n    });\n    kmsKey.grantEncryptDecrypt(role);\n");
    }

    fn selection(&self, out: &mut String) {
        let several = self.kinds.len() > 1 || self.shared;
        let mut lines = Vec::new();
        for kind in &self.kinds {
            let list = if self.shared {
                format!("(props.{} ?? [])", kind.member)
            } else {
                format!("props.{}", kind.member)
            };
            let made = format!("backup.BackupResource.{}({})", kind.from, broken(kind.given));
            lines.push(if several {
                format!("        ...{list}.map({} =>\n          {made}\n        ),\n", kind.one)
            } else {
                format!("{list}.map({} =>\n        {}\n      )", kind.one, made.replace("\n  ", "\n"))
            });
        }
        let resources = if several { format!("[\n{}      ]", lines.concat()) } else { lines.concat() };
        let _ = write!(
            out,
            "    plan.addSelection('Selection', {{\n      role,\n      resources: {resources},\n    }});\n"
        );
    }

    fn exporter(&self, model: &Model<'_>, out: &mut String) {
        out.push_str(
            "\n  /** Writes the parameters under a path to a bucket, once a day. */\n  private exportParameters(\n    path: string,\n    \
             kmsKey: kms.IKey,\n    retentionDays: number\n  ): void {",
        );
        out.push_str(EXPORT_BUCKET);
        let ssl =
            if model.has_prop("aws_sqs.Queue", "enforceSSL") { "      enforceSSL: true,\n" } else { "" };
        let _ = write!(
            out,
            "\n    // An export that failed three times leaves its event here\n    const deadLetterQueue = new sqs.Queue(this, \
             'ExporterDeadLetterQueue', {{\n      encryption: sqs.QueueEncryption.KMS,\n      encryptionMasterKey: kmsKey,\n{ssl}      \
             retentionPeriod: cdk.Duration.days(14),\n    }});\n"
        );
        let runtime = ["NODEJS_22_X", "NODEJS_20_X", "NODEJS_18_X"]
            .into_iter()
            .find(|runtime| model.has_member("aws_lambda.Runtime", runtime))
            .unwrap_or("NODEJS_18_X");
        let logs = if model.has_prop("aws_lambda.Function", "logGroup") {
            "      logGroup: new logs.LogGroup(this, 'ExporterLogGroup', {\n        retention: logs.RetentionDays.ONE_WEEK,\n        \
             removalPolicy: cdk.RemovalPolicy.DESTROY,\n      }),\n"
        } else {
            "      logRetention: logs.RetentionDays.ONE_WEEK,\n"
        };
        let _ = write!(
            out,
            "    const exporter = new lambda.Function(this, 'ParameterExporter', {{\n      description: 'Exports parameters to a \
             bucket',\n      runtime: lambda.Runtime.{runtime},\n      architecture: lambda.Architecture.ARM_64,\n      handler: \
             'index.handler',\n      code: lambda.Code.fromInline(EXPORTER_CODE),\n      timeout: EXPORTER_TIMEOUT,\n      memorySize: EXPORTER_MEMORY,\n      tracing: \
             lambda.Tracing.ACTIVE,\n{logs}      deadLetterQueue,\n      environment: {{ PARAMETER_PATH: path, BUCKET: bucket.bucketName }},\n    }});"
        );
        out.push_str(GRANTS);
        out.push_str("  }\n");
    }
}

/// An argument of several lines, on lines of its own.
fn broken(argument: &str) -> String {
    if argument.contains('\n') {
        format!("\n            {argument}\n          ")
    } else {
        argument.to_owned()
    }
}
