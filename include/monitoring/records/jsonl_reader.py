"""Lines of the objects that scorers left; what cannot be read is counted and named, never fatal."""

from collections.abc import Iterable, Iterator

from include.errors import DataRejectedError, ObjectMissingError, VersionRefusedError
from include.stores.gzip_lines import gzip_lines
from include.stores.objects import ObjectStore

MAX_NAMED = 5
# Scorers begin another object at 8 MiB.
_MAX_OBJECT_BYTES = 64 * 1024 * 1024


class Lines:
    """Read gzipped JSON lines, one object in memory at a time.

    Parameters
    ----------
    store : ObjectStore

    Attributes
    ----------
    n_objects, n_lines : int
        So far.
    n_unreadable : int
        Lines, and objects that break off or are too long.
    n_read : int
        Lines that were not refused.
    named : list of str
        The first `MAX_NAMED` that could not be read, with the reason.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._at = ""
        self.n_objects = self.n_lines = self.n_read = self.n_unreadable = 0
        self.named: list[str] = []

    def under(self, prefix: str) -> Iterator[bytes]:
        """Yield every line of every object under `prefix`, in order.

        Raises
        ------
        StoreUnavailableError
        """
        yield from self.of(self._store.keys_under(prefix))

    def of(self, keys: Iterable[str]) -> Iterator[bytes]:
        """Yield every line of the objects of these keys; errors are those of `under`."""
        for key in keys:
            try:
                body = self._store.get(key, _MAX_OBJECT_BYTES)
            except ObjectMissingError:
                continue  # deleted since it was listed
            except VersionRefusedError as err:
                self._at = key
                self._name(str(err))
                continue
            self.n_objects += 1
            yield from self._of(key, body)

    def refuse(self, why: str) -> None:
        """Count the line that was yielded last as unreadable."""
        self.n_read -= 1
        self._name(why)

    def _of(self, key: str, body: bytes) -> Iterator[bytes]:
        self._at = key
        try:
            for number, line in enumerate(gzip_lines(body), start=1):
                self._at = f"{key}, line {number}"
                self.n_lines += 1
                self.n_read += 1
                yield line
        except DataRejectedError as err:
            self._name(str(err))

    def _name(self, why: str) -> None:
        self.n_unreadable += 1
        if len(self.named) < MAX_NAMED:
            self.named.append(f"{self._at}: {why}")
