"""A large CSV file is scored and returned as CSV."""

import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench._serving import Server
from include.pipelines.sites.records import FIELDS

_BLOCK_BYTES = 1024 * 1024
_BOUNDARY = "nightcatch-bench"


@dataclass(frozen=True)
class TableFigures:
    """What became of one table.

    Attributes
    ----------
    seconds : float
        From the first byte sent to the last received.
    sent_bytes, received_bytes : int
    peak_mib : int
        VmHWM of the larger worker.
    """

    seconds: float
    sent_bytes: int
    received_bytes: int
    peak_mib: int


def score_table(
    server: Server, X: npt.NDArray[np.float32], n_rows: int, folder: Path
) -> TableFigures:
    """Return the figures of `n_rows` real records, drawn again and again."""
    path = folder / "table.form"
    _write_form(path, X, n_rows)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=300, blocksize=_BLOCK_BYTES)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}",
        "Content-Length": str(path.stat().st_size),
        "Accept": "text/csv",
    }
    began = time.perf_counter()
    with path.open("rb") as file:
        connection.request("POST", "/predict", file, headers)
        answer = connection.getresponse()
        n_lines, received_bytes = 0, 0
        while block := answer.read(_BLOCK_BYTES):
            received_bytes += len(block)
            n_lines += block.count(b"\n")
    seconds = time.perf_counter() - began
    connection.close()
    if answer.status != 200 or n_lines != n_rows + 1:
        raise RuntimeError(f"a table of {n_rows} rows: status {answer.status}, {n_lines} lines")
    sent_bytes = path.stat().st_size
    path.unlink()
    return TableFigures(seconds, sent_bytes, received_bytes, server.worker_mib("VmHWM"))


def _write_form(path: Path, X: npt.NDArray[np.float32], n_rows: int) -> None:
    lines = [",".join(map(str, row)) for row in X.astype(int).tolist()]
    drawn = np.random.default_rng(0).integers(0, len(lines), n_rows)
    with path.open("w", newline="") as file:
        file.write(f"--{_BOUNDARY}\r\nContent-Disposition: form-data; ")
        file.write('name="file"; filename="sites.csv"\r\nContent-Type: text/csv\r\n\r\n')
        file.write(",".join(field.name for field in FIELDS) + "\n")
        file.writelines(f"{lines[number]}\n" for number in drawn)
        file.write(f"\r\n--{_BOUNDARY}--\r\n")
