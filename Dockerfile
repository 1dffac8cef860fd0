# Two stages: the first builds the product's wheel and installs it beside its requirements, wheels alone and checked by
# hash; the second holds the result and no tool to change it. The base is pinned by digest: renew it with
#   docker buildx imagetools inspect python:3.13-slim
FROM python:3.13-slim@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91 AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build

COPY requirements.txt ./
RUN python -m venv /opt/invest \
  && /opt/invest/bin/pip install --no-deps --only-binary :all: --require-hashes -r requirements.txt

COPY requirements-build.txt ./
RUN python -m venv /opt/build \
  && /opt/build/bin/pip install --no-deps --only-binary :all: --require-hashes -r requirements-build.txt

COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE settings.toml ./
COPY src ./src
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
  && /opt/invest/bin/pip install --no-deps --no-index /wheels/*.whl \
  && /opt/invest/bin/pip uninstall --yes pip

FROM python:3.13-slim@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91

LABEL org.opencontainers.image.title="invest" \
      org.opencontainers.image.description="Investment research on the Brazilian exchange (B3), as jobs" \
      org.opencontainers.image.licenses="MIT"

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/invest/bin:$PATH INVEST_DATA_DIR=/tmp/invest

RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin invest
COPY --from=build /opt/invest /opt/invest

WORKDIR /opt/invest
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM

# Whether the web process answers at all (/readyz, which asks Redis and PostgreSQL, is for routing: restarting web for a
# database that is away helps nobody). compose.yaml turns it off for the other processes.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/healthz', timeout=4)"]

CMD ["python", "-m", "invest", "web", "--host", "0.0.0.0"]
