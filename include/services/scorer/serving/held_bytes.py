"""How many bytes of bodies and responses a worker holds: on disk, or in memory."""

from threading import Condition


class HeldBytes:
    """Bytes that may be held at once, of all requests and of each client.

    Parameters
    ----------
    max_bytes : int
        Of all together; a client that is known by its key may have half of them.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._changed = Condition()
        self._held: dict[str, int] = {}
        self._total = 0

    @property
    def total(self) -> int:
        """How many bytes are held."""
        return self._total

    def reserve(self, client: str, size_bytes: int, wait_s: float = 0.0) -> bool:
        """Return whether there was room within `wait_s`; the bytes are then the client's.

        Parameters
        ----------
        client : str
            Empty for one that is not known, of which there may be many.
        size_bytes : int
        wait_s : float
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._fits(client, size_bytes), wait_s):
                return False
            self._total += size_bytes
            self._held[client] = self._held.get(client, 0) + size_bytes
            return True

    def release(self, client: str, size_bytes: int) -> None:
        """Give bytes back that were reserved."""
        with self._changed:
            self._total -= size_bytes
            self._held[client] -= size_bytes
            if not self._held[client]:
                del self._held[client]
            self._changed.notify_all()

    def _fits(self, client: str, size_bytes: int) -> bool:
        share = self.max_bytes // 2 if client else self.max_bytes
        return (
            self._total + size_bytes <= self.max_bytes
            and self._held.get(client, 0) + size_bytes <= share
        )
