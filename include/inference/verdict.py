"""Turn a probability into a prediction."""

from typing import Any

from include.contract.manifest import Manifest
from include.contract.verdicts import DecidedBy
from include.inference.model import OnnxModel
from include.registry.follow import ProductionModel

_DIGITS = 6


def verdict(probability: float, manifest: Manifest) -> dict[str, Any]:
    """Return the verdict by the manifest's thresholds, its confidence, and the probability.

    Parameters
    ----------
    probability : float
        Calibrated P(phishing).
    manifest : Manifest

    Returns
    -------
    dict
        ``confidence`` is the calibrated probability of phishing, or of its opposite where the
        verdict is that; ``decided_by`` is what the verdict rests on.
    """
    thresholds = manifest.thresholds
    return {
        "prediction": thresholds.verdict(probability),
        "confidence": round(thresholds.confidence(probability), _DIGITS),
        "probability": round(probability, _DIGITS),
        "decided_by": DecidedBy.MODEL.value,
    }


def describe_model(in_production: ProductionModel[OnnxModel]) -> dict[str, Any]:
    """Return the pipeline, version and serial of a model."""
    pointer = in_production.pointer
    return {
        "pipeline": pointer.pipeline,
        "version": pointer.version,
        "serial": pointer.serial,
    }
