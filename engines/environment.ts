import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** @returns `NAME=value` lines as dotenv and `sh` both read them */
export function formatDotenv(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}=${/^[\w./:@%+,-]*$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`}\n`,
    )
    .join('');
}

/** Writes the addresses for other programs to read; the file holds the token, so only its owner may. */
export async function writeEnvFile(file: string, values: Readonly<Record<string, string>>): Promise<void> {
  await writePrivately(file, formatDotenv(values));
}

/** @returns the token of privileged API calls: the one kept in that file, made at random the first time */
export async function keptApiToken(file: string): Promise<string> {
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (kept) return kept;
  const token = randomBytes(24).toString('base64url');
  await writePrivately(file, `${token}\n`);
  return token;
}

async function writePrivately(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, text, { mode: 0o600 });
  // The mode above holds only where the file is new.
  await chmod(fresh, 0o600);
  await rename(fresh, file);
}
