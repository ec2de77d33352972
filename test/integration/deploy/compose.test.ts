import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../config/config.ts';
import { VERSIONS } from '../../../engines/install/versions.ts';
import { projectFolder } from '../../../engines/paths.ts';
import { MALLOC_ARENA_MAX, WORKER_NODE_OPTIONS } from '../../../engines/programs.ts';
import { installCompose, type ComposeCommand } from './install-compose.ts';

/** Services that run once and exit. Every other service runs as long as the system does. */
const JOBS = ['topics', 'bucket', 'lakehouse'];
const PROGRAMS = ['ml-service', 'producer', 'worker', 'api'];
const ENGINES = ['redis', 'redpanda', 'minio', 'trino', 'temporal'];

const composeFile = join(projectFolder, 'docker-compose.yml');
let compose: ComposeCommand;
/** Each service as `docker compose config` prints it, without indentation. */
let services: Map<string, string>;

const run = ([command, ...prefix]: ComposeCommand, file: string, ...args: string[]) =>
  // variables of this shell must not change the test
  execa(command, [...prefix, '-f', file, ...args], {
    env: { PATH: process.env.PATH, HOME: tmpdir() },
    extendEnv: false,
    reject: false,
  });

/** Splits the output of `config`: both versions of Compose print one block per service, indented by two spaces. */
function splitServices(config: string): Map<string, string> {
  const section = config.split(/^(?=\S)/m).find((part) => part.startsWith('services:\n')) ?? '';
  const [, ...blocks] = section.split(/^ {2}(?=\S)/m);
  return new Map(
    blocks.map((block) => [block.slice(0, block.indexOf(':')), block.replaceAll(/^ {4}/gm, '')]),
  );
}

const service = (name: string): string => services.get(name) ?? `no service ${name}`;

/** @returns the items of a list in a service, such as its command */
function list(name: string, key: string): string[] {
  const items = new RegExp(`^${key}:\\n((?: *- .*\\n?)+)`, 'm').exec(service(name))?.[1] ?? '';
  return items
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/^ *- /, '').replace(/^(['"])(.*)\1$/, '$2'));
}

/** The services that a service names below `depends_on`. */
const dependencies = (name: string): string[] => {
  const [block = ''] = /^depends_on:\n(?: .*\n)*/m.exec(service(name)) ?? [];
  return [...block.matchAll(/^ {2}([\w-]+):$/gm)].map(([, other = '']) => other);
};

const waitsFor = (name: string, other: string): boolean =>
  dependencies(name).some((one) => one === other || waitsFor(one, other));

const image = (name: string): string => /^image: (.+)$/m.exec(service(name))?.[1] ?? '';

beforeAll(async () => {
  compose = await installCompose({ report: console.log });
  const { stdout } = await run(compose, composeFile, 'config');
  services = splitServices(`${stdout}\n`);
}, 300_000);

describe('docker-compose.yml', () => {
  it('is valid for Compose', async () => {
    const { exitCode, stderr } = await run(compose, composeFile, 'config', '-q');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('defines every engine, program and job of the system', () => {
    expect([...services.keys()].sort()).toEqual([...ENGINES, ...PROGRAMS, ...JOBS].sort());
  });

  it('runs Redis with the settings and the port of docs/contract.md', () => {
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

  it.each([...ENGINES, ...PROGRAMS])('checks the health of %s, restarts it and limits its memory', (name) => {
    expect(service(name)).toMatch(/^healthcheck:\n(?: .*\n)*? +test:\n *- CMD/m);
    expect(service(name)).toMatch(/^restart: unless-stopped$/m);
    expect(service(name)).toMatch(/^mem_limit: /m);
  });

  it.each(JOBS)('runs the job %s only once', (name) => {
    expect(service(name)).toMatch(/^restart: ['"]?no['"]?$/m);
  });

  it('starts the worker when its dependencies are ready', () => {
    for (const name of ['redis', 'temporal', 'ml-service'])
      expect(service('worker')).toMatch(new RegExp(`${name}:\\n +condition: service_healthy`));
    for (const name of ['topics', 'lakehouse'])
      expect(service('worker')).toMatch(new RegExp(`${name}:\\n +condition: service_completed_successfully`));
  });

  it('limits the memory of a worker like the local stack, and docs/deployment.md says the same', async () => {
    const command = ['node', ...WORKER_NODE_OPTIONS, 'dist/workers/main.js'];
    expect(list('worker', 'command')).toEqual(command);
    const read = (file: string) => readFile(join(projectFolder, file), 'utf8');
    expect((await read('docs/deployment.md')).split(command.join(' '))).toHaveLength(3);
    expect(await read('Dockerfile')).toContain(`MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX}`);
  });

  it('pins the version of every image', () => {
    for (const name of services.keys()) expect(image(name)).toMatch(/^[a-z0-9/-]+:(?!latest$)[\w.-]+$/);
    expect(image('trino')).toBe(`trinodb/trino:${VERSIONS.trino}`);
    expect(image('temporal')).toBe(`temporalio/temporal:${VERSIONS.temporal}`);
  });

  it.each(['worker', 'api'])('passes every setting of the configuration to %s', (name) => {
    // Trino in Compose needs no password, so it accepts every user.
    // In a container the API listens on all addresses: Compose publishes its port on BIND_ADDRESS.
    const notPassed = ['TRINO_USER', 'TRINO_PASSWORD', 'API_HOST'];
    const missing = Object.keys(environmentSchema.shape).filter(
      (variable) => !notPassed.includes(variable) && !new RegExp(`^ +${variable}:`, 'm').test(service(name)),
    );
    expect(missing).toEqual([]);
  });

  it('builds the image once, before the services that use it', () => {
    const built = [...services.keys()].filter((name) => /^build:/m.test(service(name)));
    expect(built).toEqual(['ml-service']);
    for (const name of [...PROGRAMS, 'lakehouse']) {
      expect(image(name)).toBe(image('ml-service'));
      expect(service(name)).toMatch(/^pull_policy: never$/m);
      expect(name === 'ml-service' || waitsFor(name, 'ml-service')).toBe(true);
    }
  });

  it('reads credentials from the environment', async () => {
    const text = await readFile(composeFile, 'utf8');
    const secrets = text.match(/^ *\w*(?:PASSWORD|TOKEN|SECRET)\w*: .*$/gm) ?? [];
    expect(secrets.length).toBeGreaterThan(0);
    for (const line of secrets) expect(line).toMatch(/: \$\{\w+:-[\w-]*\}$/);
  });
});
