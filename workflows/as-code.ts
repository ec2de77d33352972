/** Formats external text as code, so that the UI does not interpret it as Markdown. */
export const asCode = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll(/\s+/g, ' ')}\``;
