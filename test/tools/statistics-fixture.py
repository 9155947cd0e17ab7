"""Writes test/fixtures/compare/statistics.json: what scipy says, for the tests of src/compare/statistics.

Run with Python and scipy: python test/tools/statistics-fixture.py > test/fixtures/compare/statistics.json
"""
import json
import sys

import numpy as np
import scipy
from scipy import special, stats

rng = np.random.default_rng(20261122)
out = {"scipy": scipy.__version__}
out["studentCdf"] = [[t, df, float(stats.t.cdf(t, df))] for t in (-8.0, -2.5, -0.3, 0.0, 0.7, 1.96, 4.2, 30.0) for df in (1, 2.5, 4, 9.3, 30, 400)]
out["studentQuantile"] = [[p, df, float(stats.t.ppf(p, df))] for p in (0.005, 0.1, 0.5, 0.9, 0.975, 0.999) for df in (1, 2.7, 5, 18, 250)]
out["incompleteBeta"] = [[x, a, b, float(special.betainc(a, b, x))] for x in (0.01, 0.3, 0.5, 0.77, 0.999) for a in (0.5, 2, 17.5) for b in (0.5, 3, 40)]
out["logGamma"] = [[x, float(special.gammaln(x))] for x in (0.1, 0.5, 1, 1.5, 2, 7.3, 100, 12345.6)]
out["normalCdf"] = [[z, float(stats.norm.cdf(z))] for z in (-6, -3, -1.2, 0, 0.4, 1.96, 5)]
out["normalQuantile"] = [[p, float(stats.norm.ppf(p))] for p in (1e-6, 0.025, 0.3, 0.5, 0.84, 0.9999)]
out["welch"] = []
for n, m, shift in ((2, 2, 0.1), (3, 4, 1.0), (5, 5, 0.0), (5, 9, 0.6), (10, 10, 0.02), (30, 12, -0.4)):
    a = rng.normal(0.7, 0.3, n)
    b = rng.normal(0.7 + shift, 0.5, m)
    test = stats.ttest_ind(b, a, equal_var=False)
    ci = test.confidence_interval(0.95)
    out["welch"].append({"a": a.tolist(), "b": b.tolist(), "t": float(test.statistic), "df": float(test.df), "p": float(test.pvalue), "low": float(ci.low), "high": float(ci.high)})
out["meanInterval"] = []
for n in (2, 5, 11):
    a = rng.normal(3, 1, n)
    ci = stats.t.interval(0.95, n - 1, loc=a.mean(), scale=stats.sem(a))
    out["meanInterval"].append({"a": a.tolist(), "low": float(ci[0]), "high": float(ci[1])})
out["signFlip"] = []
for n, shift in ((3, 0.5), (6, 0.3), (10, 0.2), (12, 0.0)):
    d = rng.normal(shift, 0.4, n)
    test = stats.permutation_test((d,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True)
    out["signFlip"].append({"d": d.tolist(), "p": float(test.pvalue)})
out["bca"] = []
for n, m in ((8, 8), (20, 15)):
    a = rng.exponential(1.0, n)
    b = rng.exponential(1.4, m)
    test = stats.bootstrap((a, b), lambda x, y, axis=-1: np.mean(y, axis=axis) - np.mean(x, axis=axis), n_resamples=50000, method="BCa", random_state=1)
    out["bca"].append({"a": a.tolist(), "b": b.tolist(), "low": float(test.confidence_interval.low), "high": float(test.confidence_interval.high), "error": float(test.standard_error)})
out["iqm"] = []
for n in (4, 8, 20):
    a = rng.normal(0, 1, n)
    out["iqm"].append({"a": a.tolist(), "iqm": float(stats.trim_mean(a, 0.25))})
out["spearman"] = []
for n, ties in ((3, False), (7, False), (12, True), (40, True)):
    a = rng.normal(0, 1, n)
    b = a * 0.6 + rng.normal(0, 1, n)
    if ties:
        a, b = np.round(a, 0), np.round(b, 1)
    test = stats.spearmanr(a, b)
    out["spearman"].append({"a": a.tolist(), "b": b.tolist(), "rho": float(test.statistic), "p": float(test.pvalue)})
json.dump(out, sys.stdout, indent=1)
