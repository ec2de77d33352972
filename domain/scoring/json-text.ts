// Readers of JSON text, for what `JSON.parse` does not tell. They are loops, not regular expressions or recursion: no text can
// exhaust a stack.

/** The end of the strings of a text: the index of the closing quote. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end !== -1; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return json.length;
}

/** Whether lists and objects are nested deeper than a limit. The text need not be valid JSON. */
export function isDeeperThan(json: string, limit: number): boolean {
  if (!hasMoreBrackets(json, limit)) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (char === '"') at = endOfString(json, at);
    else if (char === '{' || char === '[') {
      depth += 1;
      if (depth > limit) return true;
    } else if (char === '}' || char === ']') depth -= 1;
  }
  return false;
}

/** Whether a text has more opening brackets than a limit. Most events have one, and `indexOf` is far faster than a loop. */
function hasMoreBrackets(json: string, limit: number): boolean {
  let count = 0;
  for (const bracket of ['{', '['])
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      count += 1;
      if (count > limit) return true;
    }
  return false;
}

/**
 * The text of a number in a JSON object, as it was written: `JSON.parse` rounds numbers above 2^53.
 * @param json a valid JSON object
 * @returns undefined when the member is missing or no number; of repeated members the last one counts, as with `JSON.parse`
 */
export function numberText(json: string, name: string): string | undefined {
  let depth = 0;
  let lastString = { start: 0, end: 0 };
  let found: string | undefined;
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at];
    if (char === '"') {
      lastString = { start: at, end: endOfString(json, at) };
      at = lastString.end;
    } else if (char === ':') {
      if (depth === 1 && isName(json, lastString, name)) found = numberAt(json, at + 1);
    } else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
  }
  return found;
}

function isName(json: string, { start, end }: { start: number; end: number }, name: string): boolean {
  if (end - start - 1 === name.length) return json.startsWith(name, start + 1);
  const text = json.slice(start, end + 1);
  return text.includes('\\') && JSON.parse(text) === name;
}

function numberAt(json: string, start: number): string | undefined {
  NUMBER.lastIndex = start;
  return NUMBER.exec(json)?.[1];
}
const NUMBER = /\s*(-?\d[\d.eE+-]*)/y;
