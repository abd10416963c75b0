# pefd in a container. For a processor, and for NVIDIA GPUs (docs/ci.md says more):
#
#   docker build -t pefd .
#   docker run --rm -v "$PWD":/work pefd train-teacher --model resnet8 --data data
#
#   docker build --build-arg PEFD_RUNTIME=gpu -t pefd:gpu .
#   docker run --rm --gpus all -v "$PWD":/work pefd:gpu doctor

FROM node:22-trixie-slim AS package
WORKDIR /pefd
COPY . .
RUN npm ci --ignore-scripts && npm pack --pack-destination /tmp

FROM node:22-trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates g++ make python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
ARG PEFD_RUNTIME=cpu
ENV PEFD_RUNTIME=${PEFD_RUNTIME} PEFD_CACHE=/var/cache/pefd
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=package /tmp/pefd-*.tgz /tmp/
RUN npm install -g /tmp/pefd-*.tgz && rm /tmp/pefd-*.tgz && npm cache clean --force
RUN pefd setup && chmod -R a+rwX /var/cache/pefd
WORKDIR /work
ENTRYPOINT ["pefd"]
CMD ["--help"]
