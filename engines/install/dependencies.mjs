/**
 * Runs `npm ci` when node_modules does not match package-lock.json; otherwise it prints nothing and takes a moment.
 * It runs before `npm start`, `npm test`, `npm run check` and the benchmarks, when no package may be installed yet. So it is plain
 * JavaScript that imports only Node's own modules, and it has its own lock instead of engines/supervision/lock-file.ts.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MINIMUM_NODE = [20, 19];
const folder = fileURLToPath(new URL('../..', import.meta.url));
const lockFile = join(folder, 'package-lock.json');
const modules = join(folder, 'node_modules');
const hashFile = join(modules, '.kol-lock-hash');
const stackFolder = join(folder, '.stack');
// Outside node_modules, because `npm ci` deletes that folder.
const lock = join(stackFolder, 'npm-ci.lock');

function nodeIsTooOld() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = MINIMUM_NODE;
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

const lockHash = () => createHash('sha256').update(readFileSync(lockFile)).digest('hex');

function isUpToDate(hash) {
  if (!existsSync(modules)) return false;
  if (existsSync(hashFile)) return readFileSync(hashFile, 'utf8') === hash;
  return wasInstalledByHand();
}

/** Checks npm's own record of the installed packages, for an `npm ci` that ran without this script. */
function wasInstalledByHand() {
  const record = join(modules, '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  const wanted = Object.entries(JSON.parse(readFileSync(lockFile, 'utf8')).packages);
  return wanted.every(
    ([path, entry]) =>
      path === '' || entry.optional || entry.devOptional || installed[path]?.version === entry.version,
  );
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** @returns whether this process acquired the lock. A lock whose holder is gone is removed for the next try. */
function acquireLock() {
  mkdirSync(stackFolder, { recursive: true });
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const pidFile = join(lock, 'pid');
  // The holder creates the folder first and the pid file next, so a lock without a pid is stale only when it is old.
  const isStale = existsSync(pidFile)
    ? !isAlive(Number(readFileSync(pidFile, 'utf8')))
    : existsSync(lock) && Date.now() - statSync(lock).mtimeMs > 10_000;
  if (isStale) rmSync(lock, { recursive: true, force: true });
  return false;
}

/** npm prints the problem first and then its whole usage text. */
const firstLines = (text) => String(text).split('\n').slice(0, 20).join('\n');

function runNpmCi() {
  return new Promise((resolve, reject) => {
    const output = [];
    const npm = spawn('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: folder,
      env: { ...process.env, KOL_INSTALLING_DEPENDENCIES: '1' },
    });
    npm.stdout.on('data', (chunk) => output.push(chunk));
    npm.stderr.on('data', (chunk) => output.push(chunk));
    npm.on('error', reject);
    npm.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`npm ci failed (exit code ${code}):\n${firstLines(Buffer.concat(output))}`)),
    );
  });
}

async function install(hash) {
  const started = Date.now();
  process.stdout.write('Installing npm packages … ');
  const dots = setInterval(
    () => process.stdout.write(`${Math.round((Date.now() - started) / 1000)} s … `),
    15_000,
  );
  try {
    await runNpmCi();
  } catch (error) {
    process.stdout.write('failed\n');
    throw error;
  } finally {
    clearInterval(dots);
  }
  writeFileSync(hashFile, hash);
  process.stdout.write(`done in ${Math.max(1, Math.round((Date.now() - started) / 1000))} s\n`);
}

async function main() {
  if (process.env.KOL_INSTALLING_DEPENDENCIES) return;
  if (nodeIsTooOld()) {
    throw new Error(
      `This is Node ${process.versions.node}: install Node ${MINIMUM_NODE.join('.')} or newer.`,
    );
  }
  const hash = lockHash();
  while (!isUpToDate(hash)) {
    if (!acquireLock()) {
      await sleep(200);
      continue;
    }
    try {
      // Another process may have finished between the check and the lock.
      if (!isUpToDate(hash)) await install(hash);
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
