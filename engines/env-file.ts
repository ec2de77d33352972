import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** @returns `NAME=value` lines that both dotenv and `sh` can read */
export function formatDotenv(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}=${/^[\w./:@%+,-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`}\n`,
    )
    .join('');
}

/** Writes the addresses for other programs. The file contains the API token, so only its owner may read it. */
export async function writeEnvFile(file: string, values: Readonly<Record<string, string>>): Promise<void> {
  await writePrivateFile(file, formatDotenv(values));
}

/** @returns the token for privileged API calls, read from this file; the first call creates a random one */
export async function readOrCreateApiToken(file: string): Promise<string> {
  const saved = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (saved) return saved;
  const token = randomBytes(24).toString('base64url');
  await writePrivateFile(file, `${token}\n`);
  return token;
}

async function writePrivateFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const staging = `${file}.${process.pid}`;
  await writeFile(staging, text, { mode: 0o600 });
  // writeFile applies the mode only when it creates the file.
  await chmod(staging, 0o600);
  await rename(staging, file);
}
