"""A table that is answered is written to disk first: nothing is sent before every row was taken."""

from tempfile import SpooledTemporaryFile

from werkzeug.exceptions import RequestEntityTooLarge

from include.services.scorer.serving.held_bytes import HeldBytes
from include.services.scorer.serving.request_body import too_many

SPOOL_BYTES = 1024 * 1024
_RESERVED_BYTES = 256 * 1024
_TIMES_AN_UPLOAD = 4
_LEAST_BYTES = 4 * 1024 * 1024


class ResponseFile:
    """A file of bounded size, whose bytes count as held until it is closed.

    Parameters
    ----------
    files : HeldBytes
        Up to 1 MiB is in memory, and not counted.
    client : str
        Whose bytes they are; empty for one that is not known.
    upload_bytes : int
        The largest upload; the file may have four times as much, and 4 MiB in any case.
    """

    def __init__(self, files: HeldBytes, client: str, upload_bytes: int) -> None:
        self._files = files
        self._client = client
        self._max_bytes = max(_TIMES_AN_UPLOAD * upload_bytes, _LEAST_BYTES)
        self._file = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - `close` closes it
        self._reserved = 0
        self.size_bytes = 0

    def write(self, block: bytes) -> None:
        """Append a block.

        Raises
        ------
        RequestEntityTooLarge
            If the file would be too large.
        ServiceUnavailable
            If other files leave no room.
        """
        self.size_bytes += len(block)
        if self.size_bytes > self._max_bytes:
            raise RequestEntityTooLarge(
                f"The table of results would have more than {self._max_bytes} bytes: "
                "send the file in parts."
            )
        if self.size_bytes > max(SPOOL_BYTES, self._reserved):
            wanted = max(self.size_bytes - self._reserved, _RESERVED_BYTES)
            if not self._files.reserve(self._client, wanted):
                raise too_many()
            self._reserved += wanted
        self._file.write(block)

    def rewind(self) -> None:
        """Go back to the beginning, to be read."""
        self._file.seek(0)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        return self._file.read(size)

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()
        if self._reserved:
            self._files.release(self._client, self._reserved)
            self._reserved = 0
