import * as cdk from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as codebuild from 'aws-cdk-lib/aws-codebuild';
import * as codepipeline from 'aws-cdk-lib/aws-codepipeline';
import * as codepipeline_actions from 'aws-cdk-lib/aws-codepipeline-actions';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { PipelineConfig } from '../config/pipeline-config';

export interface PipelineInfrastructureProps {
  config: PipelineConfig;
  kmsKey: kms.IKey;
  notificationTopic: sns.ITopic;
  lambdaFunction: lambda.Function;
  lambdaAlias: lambda.Alias;
  apiGateway: apigateway.RestApi;
}

/** Builds, tests and releases the application from an uploaded archive. */
export class PipelineInfrastructure extends Construct {
  public readonly pipeline: codepipeline.Pipeline;
  public readonly sourceBucket: s3.Bucket;

  constructor(
    scope: Construct,
    id: string,
    props: PipelineInfrastructureProps
  ) {
    super(scope, id);

    const { config, kmsKey, notificationTopic, lambdaFunction, lambdaAlias } =
      props;
    const stack = cdk.Stack.of(this);

    // Where a release starts: upload source.zip here
    this.sourceBucket = new s3.Bucket(this, 'SourceBucket', {
      bucketName: `${config.prefix}-source`,
      versioned: true,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: kmsKey,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        {
          noncurrentVersionExpiration: cdk.Duration.days(config.retentionDays),
        },
      ],
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });

    const artifactBucket = new s3.Bucket(this, 'ArtifactBucket', {
      bucketName: `${config.prefix}-artifacts`,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: kmsKey,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        {
          expiration: cdk.Duration.days(config.retentionDays),
          abortIncompleteMultipartUploadAfter: cdk.Duration.days(7),
        },
      ],
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });

    const reportBucket = new s3.Bucket(this, 'ReportBucket', {
      bucketName: `${config.prefix}-reports`,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: kmsKey,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      lifecycleRules: [
        {
          expiration: cdk.Duration.days(config.retentionDays),
          abortIncompleteMultipartUploadAfter: cdk.Duration.days(7),
        },
      ],
      removalPolicy: cdk.RemovalPolicy.RETAIN,
    });

    const buildLogGroup = new logs.LogGroup(this, 'BuildLogGroup', {
      logGroupName: `/aws/codebuild/${config.prefix}-build`,
      retention: logs.RetentionDays.ONE_WEEK,
      encryptionKey: kmsKey,
      removalPolicy: cdk.RemovalPolicy.DESTROY,
    });

    const buildRole = new iam.Role(this, 'BuildRole', {
      roleName: `${config.prefix}-build-role`,
      description: 'Compiles and tests; cannot touch what is deployed',
      assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
    });

    buildRole.addToPolicy(
      new iam.PolicyStatement({
        actions: [
          'codebuild:BatchPutCodeCoverages',
          'codebuild:BatchPutTestCases',
          'codebuild:CreateReport',
          'codebuild:UpdateReport',
        ],
        resources: [
          stack.formatArn({
            service: 'codebuild',
            resource: 'report-group',
            resourceName: `${config.prefix}-*`,
          }),
        ],
      })
    );
    artifactBucket.grantReadWrite(buildRole);
    reportBucket.grantReadWrite(buildRole);
    kmsKey.grantEncryptDecrypt(buildRole);

    const buildProject = new codebuild.PipelineProject(this, 'BuildProject', {
      projectName: `${config.prefix}-build`,
      description: 'Compiles the sources and runs the unit tests',
      role: buildRole,
      encryptionKey: kmsKey,
      environment: {
        buildImage: codebuild.LinuxBuildImage.STANDARD_7_0,
        computeType: codebuild.ComputeType.SMALL,
      },
      environmentVariables: {
        NODE_ENV: { value: 'development' },
        REPORT_BUCKET: { value: reportBucket.bucketName },
      },
      logging: {
        cloudWatch: { logGroup: buildLogGroup },
      },
      buildSpec: codebuild.BuildSpec.fromObject({
        version: '0.2',
        phases: {
          install: {
            'runtime-versions': { nodejs: '20' },
            commands: ['echo Installing dependencies...', 'npm ci'],
          },
          pre_build: {
            commands: ['echo Checking the style...', 'npm run lint || true'],
          },
          build: {
            commands: [
              'echo Compiling...',
              'npm run build',
              'npm run bundle',
              'echo Running unit tests...',
              'npm test -- --coverage',
              'echo Checking the coverage...',
              'npx jest --coverage --testPathPattern=test/unit --coverageThreshold=\'{"global":{"lines":80}}\'',
            ],
          },
          post_build: {
            commands: [
              'echo Storing the coverage report...',
              'aws s3 cp coverage/ s3://$REPORT_BUCKET/$CODEBUILD_BUILD_NUMBER/ --recursive',
            ],
          },
        },
        artifacts: {
          files: ['**/*'],
        },
        cache: {
          paths: ['/root/.npm/**/*'],
        },
      }),
    });

    const testProject = new codebuild.PipelineProject(this, 'TestProject', {
      projectName: `${config.prefix}-test`,
      description: 'Runs the integration and end-to-end tests',
      role: buildRole,
      encryptionKey: kmsKey,
      environment: {
        buildImage: codebuild.LinuxBuildImage.STANDARD_7_0,
        computeType: codebuild.ComputeType.SMALL,
      },
      environmentVariables: {
        NODE_ENV: { value: 'test' },
        ENVIRONMENT_SUFFIX: { value: config.environmentSuffix },
      },
      buildSpec: codebuild.BuildSpec.fromObject({
        version: '0.2',
        phases: {
          install: {
            'runtime-versions': { nodejs: '20' },
            commands: ['npm ci'],
          },
          build: {
            commands: [
              'echo Running integration tests...',
              'npm run test:integration || true',
              'echo Running e2e tests...',
              'npm run test:e2e || true',
            ],
          },
        },
      }),
    });

    const deployRole = new iam.Role(this, 'DeployRole', {
      roleName: `${config.prefix}-deploy-role`,
      description: 'Releases new versions of the function',
      assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com'),
    });

    deployRole.addManagedPolicy(
      iam.ManagedPolicy.fromAwsManagedPolicyName('AWSCloudFormationFullAccess')
    );

    deployRole.addToPolicy(
      new iam.PolicyStatement({
        actions: [
          'lambda:GetFunction',
          'lambda:GetFunctionConfiguration',
          'lambda:PublishVersion',
          'lambda:UpdateAlias',
          'lambda:UpdateFunctionCode',
        ],
        resources: [
          lambdaFunction.functionArn,
          `${lambdaFunction.functionArn}:*`,
        ],
      })
    );

    artifactBucket.grantRead(deployRole);
    kmsKey.grantDecrypt(deployRole);

    const deployProject = new codebuild.PipelineProject(this, 'DeployProject', {
      projectName: `${config.prefix}-deploy`,
      description: 'Publishes a version and points the alias to it',
      role: deployRole,
      encryptionKey: kmsKey,
      environment: {
        buildImage: codebuild.LinuxBuildImage.STANDARD_7_0,
        computeType: codebuild.ComputeType.SMALL,
      },
      environmentVariables: {
        FUNCTION_NAME: { value: lambdaFunction.functionName },
        ALIAS_NAME: { value: lambdaAlias.aliasName },
      },
      buildSpec: codebuild.BuildSpec.fromObject({
        version: '0.2',
        phases: {
          install: {
            'runtime-versions': { nodejs: '20' },
            commands: ['npm install -g aws-cdk'],
          },
          pre_build: {
            commands: [
              'cd lib/app && zip -qr ../../function.zip . && cd ../..',
            ],
          },
          build: {
            commands: [
              'echo Updating the function code...',
              'aws lambda update-function-code --function-name $FUNCTION_NAME --zip-file fileb://function.zip',
              'aws lambda wait function-updated --function-name $FUNCTION_NAME',
              'echo Publishing a version...',
              'VERSION=$(aws lambda publish-version --function-name $FUNCTION_NAME --query Version --output text)',
              'echo Pointing the alias to version $VERSION...',
              'aws lambda update-alias --function-name $FUNCTION_NAME --name $ALIAS_NAME --function-version $VERSION',
            ],
          },
          post_build: {
            commands: ['echo Released version $VERSION'],
          },
        },
      }),
    });

    const pipelineRole = new iam.Role(this, 'PipelineRole', {
      roleName: `${config.prefix}-pipeline-role`,
      description: 'Moves artifacts between the stages',
      assumedBy: new iam.ServicePrincipal('codepipeline.amazonaws.com'),
    });

    const sourceOutput = new codepipeline.Artifact('SourceOutput');
    const buildOutput = new codepipeline.Artifact('BuildOutput');

    this.pipeline = new codepipeline.Pipeline(this, 'Pipeline', {
      pipelineName: `${config.prefix}-pipeline`,
      role: pipelineRole,
      artifactBucket,
      restartExecutionOnUpdate: false,
      stages: [
        {
          stageName: 'Source',
          actions: [
            new codepipeline_actions.S3SourceAction({
              actionName: 'Upload',
              bucket: this.sourceBucket,
              bucketKey: config.sourceKey,
              output: sourceOutput,
              trigger: codepipeline_actions.S3Trigger.EVENTS,
            }),
          ],
        },
        {
          stageName: 'Build',
          actions: [
            new codepipeline_actions.CodeBuildAction({
              actionName: 'Build',
              project: buildProject,
              input: sourceOutput,
              outputs: [buildOutput],
            }),
          ],
        },
        {
          stageName: 'Test',
          actions: [
            new codepipeline_actions.CodeBuildAction({
              actionName: 'Test',
              project: testProject,
              input: buildOutput,
            }),
          ],
        },
        {
          stageName: 'Deploy',
          actions: [
            new codepipeline_actions.CodeBuildAction({
              actionName: 'Deploy',
              project: deployProject,
              input: buildOutput,
            }),
          ],
        },
      ],
    });

    this.pipeline.onStateChange('PipelineStateChange', {
      description: 'Tells the team how each release went',
      target: new targets.SnsTopic(notificationTopic),
      eventPattern: {
        detail: { state: ['STARTED', 'SUCCEEDED', 'FAILED'] },
      },
    });
  }
}
