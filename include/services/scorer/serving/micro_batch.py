"""Questions that wait at the same moment are scored together, each is then answered by itself.

A forest is megabytes of nodes: the first record of a call brings them from memory, and the further
ones find them near. Nobody waits for this, as only what has come already is taken together.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet

from include.errors import NightCatchError
from include.inference.model import OnnxModel
from include.registry.follow import ProductionModel
from include.services.scorer.api.request_parser import Question, parse_question
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.settings import Limits

EXTENSION = "nightcatch.ahead"


class ScoredAhead(NamedTuple):
    """A question about one item with its score.

    Attributes
    ----------
    body : bytes
        The JSON text that asked it.
    question : Question
    in_production : ProductionModel
        The version that scored it.
    probability : float
    """

    body: bytes
    question: Question
    in_production: ProductionModel[OnnxModel]
    probability: float


class _Asked(NamedTuple):
    place: object
    body: bytes
    question: Question
    row: Sequence[Any]


class Ahead:
    """Keeps the scores of what one thread answers next.

    Who may not ask shall cost no more than being told so: only what is asked where the last
    question was let in and answered is scored ahead.

    Parameters
    ----------
    catalogue : Catalogue
    limits : Limits
    """

    def __init__(self, catalogue: Catalogue, limits: Limits) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._scored: dict[object, ScoredAhead] = {}
        self._trusted: WeakSet[object] = WeakSet()

    def score(self, waiting: Iterable[tuple[object, bytes]]) -> None:
        """Score the questions among `waiting` that are asked at trusted places, until `forget`.

        What breaks a rule is left out: who answers it finds the fault, and says so.

        Parameters
        ----------
        waiting : iterable of (object, bytes)
            The place of a request, by which `take` finds its score, and its body.
        """
        groups: dict[int, tuple[ProductionModel[OnnxModel], list[_Asked]]] = {}
        for place, body in waiting:
            if place not in self._trusted:
                continue
            try:
                question = parse_question(body, self._limits)
                in_production = self._catalogue.answering(question)
                schema = in_production.model.schema
                row = schema.row(question.records(schema.names[0])[0])
            except NightCatchError:
                continue
            if question.is_single:
                _, group = groups.setdefault(id(in_production), (in_production, []))
                group.append(_Asked(place, body, question, row))
        for in_production, group in groups.values():
            self._score_group(in_production, group)

    def trusted_keys(self, place: object, *, trusted: bool = True) -> None:
        """Score ahead what is asked at `place` from now on, or no more; None is no place."""
        if place is None:
            return
        if trusted:
            self._trusted.add(place)
        else:
            self._trusted.discard(place)

    def take(self, place: object, body: bytes) -> ScoredAhead | None:
        """Return the score of the request at `place`, once; None if `body` was not scored there."""
        found = self._scored.pop(place, None)
        return found if found is not None and found.body == body else None

    def forget(self) -> None:
        """Drop what nobody took: a later request is scored by the version in production then."""
        self._scored.clear()

    def _score_group(self, in_production: ProductionModel[OnnxModel], group: list[_Asked]) -> None:
        model = in_production.model
        try:
            probabilities = model.score(model.schema.matrix([asked.row for asked in group]))
        except NightCatchError:
            return
        for (place, body, question, _), p in zip(group, probabilities.tolist(), strict=True):
            self._scored[place] = ScoredAhead(body, question, in_production, p)
