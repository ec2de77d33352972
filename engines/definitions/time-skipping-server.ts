import { access, chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { StackError } from '../errors.ts';
import { installEngines } from '../install/install-engines.ts';
import { findJdk, noJdkMessage } from '../install/java.ts';
import { MINIMUM_JAVA } from '../install/versions.ts';
import { stackPaths, testStackFolder } from '../paths.ts';
import { someFreePorts } from '../ports.ts';
import type { Report } from '../report.ts';
import { ManagedProcess } from '../supervision/managed-process.ts';

/**
 * Installs Temporal's time-skipping test server if it is missing.
 * @returns the path of an executable for `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`
 * @throws MissingToolsError or InstallError when it cannot be installed; ProcessStartError when it does not start
 */
export async function timeSkippingServerPath(report: Report = console.log): Promise<string> {
  const { temporalTestServer: folder } = await installEngines(['temporalTestServer'], { report });
  const jdk = await findJdk(MINIMUM_JAVA.temporalTestServer);
  if (!jdk) throw new StackError(noJdkMessage("Temporal's test server", MINIMUM_JAVA.temporalTestServer));
  const java = join(jdk.home, 'bin', 'java');
  const server = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(folder, 'lib', '*'), MAIN_CLASS];
  const classes = join(folder, `classes-java-${jdk.major}.jsa`);
  if (!(await exists(classes))) await archiveClasses(java, server, classes);
  const path = join(folder, 'run.sh');
  // Rename, because another test run may start the script at this moment.
  const staging = `${path}.${process.pid}`;
  await writeFile(staging, script([java, `-XX:SharedArchiveFile=${classes}`, ...server]));
  await chmod(staging, 0o755);
  await rename(staging, path);
  return path;
}

const MAIN_CLASS = 'io.temporal.testserver.TestServer';

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Runs the server once, and keeps the classes that it has loaded. With them it starts in 0.5 s instead of 1.2 s of processor time: the SDK
 * gives up after 5 s, which is too short on a busy machine.
 */
async function archiveClasses(java: string, server: readonly string[], classes: string): Promise<void> {
  const [port = 0] = await someFreePorts(1);
  const staging = `${classes}.${process.pid}`;
  const spec = {
    ...{ name: 'temporal-test-server', title: "Temporal's test server", command: java },
    args: [`-XX:ArchiveClassesAtExit=${staging}`, ...server, String(port)],
    isReady: () => answers(`127.0.0.1:${port}`),
    ...{ startSeconds: 60, stopSeconds: 60 },
  };
  // A folder of its own, because the stack of the tests empties its folder and stops what is recorded there.
  const once = new ManagedProcess(spec, stackPaths(`${testStackFolder}-classes`));
  await once.start();
  await once.stop(); // writes the archive
  await rename(staging, classes).catch(() => {}); // some builds of Java write none, and start without
}

async function answers(address: string): Promise<true> {
  const connection = await Connection.connect({ address, connectTimeout: 2000 });
  await connection.close();
  return true;
}

// The SDK passes `<port> --enable-time-skipping`. With the second argument this server times out every activity and workflow
// immediately. Without it the server skips time too, so the script passes the port only.
const script = (command: readonly string[]) => `#!/bin/sh
exec ${command.map((part) => `"${part}"`).join(' ')} "$1"
`;
