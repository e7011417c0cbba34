"""Side-by-side measurements: our engine and its peers from PyPI, in one run.

`python -m benchmarks` (`make bench`) runs everything. Nothing here is a test and nothing is timed
in the tests: a shared machine is too noisy for a limit in seconds, ratios within one run are not.
"""
