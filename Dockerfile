# Any image that has Node and npm; both stages stand on it. Node 22 or newer starts fastest.
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build -- --declaration false --sourceMap false
# What is left is what runs: npm takes libsql's binary for both C libraries, and packages bring their tests, types,
# source maps and manuals. Licences stay. Our own maps would cost a tenth of a second at every start, and what tsc writes
# is the sources without their types.
RUN npm prune --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/@libsql/linux-*-$(node -p 'process.report.getReport().header.glibcVersionRuntime ? "musl" : "gnu"')* \
 && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' \) -delete \
 && for name in test tests benchmark benchmarks docs examples; do rm -rf node_modules/*/$name node_modules/@*/*/$name; done
# A first run proves that what is left starts, and leaves compiled code behind that later ones need not compile.
# Node takes such code only from the user who wrote it.
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
COPY LICENSE ./
COPY --from=build /app/package.json ./
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
