import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installOnce } from '../../../engines/install/install-once.ts';
import { chooseJdk, majorOfReleaseFile, parseJavaMajor } from '../../../engines/install/java.ts';
import { inSeconds } from '../../../engines/install/progress.ts';
import { parseRedisMajor } from '../../../engines/install/redis.ts';
import { VERSIONS } from '../../../engines/install/versions.ts';
import { installFolder } from '../../../engines/paths.ts';

describe('finding a Java', () => {
  it.each([
    ['17.0.15', 17],
    ['"25.0.3"', 25],
    ['1.8.0_402', 8],
    ['24-ea', 24],
    ['21', 21],
    ['unknown', undefined],
  ])('reads the major version of %s', (version, major) => {
    expect(parseJavaMajor(version)).toBe(major);
  });

  it('reads the release file of a JDK', () => {
    expect(
      majorOfReleaseFile('IMPLEMENTOR="X"\nJAVA_VERSION="25.0.3"\nJAVA_VERSION_DATE="2026-04-21"\n'),
    ).toBe(25);
    expect(majorOfReleaseFile('IMPLEMENTOR="X"\n')).toBeUndefined();
  });

  it('prefers JAVA_HOME and PATH, and otherwise takes the oldest that is new enough', () => {
    const jdk = (major: number) => ({ home: `/jdk-${major}`, major });
    expect(chooseJdk([jdk(25)], [jdk(17)], 17)?.major).toBe(25);
    expect(chooseJdk([jdk(17)], [jdk(26), jdk(24), jdk(11)], 24)?.major).toBe(24);
    expect(chooseJdk([jdk(17)], [jdk(11)], 24)).toBeUndefined();
  });
});

describe('installing an engine once', () => {
  let root: string;
  const lines: string[] = [];
  const context = { report: (line: string) => void lines.push(line) };

  beforeEach(async () => {
    lines.length = 0;
    root = await mkdtemp(join(tmpdir(), 'install-once-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const fill = async (folder: string) => writeFile(join(folder, 'engine.jar'), 'jar');

  it('does the work the first time only', async () => {
    let times = 0;
    const counted = async (folder: string) => {
      times += 1;
      await fill(folder);
    };
    await installOnce('engine-1', context, counted, root);
    const folder = await installOnce('engine-1', context, counted, root);
    expect(times).toBe(1);
    expect(await readdir(folder)).toEqual(['.complete', 'engine.jar']);
  });

  it('leaves nothing that looks complete when the work fails', async () => {
    const fail = async (folder: string) => {
      await fill(folder);
      throw new Error('no network');
    };
    await expect(installOnce('engine-1', context, fail, root)).rejects.toThrow('no network');
    expect(await readdir(root)).toEqual([]);
  });

  it('replaces what a killed installation left, and takes over its lock', async () => {
    await mkdir(join(root, 'engine-1'));
    await mkdir(join(root, '.engine-1.partial-dead'));
    await mkdir(join(root, '.engine-1.lock'));
    // No process has this number: it is above what the system hands out.
    await writeFile(join(root, '.engine-1.lock', 'pid'), '99999999');
    await installOnce('engine-1', context, fill, root);
    expect(await readdir(root)).toEqual(['engine-1']);
    expect(existsSync(join(root, 'engine-1', 'engine.jar'))).toBe(true);
  });

  it('lets two that want the same engine share one installation', async () => {
    let times = 0;
    const slow = async (folder: string) => {
      times += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
      await fill(folder);
    };
    await Promise.all([
      installOnce('engine-1', context, slow, root),
      installOnce('engine-1', context, slow, root),
    ]);
    expect(times).toBe(1);
    expect(lines).toEqual(['engine-1: waiting for the installation that another process is doing …']);
  });
});

describe('the engines that are fetched', () => {
  it.each([
    ['kafka/pom.xml', `<artifactId>kafka_2.13</artifactId>\n      <version>${VERSIONS.kafka}</version>`],
    [
      'trino/pom.xml',
      `<artifactId>trino-iceberg</artifactId>\n              <version>${VERSIONS.trino}</version>`,
    ],
    ['temporal/go.mod', `github.com/temporalio/cli v${VERSIONS.temporal} `],
    [
      'temporal-test-server/pom.xml',
      `<artifactId>temporal-test-server</artifactId>\n      <version>${VERSIONS.temporalTestServer}</version>`,
    ],
  ])('%s names the version that the folder is named after', async (file, text) => {
    expect(await readFile(join(installFolder, file), 'utf8')).toContain(text);
  });

  it('reads the version that redis-server prints', () => {
    expect(parseRedisMajor('Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64')).toBe(7);
    expect(parseRedisMajor('nonsense')).toBeUndefined();
  });

  it('tells seconds as people read them', () => {
    expect([40, 9940, 9960, 72_300].map(inSeconds)).toEqual(['0.0 s', '9.9 s', '10 s', '72 s']);
  });
});
