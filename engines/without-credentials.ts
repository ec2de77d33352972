/** `scheme://`, then the user and password up to the last @, then the host and path, then the query and fragment. */
const URLS = /([a-z][a-z\d+.-]*:\/\/)(?:(?:(?!:\/\/)\S)*@)?([^\s,?#]*)(?:[?#](?:(?!,[a-z]+:\/\/)[^\s)])*)?/gi;

/** Removes user, password, query and fragment from each URL in a text, which can be printed then. */
export const withoutCredentials = (text: string): string => text.replaceAll(URLS, '$1$2');
