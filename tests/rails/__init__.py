"""Months over rails that are called, against simulated ones over real HTTP."""
