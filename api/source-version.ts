/** The header with the table versions from which a value was built. */
export const SOURCE_VERSION = 'X-Source-Version';
