import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { readEtlLoads } from '../../../clients/temporal/signal-etl-load.ts';
import { WARM_TASK_QUEUE } from '../../../contract/task-queues.ts';
import { cacheMetadata } from '../../../domain/entities/part-metadata.ts';
import { partsOfTables } from '../../../domain/warming/warm-parts.ts';
import { TOKEN } from '../../support/etl-loads.ts';
import { useEtlLoadsApi } from '../../support/etl-loads-api.ts';
import { pythonEnvironment } from '../../support/python-environment.ts';
import { writePythonPrograms } from '../../support/python-programs.ts';
import { withWorker } from '../../support/worker.ts';

/** A scheduler, and what runs its program in docs/etl.md. */
interface Scheduler {
  /** Title in docs/etl.md. */
  readonly title: string;
  readonly requirements: readonly string[];
  /** Other files that the program needs: file → content. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: (folder: string) => Readonly<Record<string, string>>;
  /** Arguments of `python`, one command after the other. */
  readonly commands: readonly (readonly string[])[];
  /** The pipeline that the program names. */
  readonly pipeline: string;
}

const schedulers: readonly Scheduler[] = [
  {
    title: 'Airflow',
    requirements: ['apache-airflow==3.3.2'],
    files: {
      'nightly.py': `from airflow.sdk import dag
from airflow_program import refresh_cache


@dag
def nightly():
    refresh_cache()


nightly()
`,
    },
    env: (folder) => ({
      AIRFLOW_HOME: join(folder, 'airflow'),
      AIRFLOW__CORE__DAGS_FOLDER: folder,
      AIRFLOW__CORE__LOAD_EXAMPLES: 'false',
      SCARF_ANALYTICS: 'false',
    }),
    commands: [
      ['-m', 'airflow', 'db', 'migrate'],
      ['-m', 'airflow', 'dags', 'test', 'nightly'],
    ],
    pipeline: 'nightly',
  },
  {
    title: 'Dagster',
    requirements: ['dagster==1.13.29'],
    files: {
      'run.py': `from dagster import materialize
from dagster_program import kol_cache_content

assert materialize([kol_cache_content]).success
`,
    },
    env: (folder) => ({ DAGSTER_HOME: folder, DAGSTER_DISABLE_TELEMETRY: '1' }),
    commands: [['run.py']],
    pipeline: 'kol_content',
  },
  {
    title: 'Prefect',
    requirements: ['prefect==3.9.1'],
    files: {
      'run.py': `from prefect import flow
from prefect_program import refresh_cache


@flow
def nightly():
    refresh_cache()


nightly()
`,
    },
    env: (folder) => ({
      PREFECT_HOME: join(folder, 'prefect'),
      PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
      PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: '300',
    }),
    commands: [['run.py']],
    pipeline: 'nightly',
  },
  {
    title: 'dbt',
    // Version 1.12 has a dependency that downloads a program from elsewhere when it is installed.
    requirements: ['dbt-core==1.11.16', 'dbt-duckdb==1.10.1'],
    files: {
      'dbt_project.yml': 'name: silver\nversion: "1.0.0"\nprofile: silver\n',
      'profiles.yml': 'silver:\n  target: test\n  outputs:\n    test: {type: duckdb, path: silver.duckdb}\n',
      'models/kol_content.sql': "SELECT '1' AS content_id\n",
      'models/other.sql': "SELECT '1' AS id\n",
    },
    env: () => ({ DO_NOT_TRACK: '1' }),
    commands: [['dbt_program.py']],
    pipeline: 'dbt',
  },
  {
    title: 'Spark',
    requirements: ['pyspark==4.3.0'],
    files: {
      'run.py': `from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").getOrCreate()
for database in ("bronze", "silver"):
    spark.sql(f"CREATE DATABASE {database}")
spark.sql("CREATE TABLE bronze.kol_content AS SELECT '1' AS content_id")
import spark_program

assert spark.table("silver.kol_content").count() == 1
`,
    },
    env: () => ({ SPARK_LOCAL_IP: '127.0.0.1' }),
    commands: [['run.py']],
    pipeline: 'silver-content',
  },
];

/** An installation takes up to two minutes, a first start of a scheduler half a minute. */
const LONG = 15 * 60_000;

describe.runIf(inject('runsRareCases'))('the program in docs/etl.md for', () => {
  const { dependencies, redisUrl, url } = useEtlLoadsApi();
  let redis: Redis;
  beforeEach(async () => {
    redis = new Redis(redisUrl, { protocol: 2 });
    await redis.flushdb();
    return () => redis.disconnect();
  });

  test.for(schedulers)(
    '$title reports its load once, and ends when the cache is warm',
    { timeout: LONG },
    async ({ title, requirements, files = {}, env, commands, pipeline }, { skip, onTestFinished }) => {
      const environment = await pythonEnvironment(...requirements);
      if ('missing' in environment) return skip(environment.missing);
      const folder = await writePythonPrograms([title]);
      onTestFinished(() => rm(folder, { recursive: true }));
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), content);
      }
      await withWorker(WARM_TASK_QUEUE, dependencies().activities.warm, async () => {
        for (const args of commands) {
          const ended = await execa(join(environment.programs, 'python'), args, {
            cwd: folder,
            env: { KOL_CACHE_URL: url(), API_TOKEN: TOKEN, ...env?.(folder) },
            reject: false,
            all: true,
          });
          expect(ended.exitCode, ended.all).toBe(0);
        }
        expect(await readEtlLoads(dependencies().temporal)).toMatchObject({
          taken: 1,
          repeats: 0,
          waiting: { loads: 0 },
          lastWarm: { loads: 1, requestedBy: pipeline, error: null },
        });
      });
      expect((await redis.hkeys(cacheMetadata.key)).sort()).toEqual(partsOfTables(['kol_content']).sort());
    },
  );
});
