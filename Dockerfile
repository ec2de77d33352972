# One image with all programs of the system. The command of a container selects the program. See docs/deployment.md.

FROM node:20-bookworm-slim AS build
WORKDIR /app
# Install dependencies first: Docker reuses this layer while only code changes.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
# The build also bundles the workflow code, so that a worker need not do it at its start.
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
# By default the C library keeps freed memory separately for each of a worker's many threads. engines/programs.ts sets the same value.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
WORKDIR /app
# The files belong to root and the programs run as node, so no program can change its own code.
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY deploy/check-http.mjs ./deploy/
USER node
EXPOSE 18000
CMD ["node", "dist/api/server.js"]
