"""Select the production version that scores a request."""

from collections.abc import Collection, Mapping, Sequence

from include.errors import ModelUnavailableError, PipelineUnknownError
from include.inference.model import OnnxModel
from include.inference.record_schema import shorten
from include.registry.follow import Follower, ProductionModel
from include.services.scorer.api.request_parser import PredictRequest


class Catalogue:
    """The pipelines this service follows.

    Parameters
    ----------
    followers : mapping of str to Follower
        By pipeline; the order decides which one scores when a request names none.
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

    def in_production(self) -> list[ProductionModel[OnnxModel]]:
        """Return the production versions."""
        return self._production_among(list(self._followers))

    def waiting(self) -> list[str]:
        """Return the pipelines that have no version in production yet."""
        return self._waiting_among(list(self._followers))

    def awaited(self) -> list[str]:
        """Return the pipelines without a version in production that should soon have one."""
        return [name for name in self.waiting() if self._followers[name].is_awaited]

    def stale(self) -> list[str]:
        """Return for each pipeline whose bucket does not show the present why it does not."""
        found = [each.freshness for each in self._followers.values() if each.freshness]
        return [freshness.problem for freshness in found if freshness.problem]

    def select(self, request: PredictRequest) -> ProductionModel[OnnxModel]:
        """Return the version that scores a request, the first that reads such items.

        Where several read records, the columns of the first record decide.

        Raises
        ------
        PipelineUnknownError
            If no pipeline that is followed reads it.
        ModelUnavailableError
            If one that may read it has no version in production yet, or the columns are of no
            production version while the first version of another is being loaded.
        """
        names = self._candidates(request.pipeline)
        is_text = request.is_text
        found = [e for e in self._production_among(names) if e.model.schema.is_text == is_text]
        if found:
            if len(found) == 1 and not self._loading:
                return found[0]
            return self._nearest(found, names, _columns_of(request.items[0]))
        self._check_none_waits(names)
        what = "a URL" if is_text else "a record of columns"
        raise PipelineUnknownError(f"none of the pipelines reads {what}: {', '.join(names)}")

    def select_for_table(
        self, header: Sequence[str], pipeline: str | None
    ) -> ProductionModel[OnnxModel]:
        """Return the version that scores a table: one whose inputs the header has.

        Inputs under their own names come before aliases, and more inputs before fewer. Without
        such a version it is the one with most columns found, or else fewest missing: its error
        names the missing ones.

        Raises
        ------
        PipelineUnknownError
            If the pipeline that the client names is not followed.
        ModelUnavailableError
            If no column is of a production model, and a pipeline has none yet; or as `select`.
        """
        names = self._candidates(pipeline)
        entries = self._production_among(names)
        for entry in entries:
            if set(entry.model.schema.names) <= set(header):
                return entry

        def n_found(entry: ProductionModel[OnnxModel]) -> int:
            return len(entry.model.schema.columns_of(header).positions)

        complete = [entry for entry in entries if n_found(entry) == entry.model.schema.n_inputs]
        if complete:
            return max(complete, key=n_found)
        if not any(map(n_found, entries)):
            self._check_none_waits(names)
        nearest = max(entries, key=lambda e: (n_found(e), -e.model.schema.n_inputs))
        return self._nearest([nearest], names, set(header))

    def named(self, pipeline: str) -> ProductionModel[OnnxModel]:
        """Return the production version of one pipeline.

        Raises
        ------
        PipelineUnknownError
            If the pipeline is not followed.
        ModelUnavailableError
            If it has no version in production yet.
        """
        self._candidates(pipeline)
        entry = self._followers[pipeline].in_production
        if entry is None:
            raise ModelUnavailableError(f"no model is in production yet for: {pipeline}")
        return entry

    def _candidates(self, pipeline: str | None) -> list[str]:
        if pipeline is None:
            return list(self._followers)
        if pipeline not in self._followers:
            raise PipelineUnknownError(f"no pipeline {shorten(pipeline)!r} is followed here")
        return [pipeline]

    def _production_among(self, names: Sequence[str]) -> list[ProductionModel[OnnxModel]]:
        found = (self._followers[name].in_production for name in names)
        return [entry for entry in found if entry is not None]

    def _waiting_among(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._followers[name].in_production is None]

    def _nearest(
        self, entries: Sequence[ProductionModel[OnnxModel]], names: Sequence[str], columns: set[str]
    ) -> ProductionModel[OnnxModel]:
        """Return the version with most of the columns, the first of equals."""
        nearest = min(entries, key=lambda entry: len(columns.difference(entry.model.schema.names)))
        coming = [name for name in self._waiting_among(names) if name in self._loading]
        if coming and not columns.issubset(nearest.model.schema.names):
            raise ModelUnavailableError(
                f"the columns are of no model in production, and one is being loaded for: "
                f"{', '.join(coming)}"
            )
        return nearest

    def _check_none_waits(self, names: Sequence[str]) -> None:
        waiting = self._waiting_among(names)
        if waiting:
            raise ModelUnavailableError(f"no model is in production yet for: {', '.join(waiting)}")


def _columns_of(item: object) -> set[str]:
    return set(item) if isinstance(item, dict) else set()
