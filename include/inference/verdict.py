"""Turn a probability into a prediction."""

from typing import Any

from include.contract.manifest import Manifest
from include.contract.verdicts import FIXED, LEGITIMATE, DecidedBy
from include.inference.model import OnnxModel
from include.registry.follow import ProductionModel

_DIGITS = 6


def verdict(
    probability: float, manifest: Manifest, decided_by: DecidedBy = DecidedBy.MODEL
) -> dict[str, Any]:
    """Return the verdict, its confidence, the probability, and what the verdict rests on.

    Parameters
    ----------
    probability : float
        Calibrated P(phishing).
    manifest : Manifest
    decided_by : DecidedBy
        The model decides by the manifest's thresholds; lists and rules whatever the probability.

    Returns
    -------
    dict
        ``confidence`` is the calibrated probability of phishing, or of its opposite where the
        verdict is that.
    """
    thresholds = manifest.thresholds
    fixed = FIXED.get(decided_by)
    prediction = fixed or thresholds.verdict(probability)
    confidence = thresholds.confidence(probability)
    if fixed:
        confidence = 1.0 - probability if fixed == LEGITIMATE else probability
    return {
        "prediction": prediction,
        "confidence": round(confidence, _DIGITS),
        "probability": round(probability, _DIGITS),
        "decided_by": decided_by.value,
    }


def describe_model(in_production: ProductionModel[OnnxModel]) -> dict[str, Any]:
    """Return the pipeline, version and serial of a model."""
    pointer = in_production.pointer
    return {
        "pipeline": pointer.pipeline,
        "version": pointer.version,
        "serial": pointer.serial,
    }
