"""Turn a probability into a prediction."""

from typing import Any

from include.contract.manifest import Manifest
from include.inference.model import OnnxModel
from include.registry.follow import ProductionModel

_DIGITS = 6


def verdict(probability: float, manifest: Manifest) -> dict[str, Any]:
    """Return the label by the manifest's threshold, its confidence, and the probability.

    Parameters
    ----------
    probability : float
        Calibrated P(phishing).
    manifest : Manifest

    Returns
    -------
    dict
        ``confidence`` is the calibrated probability of the label that is given.
    """
    is_phishing = probability >= manifest.threshold
    confidence = probability if is_phishing else 1.0 - probability
    return {
        "prediction": manifest.labels["1" if is_phishing else "0"],
        "confidence": round(confidence, _DIGITS),
        "probability": round(probability, _DIGITS),
    }


def describe_model(in_production: ProductionModel[OnnxModel]) -> dict[str, Any]:
    """Return the pipeline, version and serial of a model."""
    pointer = in_production.pointer
    return {
        "pipeline": pointer.pipeline,
        "version": pointer.version,
        "serial": pointer.serial,
    }
