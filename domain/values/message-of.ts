/** The message of a caught value: of an error its message, otherwise its text. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
