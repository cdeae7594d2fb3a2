# Airflow's own image with the gateway's locked dependencies on top.
FROM apache/airflow:3.3.2-python3.12
USER root
RUN install -d -o airflow -g root -m 0775 /opt/gateway /opt/gateway/var /opt/airflow/state
USER airflow
COPY --chown=airflow:root requirements.lock /opt/gateway/
RUN pip install --no-cache-dir --no-deps --require-hashes -r /opt/gateway/requirements.lock
COPY --chown=airflow:root . /opt/gateway
RUN pip install --no-cache-dir --no-deps -e /opt/gateway
