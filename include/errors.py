"""Every error NightCatch raises on purpose; this module imports nothing."""


class NightCatchError(Exception):
    """Something NightCatch can explain went wrong; the message names the thing and the remedy."""


class SettingMissingError(NightCatchError):
    """A required setting or environment variable is absent or unreadable."""


class StoreUnavailableError(NightCatchError):
    """MongoDB or S3 could not be reached or answered with a fault; trying again may help."""


class StoreRefusedError(StoreUnavailableError):
    """S3 answered, and refused this very request; others may be taken."""


class ObjectMissingError(NightCatchError):
    """The named object is not in the bucket."""


class PreconditionError(NightCatchError):
    """A conditional write lost: somebody else wrote the object first."""


class DataRejectedError(NightCatchError):
    """The records break a rule of the pipeline; trying again cannot help until the data change."""


class ManifestError(NightCatchError):
    """A manifest is malformed, or contradicts its files."""


class ManifestSchemaError(ManifestError):
    """A manifest is of another schema version: another release made the version."""


class RunDocumentError(NightCatchError):
    """A file of a training run is malformed, or is not the one that an earlier step wrote."""


class SignatureError(NightCatchError):
    """A signature is missing, malformed, or was not made by the trusted key."""


class PointerError(NightCatchError):
    """An approved pointer is malformed, of another pipeline, or replayed."""


class VersionRefusedError(NightCatchError):
    """A model version exists but must not be used: its files differ from what was signed."""


class PromotionConflictError(NightCatchError):
    """Another approval was made since this one was decided; nothing was changed."""


class ApprovalHeldError(NightCatchError):
    """The last release was taken back: the next approval is a person's; nothing was changed."""


class PolicyError(NightCatchError):
    """A pipeline's policy file is missing, or writes something that no rule of the gate knows."""


class GateRejectedError(NightCatchError):
    """A trained model did not pass the gate; nothing was published as approved."""


class ApprovalRejectedError(NightCatchError):
    """A person rejected a version that had passed the gate; what is in production stays."""


class RetentionError(NightCatchError):
    """A retention policy cannot be read, or would delete what a run or an approval needs."""


class MonitoringError(NightCatchError):
    """A day's traffic cannot be watched: not over, not kept any more, or without sound limits."""


class PredictionUnknownError(NightCatchError):
    """No traffic that is kept holds an answer of that id."""


class PortTakenError(NightCatchError):
    """A port that a server needs is in use by another program."""


class ServerDiedError(NightCatchError):
    """A server of the embedded stack could not be run, or ended when it should not."""


class ServerTimeoutError(NightCatchError):
    """A server of the embedded stack runs but did not become ready in time."""


class StartCancelledError(NightCatchError):
    """A start was called off before the server was ready."""


class ClusterUnavailableError(NightCatchError):
    """The cluster that is to fit candidates was away or empty; trying again may help."""


class TrainingError(NightCatchError):
    """No usable model came of the search: there is no candidate, or it is worse than chance."""


class ThresholdError(NightCatchError):
    """No threshold can be chosen from these rows for this false-positive budget."""


class ExportError(NightCatchError):
    """A fitted model has no ONNX form that gives the same probabilities."""


class EvaluationError(NightCatchError):
    """These rows or probabilities cannot be evaluated."""


class DatasetRefusedError(NightCatchError):
    """A data set must not be used: not the pinned bytes, or a file outside the data directory."""


class FeedSettingsError(NightCatchError):
    """A pipeline's `feeds.toml` cannot be read, or names no such feed."""


class FeedUnavailableError(NightCatchError):
    """A feed gave no usable response; `retry_after_s` is how long it asks to be left alone."""

    def __init__(self, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class DecisionRefusedError(NightCatchError):
    """A review decision names nothing that waits for one."""


class ListRefusedError(NightCatchError):
    """A list, or an entry for it, must not be used: malformed, replayed, or far too wide."""


class UrlRefusedError(NightCatchError):
    """A text is no web address, or one that no browser opens; the message says why."""


class RequestRejectedError(NightCatchError):
    """A scoring request breaks a rule of the API or of the model's inputs; `faults` say where."""

    def __init__(self, detail: str, faults: tuple[object, ...] = ()) -> None:
        super().__init__(detail)
        self.faults = faults


class ModelUnavailableError(NightCatchError):
    """No model is in production that could answer yet; asking again later may help."""


class PipelineUnknownError(NightCatchError):
    """The scoring service follows no pipeline that reads what was sent."""


class ModelOutputError(NightCatchError):
    """A model answered with something that is no probability."""


class SnapshotCorruptError(NightCatchError):
    """A snapshot's objects are not the content that its digest names; train on none of it."""


class ValidationBrokenError(NightCatchError):
    """A data-quality rule could not be evaluated: suite or code are at fault, not the records."""


class RequestUnreadableError(NightCatchError):
    """A request's body is not of the format that its content type says."""


class DagRunError(NightCatchError):
    """A DAG could not be triggered, or its run failed."""


class NotRunningError(NightCatchError):
    """A command needs a server of the embedded stack that does not run."""


class TrackingUnavailableError(NightCatchError):
    """The tracking server was away or refused something; it is sent again later."""


class ReceiverUnavailableError(NightCatchError):
    """A receiver of alerts or events was away; what it was not told is sent again later."""


class MessageRefusedError(NightCatchError):
    """A receiver of alerts or events is there, but does not take a message; see its address."""


class BatchRefusedError(NightCatchError):
    """A batch cannot be scored as asked: its inputs changed, or its destination is another's."""


class BookError(NightCatchError):
    """The documentation could not be built."""
