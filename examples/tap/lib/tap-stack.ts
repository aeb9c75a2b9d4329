import * as cdk from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { getPipelineConfig } from './config/pipeline-config';
import { ApplicationInfrastructure } from './constructs/application-infrastructure';
import { MonitoringInfrastructure } from './constructs/monitoring-infrastructure';
import { PipelineInfrastructure } from './constructs/pipeline-infrastructure';
import { SecurityInfrastructure } from './constructs/security-infrastructure';

export interface TapStackProps extends cdk.StackProps {
  environmentSuffix?: string;
}

export class TapStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: TapStackProps) {
    super(scope, id, props);

    const environmentSuffix: string =
      props?.environmentSuffix ||
      this.node.tryGetContext('environmentSuffix') ||
      'dev';
    const team: string = this.node.tryGetContext('team') || 'platform';
    const project: string = this.node.tryGetContext('project') || 'tap';

    const config = getPipelineConfig(environmentSuffix, team, project);

    // Keys and parameters come first: everything else is encrypted with them
    const security = new SecurityInfrastructure(this, 'Security', { config });

    const monitoring = new MonitoringInfrastructure(this, 'Monitoring', {
      config,
      kmsKey: security.kmsKey,
      notificationEmail: this.node.tryGetContext('notificationEmail'),
    });

    const application = new ApplicationInfrastructure(this, 'Application', {
      config,
      kmsKey: security.kmsKey,
      parameterPrefix: security.parameterPrefix,
      alarmTopic: monitoring.alarmTopic,
    });

    const delivery = new PipelineInfrastructure(this, 'Delivery', {
      config,
      kmsKey: security.kmsKey,
      notificationTopic: monitoring.pipelineTopic,
      lambdaFunction: application.lambdaFunction,
      lambdaAlias: application.lambdaAlias,
      apiGateway: application.api,
    });

    monitoring.addDashboard({
      lambdaFunction: application.lambdaFunction,
      apiGateway: application.api,
      pipelineName: delivery.pipeline.pipelineName,
    });

    cdk.Tags.of(this).add('Environment', environmentSuffix);

    new cdk.CfnOutput(this, 'ApiUrl', {
      value: application.api.url,
      description: 'Address of the API',
      exportName: `${config.prefix}-api-url`,
    });

    new cdk.CfnOutput(this, 'SourceBucketName', {
      value: delivery.sourceBucket.bucketName,
      description: 'Upload source.zip here to start a release',
      exportName: `${config.prefix}-source-bucket`,
    });

    new cdk.CfnOutput(this, 'PipelineName', {
      value: delivery.pipeline.pipelineName,
      description: 'Name of the delivery pipeline',
      exportName: `${config.prefix}-pipeline-name`,
    });
  }
}
