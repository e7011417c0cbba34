"""The whole command line as one object."""

from disbursement.cli.parts import roof

app = roof()
