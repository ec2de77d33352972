/** The header with the versions of the tables that a value was made of. */
export const SOURCE_VERSION = 'X-Source-Version';
