# syntax=docker/dockerfile:1
# Operator, gateway and plugin: bundled JavaScript on a distroless Node, as a user without rights. The chart runs it with a
# read-only root. `docker build -t gpu-classroom .`

FROM --platform=$BUILDPLATFORM node:24-trixie-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm run --silent sbom > dist/sbom.cdx.json && rm dist/*.map

# https://github.com/GoogleContainerTools/distroless/tree/main/nodejs
FROM gcr.io/distroless/nodejs24-debian13:nonroot
LABEL org.opencontainers.image.title="GPU Classroom" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /src/LICENSE ./
COPY --from=build /src/dist/ ./
# A number: Kubernetes cannot know whether a name is root.
USER 65532:65532
ENV NODE_ENV=production
# Node, in this folder: the chart says `operator.js` or `gateway.js`.
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["kubectl-classroom.js", "--help"]
