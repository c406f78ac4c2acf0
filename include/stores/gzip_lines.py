"""Lines of gzipped text that somebody else wrote: neither a line nor the whole is without end."""

import gzip
import io
import zlib
from collections.abc import Iterator

from include.errors import DataRejectedError

MAX_LINE_BYTES = 8 * 1024 * 1024
# One object of a scorer holds at most 16 batches, of at most 10 MiB each.
MAX_UNPACKED_BYTES = 256 * 1024 * 1024


def gzip_lines(body: bytes, max_bytes: int = MAX_UNPACKED_BYTES) -> Iterator[bytes]:
    """Yield the lines of gzip members that follow each other, one in memory at a time.

    Parameters
    ----------
    body : bytes
    max_bytes : int
        Of all lines together, unpacked.

    Raises
    ------
    DataRejectedError
        If it breaks off, or a line or the whole is too long.
    """
    size_bytes = 0
    try:
        with gzip.open(io.BytesIO(body)) as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                size_bytes += len(line)
                if len(line) > MAX_LINE_BYTES:
                    raise DataRejectedError(f"a line has more than {MAX_LINE_BYTES} bytes")
                if size_bytes > max_bytes:
                    raise DataRejectedError(f"unpacked it has more than {max_bytes} bytes")
                yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as err:
        raise DataRejectedError(f"the object breaks off here: {err}") from err
