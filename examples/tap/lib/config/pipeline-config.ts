/** What differs from one deployment of the application to another. */
export interface PipelineConfig {
  team: string;
  project: string;
  environmentSuffix: string;

  /** Starts the name of every resource that has a fixed name. */
  prefix: string;

  /** Object in the source bucket that starts the pipeline. */
  sourceKey: string;

  /** Days to keep build artifacts and old object versions. */
  retentionDays: number;

  logLevel: string;
}

export function getPipelineConfig(
  environmentSuffix: string,
  team: string,
  project: string
): PipelineConfig {
  return {
    team,
    project,
    environmentSuffix,
    prefix: `${team}-${project}-${environmentSuffix}`,
    sourceKey: 'source.zip',
    retentionDays: 30,
    logLevel: 'info',
  };
}
