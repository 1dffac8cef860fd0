# Wheels alone, checked by hash: no compiler, no package of the system beyond the base image.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONPATH=/app/src INVEST_DATA_DIR=/tmp/invest

RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin invest
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-deps --only-binary :all: --require-hashes -r requirements.txt

COPY settings.toml ./
COPY src ./src

USER 10001
EXPOSE 8000

# For the web process; compose.yaml turns it off for the others.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/readyz', timeout=4)"]

CMD ["python", "-m", "invest", "web", "--host", "0.0.0.0"]
