import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Folders without files of ours, or with very large ones. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', '.stack', 'coverage', 'histories']);

/** Paths of all files of the repository, relative to its root. */
export const repositoryFiles = (folder = '.'): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? repositoryFiles(path) : [path];
  });

/** Rows of the Markdown tables below a heading, up to the next heading: cells as text, without the header. */
export function tableRows(markdown: string, heading: string): string[][] {
  const [, section = ''] = markdown.split(new RegExp(`^#+ ${heading}$`, 'm'));
  return section
    .split(/^#+ /m, 1)
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .slice(2);
}
