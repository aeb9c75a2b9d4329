import * as cdk from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as route53 from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';

/** The name under which an API answers, whichever region is up. */
export interface RegionalFailoverConfig {
  readonly hostedZoneId: string;
  readonly zoneName: string;
  readonly recordName: string;
  /** Path that answers 200 while the region is well. */
  readonly healthPath: string;
}

export interface RegionalFailoverProps extends RegionalFailoverConfig {
  readonly api: apigateway.RestApi;
  readonly role: 'PRIMARY' | 'SECONDARY';
}

/**
 * One region's half of a failover pair: Route 53 answers with the secondary
 * region while the health check of the primary one fails.
 */
export class RegionalFailover extends Construct {
  constructor(scope: Construct, id: string, props: RegionalFailoverProps) {
    super(scope, id);

    const { api, hostedZoneId, zoneName, recordName, healthPath, role } = props;
    const { region, urlSuffix } = cdk.Stack.of(this);

    const zone = route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
      hostedZoneId,
      zoneName,
    });
    const domain = new apigateway.DomainName(this, 'Domain', {
      domainName: recordName,
      endpointType: apigateway.EndpointType.REGIONAL,
      securityPolicy: apigateway.SecurityPolicy.TLS_1_2,
      certificate: new acm.Certificate(this, 'Certificate', {
        domainName: recordName,
        validation: acm.CertificateValidation.fromDns(zone),
      }),
    });
    domain.addBasePathMapping(api, { stage: api.deploymentStage });

    // The region's own address: the shared name would watch the other region
    const health = new route53.CfnHealthCheck(this, 'Health', {
      healthCheckConfig: {
        type: 'HTTPS',
        port: 443,
        enableSni: true,
        fullyQualifiedDomainName: `${api.restApiId}.execute-api.${region}.${urlSuffix}`,
        resourcePath: `/${api.deploymentStage.stageName}${healthPath}`,
        requestInterval: 30,
        failureThreshold: 3,
      },
    });
    new route53.CfnRecordSet(this, 'Record', {
      hostedZoneId,
      name: `${recordName}.`,
      type: 'A',
      setIdentifier: `${role.toLowerCase()}-${region}`,
      failover: role,
      healthCheckId: health.attrHealthCheckId,
      aliasTarget: {
        dnsName: domain.domainNameAliasDomainName,
        hostedZoneId: domain.domainNameAliasHostedZoneId,
        evaluateTargetHealth: true,
      },
    });
  }
}
