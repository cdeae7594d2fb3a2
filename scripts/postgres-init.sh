#!/bin/sh
# Runs once, when the PostgreSQL volume is new: a database and a role of the gateway's own beside Airflow's.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set=secret="$GATEWAY_DB_PASSWORD" <<'SQL'
CREATE ROLE gateway LOGIN PASSWORD :'secret';
CREATE DATABASE gateway OWNER gateway;
SQL
