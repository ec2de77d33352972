// Health check of a container: exits 0 when the address answers with success, else says why not and exits 1.
const [url] = process.argv.slice(2);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(4000) });
  console.log(`GET ${url} answers ${response.status}`);
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  console.log(`GET ${url} fails: ${error.cause?.message ?? error.message}`);
  process.exit(1);
}
