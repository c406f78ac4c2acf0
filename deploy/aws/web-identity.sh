#!/usr/bin/env bash
# Leaves this GitHub job's token in $AWS_WEB_IDENTITY_TOKEN_FILE. The AWS CLI takes it for the
# credentials of $AWS_ROLE_ARN by itself, and keeps those for their hour.
set -euo pipefail
umask 077
curl --fail --silent --show-error --retry 3 --max-time 30 --header @- \
    "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=sts.amazonaws.com" \
    <<<"Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["value"], end="")' \
        >"$AWS_WEB_IDENTITY_TOKEN_FILE"
aws sts get-caller-identity --query Arn --output text >&2
