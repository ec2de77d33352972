/** Requests at the same time. */
const CONNECTIONS = 8;

/** Reads each URL, a few at a time. @throws Error when an answer is not a 200 */
export async function fetchEach(urls: readonly string[]): Promise<void> {
  const left = urls.values();
  const readAll = async () => {
    for (const url of left) {
      const answer = await fetch(url);
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, readAll));
}
