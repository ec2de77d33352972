/** A text from outside as code, so that it does not become Markdown in the UI. */
export const asCode = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``;
