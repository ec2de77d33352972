/** Instances of each kind that a summary shows. */
const MAX_SHOWN = 5;

/** Violations found by a check, grouped by kind, so that a thousand lost offsets are one line. */
export class Violations {
  readonly #byKind = new Map<string, string[]>();

  add(kind: string, instance: string): void {
    const instances = this.#byKind.get(kind) ?? [];
    instances.push(instance);
    this.#byKind.set(kind, instances);
  }

  /** One line per kind: `kind: count (first instances)`. */
  summaries(): string[] {
    return [...this.#byKind].map(
      ([kind, instances]) =>
        `${kind}: ${instances.length} (${instances.slice(0, MAX_SHOWN).join('; ')}${instances.length > MAX_SHOWN ? '; …' : ''})`,
    );
  }
}
