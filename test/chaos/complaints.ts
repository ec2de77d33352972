/** How many instances of a kind are spelled out. */
const SHOWN = 5;

/** What a check found wrong, gathered by kind, so that a thousand lost offsets are one sentence. */
export class Complaints {
  readonly #byKind = new Map<string, string[]>();

  add(kind: string, instance: string): void {
    const instances = this.#byKind.get(kind) ?? [];
    instances.push(instance);
    this.#byKind.set(kind, instances);
  }

  /** `kind: count (first few)`, one a kind. */
  sentences(): string[] {
    return [...this.#byKind].map(
      ([kind, instances]) =>
        `${kind}: ${instances.length} (${instances.slice(0, SHOWN).join('; ')}${instances.length > SHOWN ? '; …' : ''})`,
    );
  }
}
