/** The same pages, each fetched while the one before is worked on: two are held at most. */
export async function* prefetchPages<T>(pages: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = pages.next();
  try {
    for (;;) {
      const page = await next;
      if (page.done === true) return;
      next = pages.next();
      next.catch(() => {}); // told when its turn comes
      yield page.value;
    }
  } finally {
    await pages.return(undefined);
  }
}
