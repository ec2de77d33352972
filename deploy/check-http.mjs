// Health check of a container: exits with 0 when GET of the URL succeeds, otherwise prints the reason and exits with 1.
const [url] = process.argv.slice(2);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4000) });
  console.log(`GET ${url} returned status ${response.status}`);
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  console.log(`GET ${url} failed: ${error.cause?.message ?? error.message}`);
  process.exit(1);
}
