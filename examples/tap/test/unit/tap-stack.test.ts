import * as cdk from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { TapStack } from '../../lib/tap-stack';

function synthesize(environmentSuffix: string): Template {
  const app = new cdk.App();
  return Template.fromStack(
    new TapStack(app, 'TestTapStack', { environmentSuffix })
  );
}

describe('TapStack', () => {
  test.each([
    ['dev', 2],
    ['prod', 100],
  ])('reserves concurrency in %s', (environmentSuffix, reserved) => {
    synthesize(environmentSuffix).hasResourceProperties(
      'AWS::Lambda::Function',
      { ReservedConcurrentExecutions: reserved }
    );
  });

  test('releases through four stages', () => {
    synthesize('dev').hasResourceProperties('AWS::CodePipeline::Pipeline', {
      Stages: ['Source', 'Build', 'Test', 'Deploy'].map(name =>
        Match.objectLike({ Name: name })
      ),
    });
  });
});
