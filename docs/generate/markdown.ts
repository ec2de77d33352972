/** A Markdown table; prettier aligns it later. Cells are Markdown; a pipe in a cell is escaped. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

export const code = (text: string): string => `\`${text}\``;

export const codeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

/** Units from large to small, each with its seconds. */
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** Seconds in the largest unit that gives a whole number: 900 → "15 min". A day is "24 h", as TTLs are usually written. */
export function duration(seconds: number): string {
  if (seconds === 86_400) return '24 h';
  const [unit, size] = UNITS.find(([, length]) => seconds % length === 0) ?? ['s', 1];
  return `${seconds / size} ${unit}`;
}

/** What a document says of one name: a field, a header, a reason. */
export interface NameDoc {
  /** Type or form of the value; empty where the table has no such column. */
  readonly type: string;
  readonly meaning: string;
}

/**
 * The rows of names that the code has, with what `docs` says of each.
 * @throws Error when a name has no description, or when a described name no longer exists
 */
export function describeNames(
  what: string,
  names: readonly string[],
  docs: Readonly<Record<string, NameDoc>>,
): { readonly name: string; readonly doc: NameDoc }[] {
  const stale = Object.keys(docs).filter((name) => !names.includes(name));
  if (stale.length > 0) throw new Error(`${what}: described, but not in the code: ${stale.join(', ')}`);
  return names.map((name) => {
    const doc = docs[name];
    if (doc === undefined) throw new Error(`${what}: ${name} has no description in docs/generate/`);
    return { name, doc };
  });
}

export const fieldTable = (
  what: string,
  names: readonly string[],
  docs: Readonly<Record<string, NameDoc>>,
): string =>
  table(
    ['field', 'type', 'meaning'],
    describeNames(what, names, docs).map(({ name, doc }) => [code(name), doc.type, doc.meaning]),
  );

const SECTION = /<!-- generated: ([a-z-]+) -->[^]*?<!-- end of generated part -->/g;

/**
 * Replaces what is between the markers `<!-- generated: name -->` and `<!-- end of generated part -->`.
 * @throws Error when the document has a section that is not generated, or lacks one that is
 */
export function fillSections(document: string, sections: Readonly<Record<string, string>>): string {
  const missing = new Set(Object.keys(sections));
  const filled = document.replaceAll(SECTION, (_, name: string) => {
    const section = sections[name];
    if (section === undefined) throw new Error(`nothing generates the section ${name}`);
    missing.delete(name);
    return `<!-- generated: ${name} -->\n\n${section}\n\n<!-- end of generated part -->`;
  });
  if (missing.size > 0) throw new Error(`the document has no section ${[...missing].join(', ')}`);
  return filled;
}
