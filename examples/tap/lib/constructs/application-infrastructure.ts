import * as path from 'path';
import * as cdk from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as cloudwatchActions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { PipelineConfig } from '../config/pipeline-config';

export interface ApplicationInfrastructureProps {
  config: PipelineConfig;
  kmsKey: kms.IKey;
  parameterPrefix: string;
  alarmTopic: sns.ITopic;
}

/** The HTTP API: a REST API in front of one function, with its alarms. */
export class ApplicationInfrastructure extends Construct {
  public readonly lambdaFunction: lambda.Function;
  public readonly lambdaAlias: lambda.Alias;
  public readonly api: apigateway.RestApi;

  constructor(
    scope: Construct,
    id: string,
    props: ApplicationInfrastructureProps
  ) {
    super(scope, id);

    const { config, kmsKey, parameterPrefix, alarmTopic } = props;
    const stack = cdk.Stack.of(this);

    const lambdaRole = new iam.Role(this, 'LambdaRole', {
      roleName: `${config.prefix}-lambda-role`,
      description: 'Execution role of the application function',
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName(
          'service-role/AWSLambdaBasicExecutionRole'
        ),
        iam.ManagedPolicy.fromAwsManagedPolicyName('AWSXRayDaemonWriteAccess'),
      ],
    });

    // The function may read its own parameters, nobody else's
    lambdaRole.addToPolicy(
      new iam.PolicyStatement({
        actions: ['ssm:GetParameter', 'ssm:GetParametersByPath'],
        resources: [
          stack.formatArn({
            service: 'ssm',
            resource: 'parameter',
            resourceName: `${parameterPrefix.slice(1)}/*`,
          }),
        ],
      })
    );
    kmsKey.grantDecrypt(lambdaRole);

    const logGroup = new logs.LogGroup(this, 'LambdaLogGroup', {
      logGroupName: `/aws/lambda/${config.prefix}-function`,
      retention: logs.RetentionDays.ONE_MONTH,
      encryptionKey: kmsKey,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });

    // `npm run build` compiles lib/app/src to lib/app/dist
    this.lambdaFunction = new lambda.Function(this, 'AppFunction', {
      functionName: `${config.prefix}-function`,
      description: `Request handler of ${config.prefix}`,
      runtime: lambda.Runtime.NODEJS_20_X,
      handler: 'dist/index.handler',
      code: lambda.Code.fromAsset(path.join(__dirname, '../app'), {
        exclude: [
          '*.tsbuildinfo',
          '.DS_Store',
          'coverage',
          'src/**/*.test.ts',
          'tsconfig.json',
        ],
      }),
      role: lambdaRole,
      logGroup,
      tracing: lambda.Tracing.ACTIVE,
      timeout: cdk.Duration.seconds(30),
      memorySize: 512,
      environment: {
        NODE_ENV: config.environmentSuffix,
        PARAMETER_PREFIX: parameterPrefix,
        LOG_LEVEL: config.logLevel,
      },
      environmentEncryption: kmsKey,
      // Keep the rest of the account safe from a runaway client
      reservedConcurrentExecutions:
        config.environmentSuffix === 'prod' ? 100 : 2,
    });

    // The API calls the alias, so that a release is one pointer update
    this.lambdaAlias = new lambda.Alias(this, 'LiveAlias', {
      aliasName: 'live',
      description: 'The version that serves traffic',
      version: this.lambdaFunction.currentVersion,
    });

    this.api = new apigateway.RestApi(this, 'AppApi', {
      restApiName: `${config.prefix}-api`,
      description: `HTTP API of ${config.prefix}`,
      deployOptions: {
        stageName: config.environmentSuffix,
        tracingEnabled: true,
        dataTraceEnabled: true,
        loggingLevel: apigateway.MethodLoggingLevel.INFO,
        metricsEnabled: true,
        throttlingBurstLimit: 1000,
        throttlingRateLimit: 500,
      },
      defaultCorsPreflightOptions: {
        allowOrigins: apigateway.Cors.ALL_ORIGINS,
        allowMethods: apigateway.Cors.ALL_METHODS,
        allowHeaders: ['Content-Type', 'Authorization'],
      },
    });

    // The function does its own routing: everything goes to it
    const integration = new apigateway.LambdaIntegration(this.lambdaAlias, {
      proxy: true,
      allowTestInvoke: false,
    });

    this.api.root.addMethod('ANY', integration);
    this.api.root.addProxy({
      defaultIntegration: integration,
      anyMethod: true,
    });

    new cloudwatch.Alarm(this, 'LambdaErrorAlarm', {
      alarmName: `${config.prefix}-lambda-errors`,
      alarmDescription: 'The function fails too often',
      metric: this.lambdaFunction.metricErrors({
        period: cdk.Duration.minutes(5),
        statistic: 'Sum',
      }),
      threshold: 10,
      evaluationPeriods: 1,
      comparisonOperator:
        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new cloudwatchActions.SnsAction(alarmTopic));

    new cloudwatch.Alarm(this, 'ApiServerErrorAlarm', {
      alarmName: `${config.prefix}-api-5xx-errors`,
      alarmDescription: 'The API answers with server errors',
      metric: this.api.metricServerError({
        period: cdk.Duration.minutes(5),
        statistic: 'Sum',
      }),
      threshold: 10,
      evaluationPeriods: 1,
      comparisonOperator:
        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new cloudwatchActions.SnsAction(alarmTopic));
  }
}
