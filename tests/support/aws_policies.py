"""AWS policies of deploy/aws, read as far as NightCatch needs: who may do what with which key."""

import json
import re
from pathlib import Path

AWS = Path(__file__).parents[2] / "deploy" / "aws"
BUCKET_ARN = "arn:aws:s3:::BUCKET"


def read_policy(name, **placeholders):
    """The statements of a policy, its placeholders filled in."""
    text = (AWS / name).read_text()
    for placeholder, value in placeholders.items():
        text = text.replace(placeholder, value)
    return json.loads(text)["Statement"]


def listed(value):
    return value if isinstance(value, list) else [value]


def matches(pattern, text):
    """IAM's wildcards: `*` is any text, slashes too; `?` is any one character."""
    parts = {"*": ".*", "?": "."}
    return re.fullmatch("".join(parts.get(c) or re.escape(c) for c in pattern), text) is not None


def concerns(statement, action, resource):
    return any(matches(each, action) for each in listed(statement["Action"])) and any(
        matches(each, resource) for each in listed(statement["Resource"])
    )


def allows(policy, action, key):
    """Whether a role's policy lets it do this with an object."""
    return any(
        each["Effect"] == "Allow" and concerns(each, action, f"{BUCKET_ARN}/{key}")
        for each in policy
    )


def refuses_role(policy, key, role):
    """Whether the bucket refuses a PUT because of the role that sends it."""
    arn = f"arn:aws:iam::ACCOUNT:role/nightcatch-{role}"
    return any(
        arn not in listed(others["aws:PrincipalArn"])
        for each in policy
        if concerns(each, "s3:PutObject", f"{BUCKET_ARN}/{key}")
        and (others := each.get("Condition", {}).get("ArnNotEquals"))
    )


def refuses_put(policy, key, headers):
    """Whether the bucket refuses a PUT because of the conditional headers it lacks."""
    present = {f"s3:{name.lower()}" for name in headers}
    return any(
        all((name not in present) == (wanted == "true") for name, wanted in lacking.items())
        for each in policy
        if concerns(each, "s3:PutObject", f"{BUCKET_ARN}/{key}")
        and (lacking := each.get("Condition", {}).get("Null"))
    )
