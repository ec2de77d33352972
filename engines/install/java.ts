import { readdir, readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { findOnPath, isExecutable } from './run-tool.ts';

interface Jdk {
  /** Value for JAVA_HOME. */
  readonly home: string;
  readonly major: number;
}

/** @returns the major version: 17 for "17.0.15", 8 for "1.8.0_402", 24 for "24-ea"; undefined for other text */
export function parseJavaMajor(version: string): number | undefined {
  const match = /^"?(?:1\.)?(\d+)/.exec(version.trim());
  return match ? Number(match[1]) : undefined;
}

/** @param release content of a JDK's `release` file */
export function majorOfReleaseFile(release: string): number | undefined {
  const version = /^JAVA_VERSION=(.+)$/m.exec(release)?.[1];
  return version === undefined ? undefined : parseJavaMajor(version);
}

/**
 * Chooses the JDK for an engine: a preferred one (JAVA_HOME, PATH) if it is new enough, otherwise the oldest one that is, because an
 * engine is tested on the Java versions of its time rather than on the newest.
 */
export function chooseJdk(
  preferred: readonly Jdk[],
  others: readonly Jdk[],
  minimum: number,
): Jdk | undefined {
  const isNewEnough = (jdk: Jdk) => jdk.major >= minimum;
  return preferred.find(isNewEnough) ?? [...others].sort((a, b) => a.major - b.major).find(isNewEnough);
}

/** @returns a JDK with at least this major version, from JAVA_HOME, PATH or a usual folder */
export async function findJdk(
  minimum: number,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Jdk | undefined> {
  const onPath = await findOnPath('java', environment.PATH);
  const preferred = await readJdks([
    ...(environment.JAVA_HOME ? [environment.JAVA_HOME] : []),
    ...(onPath ? [dirname(dirname(await realpath(onPath)))] : []),
  ]);
  return chooseJdk(preferred, await readJdks(await findUsualHomes()), minimum);
}

/** @returns one sentence: no such JDK was found, and how to solve it */
export const noJdkMessage = (engine: string, minimum: number): string =>
  `${engine} needs Java ${minimum} or newer, and none was found (JAVA_HOME, PATH, /usr/lib/jvm, SDKMAN, /Library/Java): ` +
  `install a JDK ${minimum}+ and set JAVA_HOME, or put its \`java\` on PATH.`;

async function findUsualHomes(): Promise<string[]> {
  const home = homedir();
  const folders: [parent: string, below: string][] = [
    ['/usr/lib/jvm', ''],
    ['/opt/java', ''],
    [join(home, '.sdkman/candidates/java'), ''],
    [join(home, '.jdks'), ''],
    ['/Library/Java/JavaVirtualMachines', 'Contents/Home'],
    [join(home, 'Library/Java/JavaVirtualMachines'), 'Contents/Home'],
    ['/opt/homebrew/opt', 'libexec/openjdk.jdk/Contents/Home'],
    ['/usr/local/opt', 'libexec/openjdk.jdk/Contents/Home'],
  ];
  const lists = await Promise.all(
    folders.map(async ([parent, below]) => {
      const entries = await readdir(parent).catch(() => []);
      return entries.map((entry) => join(parent, entry, below));
    }),
  );
  return lists.flat();
}

async function readJdks(homes: readonly string[]): Promise<Jdk[]> {
  const found = await Promise.all(
    homes.map(async (home) => {
      const release = await readFile(join(home, 'release'), 'utf8').catch(() => undefined);
      const major = release === undefined ? undefined : majorOfReleaseFile(release);
      return major !== undefined && (await isExecutable(join(home, 'bin', 'java')))
        ? { home, major }
        : undefined;
    }),
  );
  return found.filter((jdk) => jdk !== undefined);
}
