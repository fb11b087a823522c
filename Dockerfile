# Any image that has Node and npm; both stages stand on it. Node 22 or newer starts fastest.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY .ci/bundle.mjs .ci/
COPY .ci/openapi .ci/openapi
COPY src ./src
RUN npm run build -- --declaration false --sourceMap false
# What runs is one bundle, the licences of what is in it, and libsql, whose machine code cannot be bundled. npm brings
# that for both C libraries.
COPY LICENSE ./
RUN mkdir -p /app/dist /app/node_modules/@libsql \
 && cp -r package.json LICENSE /app \
 && cp -r dist/main.js dist/chunks dist/ui dist/openapi.json* dist/LICENSES.txt /app/dist \
 && cd node_modules && cp -r libsql detect-libc @neon-rs /app/node_modules \
 && cp -r @libsql/linux-*-$(node -p 'process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl"')* /app/node_modules/@libsql
# A first run proves that this is enough to start, and leaves compiled code behind that later ones need not compile. Node
# takes such code only from the user who wrote it.
WORKDIR /app
USER 1000:1000
ENV NODE_COMPILE_CACHE=/tmp/compiled \
    PORT=18686
RUN mkdir /tmp/compiled \
 && { node dist/main.js --upstream simulator & } \
 && until node dist/main.js healthcheck 2>/dev/null; do kill -0 $! || exit 1; sleep 0.2; done \
 && kill $! && wait $!

FROM ${NODE_IMAGE}
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compiled \
    HOST=0.0.0.0 \
    PORT=8686
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/package.json /app/LICENSE ./
COPY --from=build /app/dist ./dist
COPY --from=build /tmp/compiled ./compiled
# A number, because Kubernetes' runAsNonRoot cannot check a name.
USER 1000:1000
EXPOSE 8686
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "dist/main.js", "healthcheck"]
ENTRYPOINT ["node", "dist/main.js"]

# Last, because they change with every build. docker/build.sh fills them in.
ARG NODE_IMAGE
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="workers-ai-proxy" \
      org.opencontainers.image.description="OpenAI-compatible proxy for Cloudflare Workers AI" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.url="${SOURCE}" \
      org.opencontainers.image.base.name="${NODE_IMAGE}"
