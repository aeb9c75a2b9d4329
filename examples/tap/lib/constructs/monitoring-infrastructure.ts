import * as cdk from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as cloudwatchActions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { PipelineConfig } from '../config/pipeline-config';

export interface MonitoringInfrastructureProps {
  config: PipelineConfig;
  kmsKey: kms.IKey;
  notificationEmail?: string;
}

export interface DashboardProps {
  lambdaFunction: lambda.IFunction;
  apiGateway: apigateway.RestApi;
  pipelineName: string;
}

/** Topics that tell people, and what is watched on their behalf. */
export class MonitoringInfrastructure extends Construct {
  public readonly alarmTopic: sns.Topic;
  public readonly pipelineTopic: sns.Topic;

  private readonly config: PipelineConfig;

  constructor(
    scope: Construct,
    id: string,
    props: MonitoringInfrastructureProps
  ) {
    super(scope, id);

    const { config, kmsKey, notificationEmail } = props;
    this.config = config;

    this.alarmTopic = new sns.Topic(this, 'AlarmTopic', {
      topicName: `${config.prefix}-alarms`,
      displayName: `Alarms of ${config.prefix}`,
      masterKey: kmsKey,
    });

    this.pipelineTopic = new sns.Topic(this, 'PipelineTopic', {
      topicName: `${config.prefix}-pipeline-notifications`,
      displayName: `Releases of ${config.prefix}`,
      masterKey: kmsKey,
    });

    // Optional: cdk deploy --context notificationEmail=team@example.com
    if (notificationEmail) {
      const email = new subscriptions.EmailSubscription(notificationEmail);
      this.alarmTopic.addSubscription(email);
      this.pipelineTopic.addSubscription(email);
    }

    this.watchApplicationErrors(kmsKey);
  }

  /** One page with the health of the API and of its deliveries. */
  public addDashboard(props: DashboardProps): cloudwatch.Dashboard {
    const { lambdaFunction, apiGateway, pipelineName } = props;
    const period = cdk.Duration.minutes(5);

    const dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `${this.config.prefix}-dashboard`,
    });

    dashboard.addWidgets(
      new cloudwatch.GraphWidget({
        title: 'Function: invocations and errors',
        width: 12,
        left: [
          lambdaFunction.metricInvocations({ period }),
          lambdaFunction.metricErrors({ period }),
          lambdaFunction.metricThrottles({ period }),
        ],
      }),
      new cloudwatch.GraphWidget({
        title: 'Function: duration',
        width: 12,
        left: [
          lambdaFunction.metricDuration({ period, statistic: 'p50' }),
          lambdaFunction.metricDuration({ period, statistic: 'p99' }),
        ],
      })
    );

    dashboard.addWidgets(
      new cloudwatch.SingleValueWidget({
        title: 'Function: concurrent executions',
        width: 24,
        metrics: [
          lambdaFunction.metric('ConcurrentExecutions', {
            period,
            statistic: 'Maximum',
          }),
        ],
      })
    );

    dashboard.addWidgets(
      new cloudwatch.GraphWidget({
        title: 'API: requests and errors',
        width: 12,
        left: [
          apiGateway.metricCount({ period }),
          apiGateway.metricClientError({ period }),
          apiGateway.metricServerError({ period }),
        ],
      }),
      new cloudwatch.GraphWidget({
        title: 'API: latency',
        width: 12,
        left: [apiGateway.metricLatency({ period, statistic: 'p99' })],
      })
    );

    dashboard.addWidgets(
      new cloudwatch.GraphWidget({
        title: 'Pipeline: executions',
        width: 24,
        left: [
          new cloudwatch.Metric({
            namespace: 'AWS/CodePipeline',
            metricName: 'PipelineExecutionSuccess',
            dimensionsMap: { PipelineName: pipelineName },
            statistic: 'Sum',
            period,
          }),
          new cloudwatch.Metric({
            namespace: 'AWS/CodePipeline',
            metricName: 'PipelineExecutionFailure',
            dimensionsMap: { PipelineName: pipelineName },
            statistic: 'Sum',
            period,
          }),
        ],
      })
    );

    return dashboard;
  }

  /** Counts the error lines of the application and raises an alarm. */
  private watchApplicationErrors(kmsKey: kms.IKey): void {
    const { prefix } = this.config;

    const errorFilter = new logs.MetricFilter(this, 'ApplicationErrorFilter', {
      logGroup: new logs.LogGroup(this, 'ApplicationLogGroup', {
        logGroupName: `/aws/application/${prefix}`,
        retention: logs.RetentionDays.ONE_MONTH,
        encryptionKey: kmsKey,
        removalPolicy: cdk.RemovalPolicy.DESTROY,
      }),
      metricNamespace: `${prefix}/Application`,
      metricName: 'ApplicationErrors',
      filterPattern: logs.FilterPattern.literal('[ERROR]'),
      metricValue: '1',
    });

    new cloudwatch.Alarm(this, 'ApplicationErrorAlarm', {
      alarmName: `${prefix}-application-errors`,
      alarmDescription: 'The application logs too many errors',
      metric: errorFilter.metric({ period: cdk.Duration.minutes(5) }),
      threshold: 5,
      evaluationPeriods: 1,
      comparisonOperator:
        cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new cloudwatchActions.SnsAction(this.alarmTopic));
  }
}
