# wa-fix in an image for CI: docker build -t wa-fix . && docker run --rm -v "$PWD:/app" wa-fix scan
FROM rust:1.91-slim-trixie AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo install --locked --path . --root /out

FROM debian:trixie-slim
# The mounted repository belongs to another user than the one in the container: git refuses it unless told.
RUN apt-get update && apt-get install --yes --no-install-recommends git ca-certificates \
    && rm -rf /var/lib/apt/lists/* && git config --system --add safe.directory '*'
COPY --from=build /out/bin/wa-fix /usr/local/bin/wa-fix
WORKDIR /app
ENTRYPOINT ["wa-fix"]
