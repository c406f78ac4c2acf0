"""MISP expansion module: NightCatch's verdict on a URL, link, domain or host name.

Copy to the folder of custom modules of misp-modules as ``nightcatch.py``. In MISP set ``url``, the
scorer's address such as ``http://nightcatch.internal:8000``, and ``api_key`` where it asks for one.
"""

import json

import requests

mispattributes = {"input": ["url", "uri", "link", "domain", "hostname"], "output": ["text"]}
moduleinfo = {
    "version": "1.0",
    "author": "NightCatch",
    "description": "Verdict on a URL by the model in production; the URL is never opened.",
    "module-type": ["expansion", "hover"],
    "name": "NightCatch",
    "requirements": ["A NightCatch scorer"],
    "features": "Sends the value to POST /predict of a scorer of one's own.",
    "references": [],
    "input": "A URL, link, domain or host name.",
    "output": "The verdict, the probability of phishing and the version of the model.",
}
moduleconfig = ["url", "api_key"]
_TIMEOUT_S = 10


def handler(q=False):
    """Return the verdict on the attribute of a query, or an error that names what is wrong."""
    if q is False:
        return False
    query = json.loads(q)
    config = query.get("config") or {}
    value = next((query[kind] for kind in mispattributes["input"] if query.get(kind)), None)
    if not config.get("url"):
        return {"error": "set the scorer's address as url in the module's configuration"}
    if value is None:
        return {"error": f"the attribute is none of: {', '.join(mispattributes['input'])}"}
    key = config.get("api_key")
    try:
        response = requests.post(
            f"{config['url'].rstrip('/')}/predict",
            json={"url": value},
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=_TIMEOUT_S,
        )
        found = response.json()
    except (requests.RequestException, ValueError) as err:
        return {"error": f"the scorer gave no response: {type(err).__name__}"}
    if response.status_code != requests.codes.ok:
        return {"error": f"the scorer refused it: {found.get('detail', response.status_code)}"}
    model = found["model"]
    text = (
        f"{found['prediction']} (probability of phishing {found['probability']:.4f},"
        f" NightCatch {model['version']})"
    )
    return {"results": [{"types": ["text"], "values": [text]}]}


def introspection():
    """Return which attributes the module takes and gives."""
    return mispattributes


def version():
    """Return what MISP shows of the module."""
    moduleinfo["config"] = moduleconfig
    return moduleinfo
