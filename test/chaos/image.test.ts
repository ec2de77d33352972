import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { projectFolder } from '../../engines/paths.ts';
import { repositoryFiles } from '../support/repository-files.ts';

/** Builds what the Dockerfile builds, without Docker: its context, then its image. */
let folder: string;
let image: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kol-image-'));
  image = join(folder, 'image');
  const context = join(folder, 'context');
  await copyContext(context);
  await symlink(join(projectFolder, 'node_modules'), join(context, 'node_modules'));
  await execa('npm', ['run', 'build'], { cwd: context });
  await copyImage(context);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Copies the files that .dockerignore does not name. */
async function copyContext(context: string): Promise<void> {
  const lines = (await readFile('.dockerignore', 'utf8')).split('\n');
  const ignored = lines.filter((line) => line !== '' && !line.startsWith('#')).map(toPattern);
  for (const path of repositoryFiles()) {
    if (ignored.some((pattern) => pattern.test(path))) continue;
    await mkdir(dirname(join(context, path)), { recursive: true });
    await cp(path, join(context, path));
  }
}

/** A pattern of .dockerignore matches a path from the root, and everything below it. */
const toPattern = (line: string): RegExp =>
  new RegExp(`^${line.replaceAll('.', '\\.').replaceAll('**/', '(?:.+/)?').replaceAll('*', '[^/]*')}(?:/|$)`);

/** Does the COPY steps of the last stage of the Dockerfile. */
async function copyImage(context: string): Promise<void> {
  const stage = (await readFile('Dockerfile', 'utf8')).split(/^FROM /m).at(-1) ?? '';
  const steps = [...stage.matchAll(/^COPY (?:--from=build \/app\/)?(\S+) (\S+)$/gm)];
  for (const [, source = '', target = ''] of steps) {
    if (source === 'node_modules') await linkProductionPackages();
    else {
      const to = target.endsWith('/') ? join(target, basename(source)) : target;
      await cp(join(context, source), join(image, to), { recursive: true });
    }
  }
}

/** The packages that `npm prune --omit=dev` leaves. */
async function linkProductionPackages(): Promise<void> {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev = false }] of Object.entries(packages)) {
    if (dev || !/^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path)) continue;
    await mkdir(dirname(join(image, path)), { recursive: true });
    await symlink(join(projectFolder, path), join(image, path));
  }
}

/** Runs a program of the image with these variables and no others. */
const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  execa(process.execPath, args, {
    cwd: image,
    env: { PATH: process.env['PATH'], ...env },
    extendEnv: false,
    reject: false,
  });

test('the image has the workflow bundle, so that a worker need not bundle at its start', async () => {
  expect(await readFile(join(image, 'dist/workers/workflows.bundle.js'), 'utf8')).toContain('scoringLoop');
});

test.each(['dist/workers/main.js', 'dist/workers/health.js', 'dist/api/server.js'])(
  '%s of the image starts, and without configuration lists what is missing',
  async (file) => {
    const { exitCode, stderr } = await run([file]);
    expect(stderr).toMatch(/^Configuration is not usable:\n {2}- REDIS_URL is not set/);
    expect(exitCode).toBe(1);
  },
);

test.each(['warm', 'dlq', 'etl'])('the image has the command dist/cli/%s.js', async (name) => {
  const { exitCode, stdout } = await run([`dist/cli/${name}.js`, '--help']);
  expect(stdout).toContain(`Usage: npm run ${name}`);
  expect(exitCode).toBe(0);
});

test.each([
  ['ml-service', { ML_API_PORT: 'x' }],
  ['producer', { PRODUCER_RATE: 'x' }],
  ['lakehouse', { TRINO_URL: 'x' }],
])('dist/simulators/%s/main.js of the image starts, and refuses a wrong setting', async (name, env) => {
  const { exitCode, stderr } = await run([`dist/simulators/${name}/main.js`], env);
  expect(stderr).toContain(Object.keys(env)[0]);
  expect(exitCode).toBe(1);
});

test('deploy/check-http.mjs of the image runs', async () => {
  const { exitCode, stderr } = await run(['deploy/check-http.mjs', 'http://127.0.0.1:1/']);
  expect(stderr).not.toContain('MODULE_NOT_FOUND');
  expect(exitCode).toBe(1);
});
