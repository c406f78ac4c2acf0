"""Keys of the bucket become paths of files only when they are plain."""

import pytest

from include.contract import keys
from include.errors import ManifestError

PREFIX = "runs/sites/run-1/"


@pytest.mark.parametrize("path", ["drift.json", "candidates/LogisticRegression.json", "a/b/c-1.x"])
def test_a_plain_path_is_returned(path):
    assert keys.path_below(PREFIX, PREFIX + path) == path


@pytest.mark.parametrize(
    "key",
    [
        *(
            PREFIX + path
            for path in ("../x", "a/../../x", "..", ".", "a/./b", "/etc/passwd", "a//b")
        ),
        *(
            PREFIX + path
            for path in ("", "a/", ".hidden", "-rf", "a\\b", "a\0b", "a\nb", "C:x", "~x")
        ),
        *(PREFIX + path for path in ("..%2fx", "\uff0e\uff0e/x", "a" * 200)),
        *("runs/sites/run-2/drift.json", "runs/sites/run-1", "/runs/sites/run-1/drift.json", ""),
    ],
)
def test_any_other_key_is_refused(key):
    with pytest.raises(ManifestError):
        keys.path_below(PREFIX, key)
