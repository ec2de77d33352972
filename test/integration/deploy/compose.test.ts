import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../config/config.ts';
import { installCompose, type ComposeCommand } from '../../../engines/install/compose.ts';
import { VERSIONS } from '../../../engines/install/versions.ts';
import { TOPICS } from '../../../engines/definitions/kafka.ts';
import { projectFolder } from '../../../engines/paths.ts';
import { MALLOC_ARENA_MAX, WORKER_NODE_OPTIONS } from '../../../engines/programs.ts';

/** Jobs that run once and end; every other service runs for as long as the system does. */
const JOBS = ['topics', 'bucket', 'lakehouse'];
const PROGRAMS = ['ml-service', 'producer', 'worker', 'api'];
const ENGINES = ['redis', 'redpanda', 'minio', 'trino', 'temporal'];

const composeFile = join(projectFolder, 'docker-compose.yml');
let compose: ComposeCommand;
/** Each service as Compose understood it: its lines, unindented. */
let services: Map<string, string>;

const run = ([command, ...prefix]: ComposeCommand, file: string, ...args: string[]) =>
  // A variable of this shell must not decide what is tested.
  execa(command, [...prefix, '-f', file, ...args], {
    env: { PATH: process.env.PATH, HOME: tmpdir() },
    extendEnv: false,
    reject: false,
  });

/** Splits what `config` prints: both Composes write one block a service, indented by two. */
function splitServices(config: string): Map<string, string> {
  const section = config.split(/^(?=\S)/m).find((part) => part.startsWith('services:\n')) ?? '';
  const [, ...blocks] = section.split(/^ {2}(?=\S)/m);
  return new Map(
    blocks.map((block) => [block.slice(0, block.indexOf(':')), block.replaceAll(/^ {4}/gm, '')]),
  );
}

const service = (name: string): string => services.get(name) ?? `no service ${name}`;

/** @returns the items of a list of a service, such as its command */
function list(name: string, key: string): string[] {
  const items = new RegExp(`^${key}:\\n((?: *- .*\\n?)+)`, 'm').exec(service(name))?.[1] ?? '';
  return items
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^ *- /, '').replace(/^(['"])(.*)\1$/, '$2'));
}

const image = (name: string): string => /^image: (.+)$/m.exec(service(name))?.[1] ?? '';

beforeAll(async () => {
  compose = await installCompose({ report: console.log });
  const { stdout } = await run(compose, composeFile, 'config');
  services = splitServices(`${stdout}\n`);
}, 300_000);

describe('docker-compose.yml', () => {
  it('is accepted by Compose', async () => {
    const { exitCode, stderr } = await run(compose, composeFile, 'config', '-q');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('has every engine, program and job of the system', () => {
    expect([...services.keys()].sort()).toEqual([...ENGINES, ...PROGRAMS, ...JOBS].sort());
  });

  it('runs Redis with the settings of the cache contract, on its contracted port', () => {
    const command = list('redis', 'command');
    const settings = new Map<string | undefined, string | undefined>();
    command.forEach((word, index) => word.startsWith('--') && settings.set(word, command[index + 1]));
    expect(Object.fromEntries(settings)).toMatchObject({
      '--appendonly': 'yes',
      '--appendfsync': 'everysec',
      '--maxmemory': '512mb',
      '--maxmemory-policy': 'allkeys-lru',
    });
    expect(image('redis')).toBe('redis:7-alpine');
    expect(service('redis')).toMatch(/16379:6379|published: "?16379/);
    expect(service('redis')).toMatch(/- redis-cli\n *- ping/);
  });

  it.each([...ENGINES, ...PROGRAMS])('watches over %s', (name) => {
    expect(service(name)).toMatch(/^healthcheck:\n(?: .*\n)*? +test:\n *- CMD/m);
    expect(service(name)).toMatch(/^restart: unless-stopped$/m);
    expect(service(name)).toMatch(/^mem_limit: /m);
  });

  it.each(JOBS)('runs %s once', (name) => {
    expect(service(name)).toMatch(/^restart: ['"]?no['"]?$/m);
  });

  it('starts the worker when what it needs is ready', () => {
    for (const name of ['redis', 'temporal', 'ml-service'])
      expect(service('worker')).toMatch(new RegExp(`${name}:\\n +condition: service_healthy`));
    for (const name of ['topics', 'lakehouse'])
      expect(service('worker')).toMatch(new RegExp(`${name}:\\n +condition: service_completed_successfully`));
  });

  it('gives a worker the memory that the local stack gives it, as the documents say', async () => {
    const command = ['node', ...WORKER_NODE_OPTIONS, 'dist/workers/main.js'];
    expect(list('worker', 'command')).toEqual(command);
    const read = (file: string) => readFile(join(projectFolder, file), 'utf8');
    expect((await read('docs/deployment.md')).split(command.join(' '))).toHaveLength(3);
    expect(await read('Dockerfile')).toContain(`MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX}`);
  });

  it('pins every image', () => {
    for (const name of services.keys()) expect(image(name)).toMatch(/^[a-z0-9/-]+:(?!latest$)[\w.-]+$/);
    expect(image('trino')).toBe(`trinodb/trino:${VERSIONS.trino}`);
    expect(image('temporal')).toBe(`temporalio/temporal:${VERSIONS.temporal}`);
  });

  it.each(['worker', 'api'])('hands %s every setting of the environment', (name) => {
    // The Trino of compose asks for no password, so it takes any user.
    const fixed = ['TRINO_USER', 'TRINO_PASSWORD'];
    const missing = Object.keys(environmentSchema.shape).filter(
      (variable) => !fixed.includes(variable) && !new RegExp(`^ +${variable}:`, 'm').test(service(name)),
    );
    expect(missing).toEqual([]);
  });

  it('takes credentials from the environment', async () => {
    const text = await readFile(composeFile, 'utf8');
    const secrets = text.match(/^ *\w*(?:PASSWORD|TOKEN|SECRET)\w*: .*$/gm) ?? [];
    expect(secrets.length).toBeGreaterThan(0);
    for (const line of secrets) expect(line).toMatch(/: \$\{\w+:-[\w-]*\}$/);
  });

  it('makes the topics that the local stack makes', async () => {
    const script = await readFile(join(projectFolder, 'deploy', 'create-topics.sh'), 'utf8');
    const topics = [...script.matchAll(/^([\w.]+):(\d+)$/gm)].map(([, name, count]) => [name, Number(count)]);
    expect(Object.fromEntries(topics)).toEqual(TOPICS);
  });
});

describe('the check itself', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'compose-'));
    await cp(composeFile, join(folder, 'docker-compose.yml'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['an unknown key', 'healthcheck:', 'healthchek:'],
    ['a service that is not there', 'topics:\n        condition', 'topix:\n        condition'],
    ['text that is not YAML', 'services:', 'services: ['],
  ])('refuses %s', async (_what, good, bad) => {
    const text = await readFile(composeFile, 'utf8');
    expect(text).toContain(good);
    const broken = join(folder, 'broken.yml');
    await writeFile(broken, text.replace(good, bad));
    const { exitCode, stderr } = await run(compose, broken, 'config', '-q');
    expect(exitCode).not.toBe(0);
    expect(stderr).not.toBe('');
  });
});
