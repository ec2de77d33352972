import cliProgress from 'cli-progress';
import type { WarmProgress } from '../contract/warm-cache.ts';

const READ_EVERY_MS = 500;
/** Interval of lines outside of a terminal. It is long, because lines stay in a log. */
const LOG_EVERY_MS = 5_000;

type ReadProgress = () => Promise<WarmProgress | null>;
type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/**
 * Shows the progress of a warm: a bar on a terminal, elsewhere a plain line every 5 seconds.
 * @param read returns null when the progress is unknown
 * @returns stops it, and clears the bar
 */
export function showProgress(out: Output, read: ReadProgress): () => void {
  return out.isTTY ? showBar(out, read) : logLines(out, read);
}

/** One line of text; only the time if the number of rows is unknown. */
export function formatProgress(progress: WarmProgress | null, seconds: number): string {
  const time = `${Math.round(seconds)} s`;
  if (progress === null || progress.total === 0) return `Warming … ${time}`;
  const { rows, total } = progress;
  const percent = Math.floor(Math.min(1, rows / total) * 100);
  return `profiles ${percent} % (${rows.toLocaleString('en')} of ${total.toLocaleString('en')} rows) ${time}`;
}

function showBar(out: Output, read: ReadProgress): () => void {
  const bar = new cliProgress.SingleBar({
    stream: out as NodeJS.WriteStream,
    format: (options, { value: rows, total, progress, startTime }) => {
      const text = formatProgress({ rows, total }, (Date.now() - startTime) / 1000);
      return total === 0 ? text : `[${cliProgress.Format.BarFormat(progress, options)}] ${text}`;
    },
    barsize: 30,
    barCompleteChar: '#',
    barIncompleteChar: '.',
    fps: 2,
    linewrap: true, // leaves the setting of the terminal alone, and cuts the line at its width
    clearOnComplete: true,
  });
  bar.start(0, 0);
  const stopPolling = poll(read, READ_EVERY_MS, (progress) => {
    bar.setTotal(progress?.total ?? 0);
    bar.update(progress?.rows ?? 0);
  });
  return () => {
    stopPolling();
    bar.stop();
  };
}

function logLines(out: Output, read: ReadProgress): () => void {
  const started = Date.now();
  return poll(read, LOG_EVERY_MS, (progress) =>
    out.write(`${formatProgress(progress, (Date.now() - started) / 1000)}\n`),
  );
}

/** Reads the progress at an interval, one read at a time. @returns stops it */
function poll(
  read: ReadProgress,
  everyMs: number,
  onProgress: (progress: WarmProgress | null) => void,
): () => void {
  let stopped = false;
  let reading = false;
  const readOnce = async () => {
    if (reading) return;
    reading = true;
    const progress = await read();
    reading = false;
    if (!stopped) onProgress(progress);
  };
  const timer = setInterval(() => void readOnce(), everyMs);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
