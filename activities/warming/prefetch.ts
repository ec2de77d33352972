/** Yields the same pages and fetches the next one while the caller works on the current one: at most two are in memory. */
export async function* prefetchPages<T>(pages: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = pages.next();
  try {
    for (;;) {
      const page = await next;
      if (page.done === true) return;
      next = pages.next();
      next.catch(() => {}); // not unhandled: the loop throws it when it awaits this page
      yield page.value;
    }
  } finally {
    await pages.return(undefined);
  }
}
