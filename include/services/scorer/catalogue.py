"""Which model in force answers which kind of question."""

from collections.abc import Collection, Mapping, Sequence

from include.errors import ModelUnavailableError, PipelineUnknownError
from include.registry.follow import Follower, InForce
from include.services.scorer.model import OnnxModel
from include.services.scorer.questions import Question
from include.services.scorer.records import shorten


class Catalogue:
    """The pipelines this service follows.

    Parameters
    ----------
    followers : mapping of str to Follower
        By pipeline; the order decides which one answers when a request names none.
    loading : collection of str
        The pipelines of which a version is being loaded now.
    """

    def __init__(
        self, followers: Mapping[str, Follower[OnnxModel]], loading: Collection[str] = ()
    ) -> None:
        self._followers = followers
        self._loading = loading

    def pipelines(self) -> list[str]:
        """Return the names of all pipelines that are followed."""
        return list(self._followers)

    def in_force(self) -> list[InForce[OnnxModel]]:
        """Return the versions that answer now."""
        return self._in_force_among(list(self._followers))

    def waiting(self) -> list[str]:
        """Return the pipelines that have no version in force yet."""
        return self._waiting_among(list(self._followers))

    def awaited(self) -> list[str]:
        """Return the pipelines without a version in force that should soon have one."""
        return [name for name in self.waiting() if self._followers[name].is_awaited]

    def answering(self, question: Question) -> InForce[OnnxModel]:
        """Return the version that answers a question, the first that reads such items.

        Where several read records, the first record tells by its columns.

        Raises
        ------
        PipelineUnknownError
            If no pipeline that is followed reads it.
        ModelUnavailableError
            If one that may read it has no version in force yet, or the columns are of none in
            force while the first version of another is being loaded.
        """
        names = self._asked_for(question.pipeline)
        is_text = question.is_text
        found = [e for e in self._in_force_among(names) if e.model.schema.is_text == is_text]
        if found:
            if len(found) == 1 and not self._loading:
                return found[0]
            return self._nearest(found, names, _columns_of(question.items[0]))
        self._check_none_waits(names)
        what = "a URL" if is_text else "a record of columns"
        raise PipelineUnknownError(f"none of the pipelines reads {what}: {', '.join(names)}")

    def answering_table(self, header: Sequence[str], pipeline: str | None) -> InForce[OnnxModel]:
        """Return the version that answers a table: the first whose columns are all in `header`.

        Without such a one it is the one that knows most of them, and can say what is missing.

        Raises
        ------
        PipelineUnknownError
            If the pipeline that is asked for is not followed.
        ModelUnavailableError
            If no column is of one in force, and another has no version in force yet; or as
            `answering`.
        """
        names = self._asked_for(pipeline)
        entries = self._in_force_among(names)
        for entry in entries:
            if set(entry.model.schema.names) <= set(header):
                return entry
        if not any(set(entry.model.schema.names) & set(header) for entry in entries):
            self._check_none_waits(names)
        return self._nearest(entries, names, set(header))

    def named(self, pipeline: str) -> InForce[OnnxModel]:
        """Return the version of one pipeline that answers now.

        Raises
        ------
        PipelineUnknownError
            If the pipeline is not followed.
        ModelUnavailableError
            If it has no version in force yet.
        """
        self._asked_for(pipeline)
        entry = self._followers[pipeline].in_force
        if entry is None:
            raise ModelUnavailableError(f"no model is in force yet for: {pipeline}")
        return entry

    def _asked_for(self, pipeline: str | None) -> list[str]:
        if pipeline is None:
            return list(self._followers)
        if pipeline not in self._followers:
            raise PipelineUnknownError(f"no pipeline {shorten(pipeline)!r} is followed here")
        return [pipeline]

    def _in_force_among(self, names: Sequence[str]) -> list[InForce[OnnxModel]]:
        found = (self._followers[name].in_force for name in names)
        return [entry for entry in found if entry is not None]

    def _waiting_among(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._followers[name].in_force is None]

    def _nearest(
        self, entries: Sequence[InForce[OnnxModel]], names: Sequence[str], columns: set[str]
    ) -> InForce[OnnxModel]:
        """Return the version that knows most of the columns, the first of equals."""
        nearest = min(entries, key=lambda entry: len(columns.difference(entry.model.schema.names)))
        coming = [name for name in self._waiting_among(names) if name in self._loading]
        if coming and not columns.issubset(nearest.model.schema.names):
            raise ModelUnavailableError(
                f"the columns are of no model in force, and one is being loaded for: "
                f"{', '.join(coming)}"
            )
        return nearest

    def _check_none_waits(self, names: Sequence[str]) -> None:
        waiting = self._waiting_among(names)
        if waiting:
            raise ModelUnavailableError(f"no model is in force yet for: {', '.join(waiting)}")


def _columns_of(item: object) -> set[str]:
    return set(item) if isinstance(item, dict) else set()
