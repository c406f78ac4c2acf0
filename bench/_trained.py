"""A version of `urls` in production that was trained on a part of the real file."""

from typing import Any

import numpy as np

from bench._everyday import read_reference
from bench._published import Published
from bench._url_models import features, train_ours
from bench._urls import Urls, read_urls
from include.contract.verdicts import Thresholds
from include.features.urls import N_COLUMNS
from include.pipelines.urls.records import LAYOUT
from include.training.onnx.export import to_onnx


def promote_trained(published: Published, n_rows: int) -> Any:
    """Return the scikit-learn model whose graph is now in production."""
    whole, (body, reference, _) = read_urls("urls_train"), read_reference()
    kept = np.random.default_rng(0).permutation(len(whole.urls))[:n_rows]
    urls = Urls(
        [whole.urls[row] for row in kept],
        y=whole.y[kept],
        sources=whole.sources[kept],
        months=whole.months[kept],
        domains=whole.domains[kept],
        unseen=whole.unseen[kept],
    )
    model, block, review = train_ours(urls, features(urls.urls, reference), None)
    graph = to_onnx(model, N_COLUMNS)
    published.promote_urls(graph, body, LAYOUT.fields, Thresholds(block, review))
    return model
