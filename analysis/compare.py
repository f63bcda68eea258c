"""Comparing small numbers: exact intervals, ratios with a word, many at once, shares, funnels, shrinkage, rank ranges.

In:     counts and their exposures (people-years, days, hours) as numbers or arrays.
Out:    arrays of limits, ratios, p-values and words; nothing here knows a table.
Method: Garwood (1936) interval of a Poisson count; conditional binomial test of two rates with Clopper-Pearson
        limits; Benjamini & Hochberg (1995), over the comparisons that could show anything (Tarone 1990); Fisher's
        exact test of two shares; funnel plot with over-dispersion (Spiegelhalter 2005); Wilson (1927); gamma-Poisson
        empirical Bayes by marginal likelihood (Clayton & Kaldor 1987).
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

Floats = NDArray[np.float64]
Word = Literal["up", "down", "none"]
Side = Literal["above", "below", "inside"]

# Beyond this shape the zones' true rates differ by less than 0.1 %: the likelihood is flat, the prior is a point.
MAX_SHAPE = 1e6
MIN_SHAPE = 1e-2

WINSORISED = 0.10  # of the areas at each end, before over-dispersion is measured (Spiegelhalter 2005)


def poisson_interval(count: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the exact limits (Garwood 1936) of a Poisson mean after ``count`` events, as two arrays of its shape."""
    n = np.asarray(count, dtype=float)
    tail = (1 - level) / 2
    low = stats.chi2.ppf(tail, 2 * np.maximum(n, 1)) / 2
    return np.where(n > 0, low, 0.0), stats.chi2.ppf(1 - tail, 2 * n + 2) / 2


def wilson_interval(part: ArrayLike, whole: ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return Wilson's (1927) limits of a share, ``part`` out of ``whole``, as two arrays of their common shape.

    NaN where there is nothing to share.
    """
    k, n = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    z = stats.norm.ppf((1 + level) / 2)
    n = np.where(n > 0, n, np.nan)
    middle = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    # At the ends the limit is exactly 0 or 1; rounding would leave 1e-17.
    return np.where(k == 0, 0.0 * n, middle - half), np.where(k == n, 1.0 + 0.0 * n, middle + half)


@dataclass(frozen=True)
class RateRatio:
    """How many times the first rate is of the second, with exact limits and the two-sided p-value."""

    ratio: Floats
    low: Floats
    high: Floats
    p_value: Floats

    def words(self, *, alpha: float) -> NDArray[np.str_]:
        """Return "up", "down" or "none" («not distinguishable») for each ratio, false discoveries held at ``alpha``."""
        seen = false_discovery(self.p_value) <= alpha
        return np.where(~seen, "none", np.where(self.ratio > 1, "up", "down"))


def rate_ratio(
    count: ArrayLike, exposure: ArrayLike, other_count: ArrayLike, other_exposure: ArrayLike, *, level: float = 0.95
) -> RateRatio:
    """Compare two Poisson rates exactly: given the total, ``count`` is binomial with the exposures' shares.

    The p-value is twice the smaller tail, so that p < 1 - level exactly when the Clopper-Pearson limits of the
    ratio leave out 1. A comparison without any event, or without exposure on one side, says nothing:
    ratio NaN, limits 0 to infinity, p-value 1.

    Counts may be sums of weights up to 1 (hours of uncertain incidents): the tails are those of the beta distribution,
    which equal the binomial's at whole numbers. Such sums vary less than counts, so the test errs towards "none".
    """
    n1, t1, n0, t0 = np.broadcast_arrays(
        *(np.asarray(x, dtype=float) for x in (count, exposure, other_count, other_exposure))
    )
    total = n1 + n0
    says_something = (total > 0) & (t1 > 0) & (t0 > 0)
    n1, n0, t1, t0 = (np.where(says_something, x, 1.0) for x in (n1, n0, t1, t0))
    share = t1 / (t1 + t0)
    tails = np.minimum(_at_least(n0, n1, 1 - share), _at_least(n1, n0, share))
    low, high = _clopper_pearson(n1, n1 + n0, level)
    with np.errstate(divide="ignore"):
        ratio, low, high = (n1 / n0) * (t0 / t1), low / (1 - low) * (t0 / t1), high / (1 - high) * (t0 / t1)
    return RateRatio(
        ratio=np.where(says_something, ratio, np.nan),
        low=np.where(says_something, low, 0.0),
        high=np.where(says_something, high, np.inf),
        p_value=np.where(says_something, np.minimum(1.0, 2 * tails), 1.0),
    )


def false_discovery(p_value: ArrayLike) -> Floats:
    """Return Benjamini & Hochberg's (1995) adjusted p-values, in the shape of ``p_value``.

    Of those called at adjusted values up to q, at most a share q is called by chance, on average.
    """
    p = np.asarray(p_value, dtype=float)
    return np.asarray(stats.false_discovery_control(p), dtype=float) if p.size else p


def false_discovery_where(p_value: ArrayLike, can_be_seen: ArrayLike) -> Floats:
    """Return Benjamini-Hochberg adjusted p-values among the comparisons that can be seen, and 1 for the others.

    Leaving out comparisons by their totals alone (``least_p_value``) costs nothing, because the tests are conditional
    on these: a table of 2,000 cells of one incident each must not hide the ten cells that have twenty.
    """
    p, seen = np.broadcast_arrays(np.asarray(p_value, dtype=float), np.asarray(can_be_seen, dtype=bool))
    adjusted = np.ones(p.shape)
    adjusted[seen] = false_discovery(p[seen])
    return adjusted


def least_p_value(total: ArrayLike, exposure: ArrayLike, other_exposure: ArrayLike) -> Floats:
    """Return the least p-value that ``rate_ratio`` could give for this many events: all of them on the rarer side.

    The three are broadcast together; 1 where there are no events, or where a side was not exposed.
    """
    n, t1, t0 = (np.asarray(x, dtype=float) for x in (total, exposure, other_exposure))
    with np.errstate(invalid="ignore", divide="ignore"):
        rarer = np.minimum(t1, t0) / (t1 + t0)
        return np.where((n > 0) & (rarer > 0), np.minimum(1.0, 2 * rarer**n), 1.0)


def chance_of_rise(mean: float, *, factor: float) -> float:
    """Return how often a count is at least ``factor`` times the one before, where both have this mean.

    Months with nothing before them have no percentage and are left out. At a mean of 3 a rise by half or more comes up
    in 32 % of the months: a percentage alone says nothing.
    """
    most = int(stats.poisson.isf(1e-12, mean)) + 1
    before = np.arange(1, most)
    risen = stats.poisson.sf(np.ceil(factor * before - 1e-9) - 1, mean)
    return float((stats.poisson.pmf(before, mean) * risen).sum() / -np.expm1(-mean))


def share_change(part: ArrayLike, whole: ArrayLike, other_part: ArrayLike, other_whole: ArrayLike) -> Floats:
    """Return exact two-sided p-values (twice the smaller tail) that two shares are equal (Fisher 1935)."""
    k1, n1, k0, n0 = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.int64) for x in (part, whole, other_part, other_whole))
    )
    drawn = stats.hypergeom(n1 + n0, k1 + k0, n1)
    tails = np.minimum(drawn.cdf(k1), drawn.sf(k1 - 1))
    return np.where(n1 + n0 > 0, np.minimum(1.0, 2 * tails), 1.0)


@dataclass(frozen=True)
class Funnel:
    """Areas against what their exposure leads to expect.

    Attributes
    ----------
    ratio
        Observed over expected; NaN where nothing is expected.
    p_value, p_adj
        Exact Poisson, two-sided, widened by the over-dispersion; adjusted over all areas.
    overdispersion
        Variance of the areas as a multiple of Poisson's; 1 where they do not vary more than chance allows.
    """

    ratio: Floats
    p_value: Floats
    p_adj: Floats
    overdispersion: float

    def sides(self, *, alpha: float) -> NDArray[np.str_]:
        """Return "above", "below" or "inside" for each area, false discoveries held at ``alpha``."""
        return np.where(self.p_adj > alpha, "inside", np.where(self.ratio > 1, "above", "below"))


def funnel(count: ArrayLike, exposure: ArrayLike) -> Funnel:
    """Compare areas with their expected counts: the total shared out by exposure (people, road km, visits).

    Areas differ more than Poisson allows for reasons that no exposure holds. Where the winsorised variance of the
    Pearson residuals is above what chance gives (mean 1, standard deviation sqrt(2 / areas)) by two standard
    deviations, all residuals are divided by its root, so that 71 villages do not give a handful of false alarms.
    """
    n, t = np.asarray(count, dtype=float), np.nan_to_num(np.asarray(exposure, dtype=float))
    expected = n[t > 0].sum() * t / t.sum() if t.sum() > 0 else np.zeros(n.shape)
    judged = expected > 0
    if not judged.any():
        return Funnel(np.full(n.shape, np.nan), np.ones(n.shape), np.ones(n.shape), 1.0)
    mean = np.where(judged, expected, 1.0)
    dispersion = _overdispersion((n[judged] - expected[judged]) / np.sqrt(expected[judged]))
    tails = np.minimum(stats.poisson.cdf(n, mean), stats.poisson.sf(n - 1, mean))
    residual = stats.norm.isf(np.minimum(tails, 0.5))
    p_value = np.where(judged, 2 * stats.norm.sf(residual / np.sqrt(dispersion)), 1.0)
    return Funnel(
        ratio=np.where(judged, n / mean, np.nan), p_value=p_value, p_adj=false_discovery_where(p_value, judged),
        overdispersion=dispersion,
    )  # fmt: skip


def funnel_limits(expected: ArrayLike, *, coverage: float, overdispersion: float = 1.0) -> tuple[Floats, Floats]:
    """Return the limits of observed over expected between which ``coverage`` of the areas lie by chance.

    Exact Poisson limits, interpolated between counts so that the funnel is smooth (Spiegelhalter 2005), widened about
    the middle by the root of the over-dispersion.
    """
    mean = np.asarray(expected, dtype=float)
    limits = (_smooth_poisson_quantile(mean, tail) for tail in ((1 - coverage) / 2, (1 + coverage) / 2))
    low, high = (np.maximum(mean + np.sqrt(overdispersion) * (limit - mean), 0.0) / mean for limit in limits)
    return low, high


def _smooth_poisson_quantile(mean: Floats, tail: float) -> Floats:
    count = stats.poisson.ppf(tail, mean)
    upto, before = stats.poisson.cdf(count, mean), stats.poisson.cdf(count - 1, mean)
    return np.asarray(np.maximum(count - (upto - tail) / (upto - before), 0.0), dtype=float)


def _overdispersion(residual: Floats) -> float:
    low, high = np.quantile(residual, [WINSORISED, 1 - WINSORISED])
    found = float((np.clip(residual, low, high) ** 2).mean())
    return found if found > 1 + 2 * np.sqrt(2 / len(residual)) else 1.0


@dataclass(frozen=True)
class Shrunk:
    """Rates drawn towards their common mean: posterior means and limits, and the fitted gamma prior."""

    rate: Floats
    low: Floats
    high: Floats
    shape: float
    prior_mean: float


def shrink(count: ArrayLike, exposure: ArrayLike, *, level: float = 0.95) -> Shrunk:
    """Shrink rates by gamma-Poisson empirical Bayes; the prior is the one under which the counts are likeliest.

    The limits take the fitted prior as known, so with very few zones they are somewhat too narrow. Without exposure
    the rate is NaN.
    """
    n, t = np.asarray(count, dtype=float), np.nan_to_num(np.asarray(exposure, dtype=float))
    if n[t > 0].sum() == 0:
        nothing = np.full(n.shape, np.nan)
        return Shrunk(nothing, nothing, nothing, np.nan, np.nan)
    shape, mean = fit_gamma_prior(n[t > 0], t[t > 0])
    rate, low, high = (np.where(t > 0, x, np.nan) for x in posterior(n, t, shape=shape, mean=mean, level=level))
    return Shrunk(rate, low, high, shape=shape, prior_mean=mean)


def posterior(
    count: ArrayLike, exposure: ArrayLike, *, shape: float, mean: float, level: float = 0.95
) -> tuple[Any, Any, Any]:
    """Return the posterior mean rate and its limits under a gamma prior of this shape and mean."""
    n, t = np.asarray(count, dtype=float), np.asarray(exposure, dtype=float)
    after = stats.gamma(shape + n, scale=1 / (shape / mean + t))
    tail = (1 - level) / 2
    return after.mean(), after.ppf(tail), after.ppf(1 - tail)


def fit_gamma_prior(count: Floats, exposure: Floats) -> tuple[float, float]:
    """Return (shape, mean) of the gamma prior that maximises the negative binomial likelihood of the counts."""

    def cost(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        return -_log_likelihood(count, exposure, shape, _likeliest_mean(count, exposure, shape))

    bounds = (np.log(MIN_SHAPE), np.log(MAX_SHAPE))
    grid = np.linspace(*bounds, 40)
    start = int(np.argmin([cost(x) for x in grid]))  # the profile may be flat far out: look everywhere first
    around = (grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)])
    shape = float(np.exp(optimize.minimize_scalar(cost, bounds=around, method="bounded").x))
    return shape, _likeliest_mean(count, exposure, shape)


def _likeliest_mean(n: Floats, t: Floats, shape: float) -> float:
    """Solve sum n/m = sum (shape + n) t / (shape + m t) for m; the difference falls in m, so there is one root."""

    def slope(log_mean: float) -> float:
        mean = np.exp(log_mean)
        return float(n.sum() - (mean * (shape + n) * t / (shape + mean * t)).sum())

    crude = np.log(n.sum() / t.sum())
    low, high = crude - 1.0, crude + 1.0
    while slope(low) < 0:
        low -= 2.0
    while slope(high) > 0:
        high += 2.0
    return float(np.exp(optimize.brentq(slope, low, high, xtol=1e-12)))


def _log_likelihood(n: Floats, t: Floats, shape: float, mean: float) -> float:
    share = shape / (shape + mean * t)
    terms = special.gammaln(shape + n) - special.gammaln(shape) + shape * np.log(share)
    return float((terms + special.xlogy(n, 1 - share)).sum())


def rank_range(low: ArrayLike, high: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the best and the worst rank (1 = highest rate) each interval allows.

    A zone stands below another only when its whole interval lies below the other's; overlapping zones share ranks.
    NaN limits (no exposure) allow every rank.
    """
    lower = np.nan_to_num(np.asarray(low, dtype=float), nan=-np.inf)
    upper = np.nan_to_num(np.asarray(high, dtype=float), nan=np.inf)
    surely_above = lower[None, :] > upper[:, None]  # [i, j]: j is surely above i
    return 1 + surely_above.sum(axis=1), len(lower) - surely_above.sum(axis=0)


def _at_least(k: Floats, rest: Floats, share: Floats) -> Floats:
    """Return the chance of ``k`` or more of ``k + rest``, for whole numbers the binomial's upper tail."""
    return np.where(k > 0, special.betainc(np.where(k > 0, k, 1.0), rest + 1, share), 1.0)


def _clopper_pearson(k: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, np.where(k > 0, k, 1.0), n - k + 1)
    high = stats.beta.ppf(1 - tail, k + 1, np.where(k < n, n - k, 1.0))
    return np.where(k > 0, low, 0.0), np.where(k < n, high, 1.0)
