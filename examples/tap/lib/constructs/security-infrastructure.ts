import * as cdk from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { PipelineConfig } from '../config/pipeline-config';

export interface SecurityInfrastructureProps {
  config: PipelineConfig;
}

/** The encryption key and the parameters that the application reads. */
export class SecurityInfrastructure extends Construct {
  public readonly kmsKey: kms.Key;
  public readonly parameterPrefix: string;

  constructor(
    scope: Construct,
    id: string,
    props: SecurityInfrastructureProps
  ) {
    super(scope, id);

    const { config } = props;
    const { region } = cdk.Stack.of(this);

    this.kmsKey = new kms.Key(this, 'EncryptionKey', {
      alias: `alias/${config.prefix}`,
      description: `Encrypts the data of ${config.prefix}`,
      enableKeyRotation: true,
      pendingWindow: cdk.Duration.days(30),
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });

    // Log groups are encrypted by the service itself
    this.kmsKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
      })
    );

    // Pipeline events are published to an encrypted topic
    this.kmsKey.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal('events.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
      })
    );

    this.parameterPrefix = `/${config.prefix}`;

    // Placeholders: operators set the real values after the first deployment
    new ssm.StringParameter(this, 'ApiKeyParameter', {
      parameterName: `${this.parameterPrefix}/api-key`,
      description: 'API key of the external services',
      stringValue: 'PLACEHOLDER',
    });

    new ssm.StringParameter(this, 'DbConnectionParameter', {
      parameterName: `${this.parameterPrefix}/db-connection`,
      description: 'Database connection string',
      stringValue: 'PLACEHOLDER',
    });
  }
}
