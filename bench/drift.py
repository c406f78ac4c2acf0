"""How often the test for drift alarms in a year without a change, and how soon it finds one.

Each simulated year has 365 days of traffic of all watched columns of a pipeline, in the shares of
its simulated records. A day's share of phishing is drawn anew, which moves all columns together;
each column's shares scatter around that by themselves (Dirichlet); weekends have another mix, and
days have 500 to some 10,000 items. So days lie much further apart than random items would. The
years called `related` also break what the test assumes: two thirds of a day's deviation stay on
the next day.

Delays: after 8 or 26 quiet weeks the shares of one column move by so many nats. `DRIFT_PLOT` names
a file for the plot of them.
"""

import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from include import pipelines
from include.evaluation.change_detection import (
    ALL_FIELDS,
    EXPONENTS,
    YEAR,
    alarm_limit,
    bet,
    divergences,
    joint_scores,
    ranks,
    weights_of,
)
from include.evaluation.intervals import clopper_pearson
from include.monitoring.limits import Limits
from include.validation.categories import Categories

N_YEARS, N_RELATED, CHUNK = 1_000, 250, 250
RATE = Limits().false_alarm_rate
SHIFTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
WEEKS = (8, 26)
N_DELAYS, LONGEST = 40, 60
RELATED = 2 / 3
SCATTER = 400.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares of each category of a column among the legitimate and the phishing records."""

    legitimate: Floats
    phishing: Floats


@dataclass(frozen=True)
class Scenario:
    """What is simulated.

    Attributes
    ----------
    pipeline : str
    n_days : int
    related : float
        Correlation of the deviations of two days in a row.
    shifts : tuple of float
        Of each stream, how many nats the first column moves; empty for none.
    quiet_days : int
        So many before that.
    """

    pipeline: str
    n_days: int = YEAR
    related: float = 0.0
    shifts: tuple[float, ...] = ()
    quiet_days: int = YEAR


def columns_of(pipeline_name: str, n_records: int = 4_000) -> dict[str, Shares]:
    """Return the shares of each watched column, and those of the scores."""
    pipeline = pipelines.get(pipeline_name)
    records = pd.DataFrame(islice(pipeline.simulate(n_records, 17), n_records))
    is_phishing = (records[pipeline.target.source] == pipeline.target.positive).to_numpy()
    inputs = {field.name for field in pipeline.inputs}
    watched = pipeline.watched(records.assign(_id=range(len(records))))
    left_out = {"_id", pipeline.target.source, *(records.columns.difference([*inputs]))}
    counted = {}
    for name in watched.columns.difference(list(left_out)):
        kept = Categories.of(watched[name])
        counted[name] = [kept.count(watched[name][each]) for each in (~is_phishing, is_phishing)]
    bins = np.linspace(0, 1, 26)
    rng = np.random.default_rng(17)
    counted["probability"] = [
        np.histogram(rng.beta(*shape, 20_000), bins)[0] for shape in ((0.3, 6.0), (3.0, 0.6))
    ]
    smooth = {name: [each + 0.5 for each in counts] for name, counts in counted.items()}
    return {name: Shares(*(each / each.sum() for each in both)) for name, both in smooth.items()}


def first_alarms(scenario: Scenario, n_streams: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the day of the first alarm of each stream; `n_days` where there is none.

    Every step is the product's own, for all streams at once.
    """
    rng = np.random.default_rng(seed)
    columns = columns_of(scenario.pipeline)
    names = list(columns)
    streams = {name: np.ones((n_streams, len(EXPONENTS))) for name in (*names, ALL_FIELDS)}
    weights, limit = weights_of(streams), alarm_limit(RATE)
    counts = {
        name: np.zeros((n_streams, scenario.n_days, len(each.phishing)), np.int32)
        for name, each in columns.items()
    }
    ties = rng.random((len(names) + 1, scenario.n_days))
    first = np.full(n_streams, scenario.n_days)
    deviation = rng.standard_normal(n_streams)
    for day in range(scenario.n_days):
        fresh = rng.standard_normal(n_streams)
        deviation = scenario.related * deviation + np.sqrt(1 - scenario.related**2) * fresh
        _draw(scenario, columns, counts, day, deviation, rng)
        days = np.arange(day % 7, day + 1, 7)
        by_field = [
            ranks(divergences(counts[name][:, days]), ties[at, days])
            for at, name in enumerate(names)
        ]
        inputs = [each for each, name in zip(by_field, names, strict=True) if name != "probability"]
        by_field.append(ranks(joint_scores(np.array(inputs)), ties[-1, days]))
        for name, each in zip((*names, ALL_FIELDS), by_field, strict=True):
            streams[name] = bet(streams[name], each[:, -1], len(days))
            np.minimum(streams[name], 2 * limit / weights[name], out=streams[name])
        evidence = np.sum([weights[name] * each.mean(axis=1) for name, each in streams.items()], 0)
        beyond = (evidence >= limit) & (first == scenario.n_days)
        first[beyond] = day
    return first


def _draw(
    scenario: Scenario,
    columns: Mapping[str, Shares],
    counts: Mapping[str, npt.NDArray[np.int32]],
    day: int,
    deviation: Floats,
    rng: np.random.Generator,
) -> None:
    """Draw what is counted on a day."""
    is_weekend = day % 7 >= 5
    phishing = 1 / (1 + np.exp(2.2 - 0.4 * is_weekend - 0.25 * deviation))[:, np.newaxis]
    n_items = 500 + rng.lognormal(7.0 - 0.5 * is_weekend, 0.4, len(deviation)).astype(int)
    for at, (name, each) in enumerate(columns.items()):
        shares = (1 - phishing) * each.legitimate + phishing * each.phishing
        if at == 0 and scenario.shifts and day >= scenario.quiet_days:
            shares = np.array([moved(*pair) for pair in zip(shares, scenario.shifts, strict=True)])
        scattered = rng.standard_gamma(SCATTER * shares)
        scattered /= scattered.sum(axis=1, keepdims=True)
        counts[name][:, day] = rng.multinomial(n_items, scattered)


def moved(shares: Floats, nats: float) -> Floats:
    """Return shares that lie so many nats from others: mixed with the same ones turned around."""
    other = np.sort(shares)[::-1][np.argsort(np.argsort(shares))]
    low, high = 0.0, 1.0
    for _ in range(30):
        mix = (low + high) / 2
        found = (1 - mix) * shares + mix * other
        if np.sum(found * np.log(found / shares)) < nats:
            low = mix
        else:
            high = mix
    return np.asarray((1 - low) * shares + low * other)


def main() -> None:
    """Print how often and how soon; the last line is one JSON object."""
    with ProcessPoolExecutor(2) as pool:
        years = {
            (name, related): _submit(pool, Scenario(name, related=related), n_years // CHUNK, CHUNK)
            for name in pipelines.names()
            for related, n_years in ((0.0, N_YEARS), (RELATED, N_RELATED))
        }
        shifted = {
            (name, weeks): _submit(pool, _shifted(name, weeks), 2, len(SHIFTS) * N_DELAYS // 2)
            for name in pipelines.names()
            for weeks in WEEKS
        }
        alarms = {
            f"{name}{', related' * (related > 0)}": sum(
                int((each.result() < YEAR).sum()) for each in found
            )
            for (name, related), found in years.items()
        }
        delays = {
            f"{name}, {weeks} weeks": _delays([each.result() for each in found], 7 * weeks)
            for (name, weeks), found in shifted.items()
        }
    for name, count in alarms.items():
        n_years = N_RELATED if name.endswith("related") else N_YEARS
        low, high = clopper_pearson(count, n_years, 0.95)
        print(f"{name:16} {count:4} of {n_years:,} years with an alarm ({low:.1%} to {high:.1%})")
    for name, curve in delays.items():
        print(f"{name:16}", "  ".join(f"{nats}: {days[1]:g} days" for nats, days in curve.items()))
    if target := os.environ.get("DRIFT_PLOT"):
        Path(target).write_text(plot(delays))
    worst = max(alarms[name] for name in pipelines.names())
    print(
        json.dumps(
            {
                "false_alarms": worst / N_YEARS,
                "false_alarms_interval": clopper_pearson(worst, N_YEARS, 0.95),
                "false_alarms_related": {
                    name: alarms[f"{name}, related"] / N_RELATED for name in pipelines.names()
                },
                "stated_error_rate": RATE,
                "delay_days": delays,
            }
        )
    )


def _submit(
    pool: ProcessPoolExecutor, scenario: Scenario, n_chunks: int, n_streams: int
) -> list[Future[npt.NDArray[np.int64]]]:
    return [pool.submit(first_alarms, scenario, n_streams, seed) for seed in range(n_chunks)]


def _shifted(name: str, weeks: int) -> Scenario:
    shifts = tuple(float(each) for each in np.repeat(SHIFTS, N_DELAYS // 2))
    return Scenario(name, 7 * weeks + LONGEST, shifts=shifts, quiet_days=7 * weeks)


def _delays(halves: Sequence[npt.NDArray[np.int64]], quiet: int) -> dict[str, list[float | None]]:
    """Return, by the size of a shift, the tenth, the median and the ninetieth percentile of days.

    None where the alarm does not come within `LONGEST` days.
    """
    found = np.concatenate([each.reshape(len(SHIFTS), -1) for each in halves], axis=1)
    curve: dict[str, list[float | None]] = {}
    for nats, days in zip(SHIFTS, found, strict=True):
        waited = days[days >= quiet] - quiet + 1.0
        waited[waited > LONGEST] = np.inf
        parts = np.quantile(waited, (0.1, 0.5, 0.9), method="higher")
        curve[str(nats)] = [float(each) if np.isfinite(each) else None for each in parts]
    return curve


def plot(delays: Mapping[str, Mapping[str, list[float | None]]]) -> str:
    """Return the delays as an SVG file: medians, and the tenth to the ninetieth percentile."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharey=True), pipelines.names(), strict=True):
        for weeks, style in zip(WEEKS, ("--", "-"), strict=True):
            curve = delays[f"{name}, {weeks} weeks"]
            days = np.array([[np.nan if d is None else d for d in each] for each in curve.values()])
            axes.plot(SHIFTS, days[:, 1], style, marker="o", label=f"after {weeks} quiet weeks")
            highest = np.where(np.isnan(days[:, 2]), LONGEST, days[:, 2])
            axes.fill_between(SHIFTS, days[:, 0], highest, alpha=0.15)
        axes.set(xscale="log", title=name, ylim=(0, LONGEST))
        axes.set_xticks(SHIFTS, [f"{each:g}" for each in SHIFTS])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.supxlabel("shift of one column, in nats", fontsize=10)
    figure.supylabel("days until the alarm", fontsize=10)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    return written.getvalue()


if __name__ == "__main__":
    main()
