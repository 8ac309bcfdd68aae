# Two images from one recipe: `app` serves and needs no CUDA, `worker` trains on a GPU.
#
#     docker build --target app    --build-arg TORCH_INDEX_URL=<index of CPU wheels> .
#     docker build --target worker .
#
# Without TORCH_INDEX_URL, torch is what the package index has for Linux: the CUDA build, which runs on a CPU too.

FROM python:3.12-slim AS installed

ENV GANERY_DATA_DIR=/data \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

RUN useradd --uid 10001 --create-home ganery && install --directory --owner=ganery --group=ganery /data

WORKDIR /srv/ganery

# From what changes seldom to what changes often, so that a change of the code costs seconds.
ARG TORCH=2.13.0
ARG TORCH_INDEX_URL=""
RUN pip install ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} "torch==$TORCH"

COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock

COPY . .
RUN pip install --no-deps --no-build-isolation -e .

USER ganery
VOLUME /data


FROM installed AS app

EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=3)"]
CMD ["uvicorn", "--factory", "app.main:create_app", "--host=0.0.0.0", "--port=8000", "--no-access-log", \
     "--timeout-graceful-shutdown=3"]


FROM installed AS worker

# Not `celery inspect ping`, which a busy worker does not answer: its housekeeper touches this file at each sweep.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD test -n "$(find "$GANERY_DATA_DIR/worker-$(uname -n).alive" -mmin -2)"
CMD ["celery", "-A", "workers.celery_app", "worker", "--loglevel=INFO"]
