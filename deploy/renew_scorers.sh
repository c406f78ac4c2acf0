#!/bin/sh
# Puts scorers of the present image and settings in the place of those that run, and drops no request:
#   docker compose build scorer && deploy/renew_scorers.sh
# `docker compose up` alone replaces all of them at once, and the proxy then answers 502 for a second.
set -eu
cd "$(dirname "$0")/.."

old=$(docker compose ps --quiet scorer)
n_scorers=$(echo "$old" | wc -w)
docker compose up --detach --wait --no-deps --no-recreate --scale "scorer=$((2 * n_scorers))" scorer

# Healthy means live; the old ones may go once each new one has its model.
ready="from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/ready', timeout=8)"
for id in $(docker compose ps --quiet scorer); do
    n_tries=0
    until docker exec "$id" python -c "$ready" 2>/dev/null; do
        n_tries=$((n_tries + 1))
        [ "$n_tries" -lt 60 ] || { echo "$id is not ready; the old scorers stay" >&2; exit 1; }
        sleep 1
    done
done
# shellcheck disable=SC2086  # one id a word
docker stop -t 25 $old
# shellcheck disable=SC2086
docker rm --volumes $old
