/** The part of an answer that two equal requests have in common: without times and ids. */
export async function comparableAnswer(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  const headers = Object.fromEntries(response.headers);
  for (const name of ['date', 'x-request-id', 'age', 'cache-status', 'cache-control', 'keep-alive'])
    headers[name] &&= headers[name].replaceAll(/\b[0-9a-f-]{36}\b|\d+/g, 'N');
  return { status: response.status, headers, body: await response.text() };
}
