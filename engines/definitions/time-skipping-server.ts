import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { installEngines } from '../install/install-engines.ts';
import { findJdk, noJdkMessage } from '../install/java.ts';
import { MINIMUM_JAVA } from '../install/versions.ts';
import type { Report } from '../report.ts';

/**
 * Installs Temporal's time-skipping test server if it is missing.
 * @returns the path of an executable for `createTimeSkipping({ server: { executable: { type: 'existing-path', path } } })`
 * @throws MissingToolsError or InstallError when it cannot be installed
 */
export async function timeSkippingServerPath(report: Report = console.log): Promise<string> {
  const { temporalTestServer: folder } = await installEngines(['temporalTestServer'], { report });
  const jdk = await findJdk(MINIMUM_JAVA.temporalTestServer);
  if (!jdk) throw new StackError(noJdkMessage("Temporal's test server", MINIMUM_JAVA.temporalTestServer));
  const path = join(folder, 'run.sh');
  // Rename, because another test run may start the script at this moment.
  const staging = `${path}.${process.pid}`;
  await writeFile(staging, script(join(jdk.home, 'bin', 'java'), join(folder, 'lib')));
  await chmod(staging, 0o755);
  await rename(staging, path);
  return path;
}

// The SDK passes `<port> --enable-time-skipping`. With the second argument this server times out every activity and workflow
// immediately. Without it the server skips time too, so the script passes the port only.
const script = (java: string, lib: string) => `#!/bin/sh
exec "${java}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "${lib}/*" io.temporal.testserver.TestServer "$1"
`;
