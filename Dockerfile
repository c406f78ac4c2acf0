# Two images of one checkout:
#   docker build --target airflow -t nightcatch-airflow .   scheduler, UI, tasks: the whole lock
#   docker build --target scorer  -t nightcatch-scorer  .   answers requests: cannot unpickle or train
# The bases are arguments, so that a mirror's or a stand-in's name can be given.
ARG AIRFLOW_IMAGE=apache/airflow:3.3.2-python3.12
ARG PYTHON_IMAGE=python:3.12-slim-bookworm


FROM ${PYTHON_IMAGE} AS scorer-packages
COPY include/services/scorer/requirements.txt /tmp/requirements.txt
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes \
        --only-binary :all: -r /tmp/requirements.txt


FROM ${PYTHON_IMAGE} AS scorer
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin scorer \
    && install -d -o scorer -g scorer -m 0700 /var/cache/nightcatch
COPY --from=scorer-packages /opt/venv /opt/venv
COPY include/__init__.py include/errors.py /srv/nightcatch/include/
COPY include/contract /srv/nightcatch/include/contract
COPY include/features /srv/nightcatch/include/features
COPY include/inference /srv/nightcatch/include/inference
COPY include/stores/__init__.py include/stores/objects.py /srv/nightcatch/include/stores/
COPY include/registry/__init__.py /srv/nightcatch/include/registry/
COPY include/registry/follow /srv/nightcatch/include/registry/follow
COPY include/services /srv/nightcatch/include/services
COPY include/urls /srv/nightcatch/include/urls
RUN python -m compileall -q /srv/nightcatch
ARG CODE_COMMIT=unknown
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/srv/nightcatch \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    NIGHTCATCH_BUILD=${CODE_COMMIT} \
    NIGHTCATCH_CACHE_DIR=/var/cache/nightcatch
# The image is not made if it could unpickle a model, or compile anything.
RUN for name in cc gcc c++ clang make; do ! command -v "$name" || exit 1; done \
    && python -c "from importlib.util import find_spec; assert not [name for name in ('sklearn', 'joblib', 'pandas') if find_spec(name)]"
WORKDIR /srv/nightcatch
USER 10001:10001
EXPOSE 8000
# Live, not ready: a scorer that waits for the first approved model is in order.
HEALTHCHECK --interval=10s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=8)"]
CMD ["python", "-m", "include.services.scorer", "--host", "0.0.0.0"]


# Last, so that a build that names no target, as Astronomer's tool does, is Airflow's.
FROM ${AIRFLOW_IMAGE} AS airflow
USER root
# Compose mounts volumes here; each takes over its folder's owner and mode when it is first used.
RUN install -d -o airflow -g root -m 0700 \
        /var/lib/nightcatch/private /var/lib/nightcatch/login /var/lib/nightcatch/downloads \
        /var/lib/nightcatch/mlflow \
    && install -d -o airflow -g root -m 0755 /var/lib/nightcatch/public
USER airflow
COPY requirements.txt /opt/nightcatch/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r /opt/nightcatch/requirements.txt
# Celery's provider and the database's driver come with the base; what the lock laid over it must leave
# them in order, which is better known now than by the first task.
RUN AIRFLOW_HOME=/tmp/airflow python -c "import psycopg2, airflow.providers.celery.executors.celery_executor" \
    && rm -r /tmp/airflow
COPY gx /opt/nightcatch/gx
COPY include /opt/nightcatch/include
COPY plugins /opt/nightcatch/plugins
COPY dags /opt/nightcatch/dags
ARG CODE_COMMIT=""
ENV PYTHONPATH=/opt/nightcatch \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/nightcatch/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/nightcatch/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    NIGHTCATCH_CODE_COMMIT=${CODE_COMMIT} \
    NIGHTCATCH_DOWNLOAD_DIR=/var/lib/nightcatch/downloads \
    GX_ANALYTICS_ENABLED=false \
    ORT_DISABLE_TELEMETRY=1 \
    OMP_NUM_THREADS=1
