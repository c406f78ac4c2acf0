"""What a record's columns are called and mean, for the trainer and for the scorer."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class InputField:
    """One model input.

    Attributes
    ----------
    name : str
        Column name in MongoDB, in CSV files and in requests.
    dtype : str
        ``"int8"``, ``"float32"``, ``"string"`` or ``"timestamp"``.
    allowed : tuple of int or None
        The only values accepted; None accepts every value of `dtype`.
    description : str
        The field's meaning, in words a reader of a prediction understands.
    aliases : tuple of str
        Other names of the column in files, the most specific first; capitals, blanks and
        underscores make no difference.
    """

    name: str
    dtype: str
    allowed: tuple[int, ...] | None
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """How the stored label becomes NightCatch's target: the one place of label polarity.

    Attributes
    ----------
    source : str
        Column that holds the stored label.
    positive, negative : int
        Stored values that mean phishing and legitimate.
    name : str
        The target inside NightCatch; 1 = phishing, 0 = legitimate.
    """

    source: str
    positive: int
    negative: int
    name: str = "phishing"

    def encode(self, stored: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Return 1 where the stored label means phishing and 0 where it means legitimate.

        Parameters
        ----------
        stored : array-like of shape (n_rows,)
            Labels as stored; each must be `positive` or `negative`.

        Returns
        -------
        ndarray of shape (n_rows,), int8

        Raises
        ------
        ValueError
            If a label is neither of the two.
        """
        values = np.asarray(stored)
        known = np.isin(values, (self.positive, self.negative))
        if not known.all():
            raise ValueError(f"{self.source}: {values[~known][0]!r} is not a label")
        encoded: npt.NDArray[np.int8] = (values == self.positive).astype(np.int8)
        return encoded
