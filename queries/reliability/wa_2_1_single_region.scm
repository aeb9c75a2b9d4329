; 2.1: where the app builds a stack. Whether it serves anybody, and in how many regions, is told by the app.
((new_expression) @stack
  (#construct? @stack "Stack"))

; Inside the region: a database with one server.
((new_expression) @database
  (#construct? @database "aws_rds.DatabaseInstance" "aws_rds.DatabaseInstanceFromSnapshot")
  (#lacks-prop? @database "multiAz"))

((new_expression) @database
  (#construct? @database "aws_rds.DatabaseInstance" "aws_rds.DatabaseInstanceFromSnapshot")
  (#prop-is? @database "multiAz" "false"))

((new_expression) @cluster
  (#construct? @cluster "aws_rds.DatabaseCluster" "aws_docdb.DatabaseCluster")
  (#prop-is? @cluster "instances" "1"))

; DocumentDB builds one instance where nothing is said.
((new_expression) @cluster
  (#construct? @cluster "aws_docdb.DatabaseCluster")
  (#lacks-prop? @cluster "instances"))

; A cluster with a writer that nothing stands in for.
((new_expression) @writer
  (#construct? @writer "aws_rds.DatabaseCluster")
  (#has-prop? @writer "writer")
  (#lacks-prop? @writer "readers" "instances"))

((new_expression) @writer
  (#construct? @writer "aws_rds.DatabaseCluster")
  (#has-prop? @writer "writer")
  (#prop-is? @writer "readers" "[]"))

; A network in one zone.
((new_expression) @network
  (#construct? @network "aws_ec2.Vpc")
  (#prop-is? @network "maxAzs" "1"))

((new_expression) @network
  (#construct? @network "aws_ec2.Vpc")
  (#has-prop? @network "availabilityZones"))

; Files in one zone.
((new_expression) @files
  (#construct? @files "aws_efs.FileSystem")
  (#prop-is? @files "oneZone" "true"))

((new_expression) @files
  (#construct? @files "aws_efs.CfnFileSystem")
  (#has-prop? @files "availabilityZoneName"))

; One task behind a load balancer; by how many it is scaled is for the rule to say.
((new_expression) @service
  (#construct? @service
    "aws_ecs_patterns.ApplicationLoadBalancedServiceBase" "aws_ecs_patterns.NetworkLoadBalancedServiceBase"
    "aws_ecs_patterns.ApplicationMultipleTargetGroupsServiceBase" "aws_ecs_patterns.NetworkMultipleTargetGroupsServiceBase"
    "aws_ecs.FargateService" "aws_ecs.Ec2Service"))

; One instance behind a load balancer.
((new_expression) @group
  (#construct? @group "aws_autoscaling.AutoScalingGroup")
  (#prop-is? @group "minCapacity" "1"))

; A cache that nothing takes over for, or nothing in another zone.
((new_expression) @cache
  (#construct? @cache "aws_elasticache.CfnReplicationGroup")
  (#lacks-prop? @cache "automaticFailoverEnabled"))

((new_expression) @cache
  (#construct? @cache "aws_elasticache.CfnReplicationGroup")
  (#prop-is? @cache "automaticFailoverEnabled" "false"))

((new_expression) @cache
  (#construct? @cache "aws_elasticache.CfnReplicationGroup")
  (#prop-is? @cache "automaticFailoverEnabled" "true")
  (#lacks-prop? @cache "multiAzEnabled"))

((new_expression) @cache
  (#construct? @cache "aws_elasticache.CfnReplicationGroup")
  (#prop-is? @cache "automaticFailoverEnabled" "true")
  (#prop-is? @cache "multiAzEnabled" "false"))

; A search domain whose nodes stand in one zone.
((new_expression) @search
  (#construct? @search "aws_opensearchservice.Domain")
  (#lacks-prop? @search "zoneAwareness"))
