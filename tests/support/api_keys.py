"""Files of API keys, as the scorer reads them."""

import hashlib


def write_keys(path, **keys):
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in keys.items()}
    path.write_text("# who\n" + "".join(f"{name} {digests[name]}\n" for name in digests))
    return path
