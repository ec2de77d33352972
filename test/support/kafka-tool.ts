import { execa } from 'execa';
import { installEngines } from '../../engines/install/install-engines.ts';
import { findJdk } from '../../engines/install/java.ts';
import { MINIMUM_JAVA } from '../../engines/install/versions.ts';

/**
 * Runs one of Kafka's Java tools, for example `LogDirsCommand`. The start of the JVM takes one or two seconds.
 * @returns its standard output
 */
export async function kafkaTool(name: string, args: readonly string[], input = ''): Promise<string> {
  const { kafka } = await installEngines(['kafka'], { report: () => {} });
  const jdk = await findJdk(MINIMUM_JAVA.kafka);
  if (!jdk) throw new Error('no JDK');
  const { stdout } = await execa(
    `${jdk.home}/bin/java`,
    [
      ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dfile.encoding=UTF-8'],
      ...['-cp', `${kafka}/lib/*`, `org.apache.kafka.tools.${name}`, ...args],
    ],
    { input, maxBuffer: 1024 * 1024 * 1024 },
  );
  return stdout;
}
