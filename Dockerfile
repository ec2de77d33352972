# All programs of the system in one image; compose says which one a container runs. See docs/deployment.md.

FROM node:20-bookworm-slim AS build
WORKDIR /app
# Dependencies first: this layer is kept while only code changes.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# Also bundles the workflow code, so that a worker starts without doing so.
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
# The C library otherwise keeps freed memory for each of a worker's many threads apart.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
# Owned by root, run by node: no program can change its own code.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY deploy/check-http.mjs ./deploy/
USER node
EXPOSE 18000
CMD ["node", "dist/api/server.js"]
