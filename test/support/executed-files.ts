import { Session } from 'node:inspector/promises';
import { projectFolder } from '../../engines/paths.ts';

/** The test runner turns every export into a getter, which runs when another file reads the export. */
const EXPORT_GETTER = /^(get\(\)|\(\) =>) ?\{ ?(try ?\{ ?)?return \w+/;

/** The files of the project whose functions ran during `work`, as relative paths, without tests. */
export async function executedFiles(work: () => Promise<unknown>): Promise<Set<string>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    // Resets the counts of what ran before.
    await session.post('Profiler.takePreciseCoverage');
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    await session.post('Debugger.enable');
    const files = new Set<string>();
    for (const { url, scriptId, functions } of result) {
      const path = url.replace(/^file:\/\//, '').replace(/\?.*$/, '');
      const file = path.slice(projectFolder.length + 1);
      if (!path.startsWith(`${projectFolder}/`) || /^(node_modules|test)\//.test(file)) continue;
      const { scriptSource } = await session.post('Debugger.getScriptSource', { scriptId });
      const ran = functions
        .flatMap(({ ranges: [range] }) => (range && range.count > 0 ? [range] : []))
        .map(({ startOffset, endOffset }) => scriptSource.slice(startOffset, endOffset));
      if (ran.some((code) => !EXPORT_GETTER.test(code))) files.add(file);
    }
    return files;
  } finally {
    session.disconnect();
  }
}
