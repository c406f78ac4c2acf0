#!/usr/bin/env bash
# Rolls this host's scorer to another image: new beside old, gate, switch, watch; otherwise back.
#
#   roll.sh IMAGE@sha256:DIGEST         bring that image into service
#   roll.sh --back [IMAGE@sha256:...]   back to the one before; with an image, only if it serves
#   roll.sh --settle                    undo what a killed roll left, and nothing else
#
# The last line of the output says in one sentence what came of it.
# Exit status: 0 done, 1 refused and the old one serves, 2 cannot be tried, 3 look at this host.
#
# All state is Docker's own: NAME serves, NAME-previous is kept (stopped) for the way back, and
# NAME-next is on trial. Names change only once the new one has served alone for a while, so
# that whoever is killed in between leaves what the next call can undo.
set -euo pipefail

name=${ROLL_NAME:-nightcatch-scorer}
alias=${ROLL_ALIAS:-scorer}                          # what the proxy asks for
network=${ROLL_NETWORK:-nightcatch}                  # the way to S3
front=${ROLL_FRONT_NETWORK:-nightcatch-front}        # where the proxy is
front_url=${ROLL_FRONT_URL:-http://127.0.0.1:8000}   # the proxy, as clients see it
config=${ROLL_CONFIG:-/etc/nightcatch}               # scorer.env, gate.json, keys/, gate.header, verify
ready_s=${ROLL_READY_S:-120}                         # a new one must be ready within
known_s=${ROLL_KNOWN_S:-5}                           # until the proxy asks a new one too
watch_s=${ROLL_WATCH_S:-20}                          # a new one must serve alone for
lock=${ROLL_LOCK:-/run/lock/nightcatch-roll.lock}

say() { echo "(roll) $*" >&2; }
finish() { # status sentence
    trap - EXIT
    echo "roll: $2"
    exit "$1"
}

exists() { docker container inspect "$1" >/dev/null 2>&1; }
image_of() { docker container inspect --format '{{.Config.Image}}' "$1"; }
is_running() { [ "$(docker container inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }
is_in_front() {
    docker container inspect --format '{{range $net, $_ := .NetworkSettings.Networks}}{{println $net}}{{end}}' "$1" |
        grep -qx "$front"
}
address_of() { docker port "$1" 8000/tcp | head -n 1; }

is_ready() { curl --fail --silent --output /dev/null --max-time 5 "http://$(address_of "$1")/health/ready"; }

# A real question gets a real answer.
answers() { # base URL
    local header=()
    [ ! -r "$config/gate.header" ] || header=(--header "@$config/gate.header")
    curl --fail --silent --max-time 10 --header 'Content-Type: application/json' "${header[@]}" \
        --data-binary "@$config/gate.json" "$1/predict" | grep -q '"prediction"'
}

wait_until_ready() { # container
    local deadline=$((SECONDS + ready_s))
    until is_ready "$1"; do
        if ! is_running "$1"; then
            say "$1 ended by itself"
            return 1
        elif [ "$SECONDS" -ge "$deadline" ]; then
            say "$1 was not ready within $ready_s s"
            return 1
        fi
        sleep 1
    done
}

retire() { # container: finishes what it has begun, then goes, and its image if nobody else's
    local image
    image=$(image_of "$1")
    docker stop --time 25 "$1" >/dev/null 2>&1 || true
    docker rm --force --volumes "$1" >/dev/null
    docker image rm "$image" >/dev/null 2>&1 || true
}

# Leave NAME serving and nothing on trial, wherever an earlier call (or this one) was stopped.
# What is on trial goes only once NAME serves again.
settle() {
    if ! exists "$name" && exists "$name-next" && exists "$name-previous"; then
        docker rename "$name-next" "$name" # it had served alone for long enough
    elif ! exists "$name" && exists "$name-previous" && ! exists "$name-next"; then
        docker rename "$name-previous" "$name"
    fi
    if exists "$name" && ! is_running "$name"; then
        say "starting $name again"
        docker start "$name" >/dev/null && wait_until_ready "$name" || return 1
    fi
    if exists "$name-next"; then
        say "removing what was on trial; its last lines:"
        docker logs --tail 20 "$name-next" >&2 || true
        retire "$name-next"
    fi
}

# Whatever ends this script early, the old one is brought back.
give_up() { # status sentence
    trap - EXIT INT TERM HUP
    if ! settle; then
        finish 3 "$2; and the old one did not come back: look at this host"
    elif ! exists "$name"; then
        finish 3 "$2; nothing served before, so nothing serves"
    fi
    finish "$1" "$2; $(image_of "$name") serves as before"
}

# Whether the image was built by whom this host trusts: the operator's own program says so.
check_provenance() { # image
    [ ! -e "$config/verify" ] || "$config/verify" "$1" >&2 || give_up 1 "$1 is not of a provenance that this host accepts"
}

start_new() { # image
    check_provenance "$1"
    docker pull --quiet "$1" >/dev/null || give_up 1 "$1 could not be pulled"
    docker run --detach --name "$name-next" --restart unless-stopped --init --stop-timeout 25 \
        --read-only --cap-drop ALL --security-opt no-new-privileges:true --user 10001:10001 \
        --memory 1g --pids-limit 600 --tmpfs /tmp:size=256m,mode=1777,noexec,nosuid,nodev \
        --log-driver json-file --log-opt max-size=10m --log-opt max-file=3 \
        --volume /var/cache/nightcatch --volume "$config/keys:/keys:ro" \
        --env-file "$config/scorer.env" --network "$network" --publish 127.0.0.1::8000 "$1" \
        >/dev/null || give_up 1 "$1 could not be started"
}

start_previous() {
    exists "$name-previous" || finish 2 "there is no earlier one to go back to"
    docker rename "$name-previous" "$name-next"
    docker start "$name-next" >/dev/null || give_up 1 "the earlier one could not be started"
}

# The one on trial takes over: gate, both serve, it alone serves, the names change.
take_over() {
    local image deadline
    image=$(image_of "$name-next")
    wait_until_ready "$name-next" || give_up 1 "$image did not become ready"
    answers "http://$(address_of "$name-next")" || give_up 1 "$image did not answer the gate's question"
    # One that is brought back is there already.
    is_in_front "$name-next" || docker network connect --alias "$alias" "$front" "$name-next"
    sleep "$known_s"
    if exists "$name"; then docker stop --time 25 "$name" >/dev/null; fi
    deadline=$((SECONDS + watch_s))
    while :; do
        answers "$front_url" || give_up 1 "$image did not answer behind the proxy"
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 1
    done
    if exists "$name"; then
        ! exists "$name-previous" || retire "$name-previous"
        docker rename "$name" "$name-previous"
    fi
    docker rename "$name-next" "$name"
    finish 0 "$image serves"
}

main() {
    case ${1-} in
    --back | --settle) [ $# -le 2 ] ;;
    *@sha256:*) [ $# = 1 ] && [[ $1 =~ @sha256:[0-9a-f]{64}$ ]] ;;
    *) false ;;
    esac || finish 2 "usage: roll.sh IMAGE@sha256:DIGEST | --back [IMAGE@sha256:DIGEST] | --settle"
    for file in scorer.env gate.json keys; do
        [ -r "$config/$file" ] || finish 2 "$config/$file cannot be read"
    done
    exec 9>"$lock"
    flock --nonblock 9 || finish 2 "another roll is under way"

    settle || finish 3 "the one that should serve does not come up: look at this host"
    trap 'give_up 1 "stopped by a signal"' INT TERM HUP
    trap 'give_up 1 "ended by an error"' EXIT
    case $1 in
    --settle) finish 0 "settled" ;;
    --back)
        if [ -n "${2-}" ] && [ "$(image_of "$name")" != "$2" ]; then
            finish 0 "$2 does not serve here"
        fi
        start_previous
        ;;
    *) start_new "$1" ;;
    esac
    take_over
}

main "$@"
