"""The command `disburse`."""

from disbursement.cli.app import main

__all__ = ["main"]
