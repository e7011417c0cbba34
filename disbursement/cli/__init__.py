"""The command `disburse`."""


def main() -> None:
    """Run the command line on the words that were typed."""
    import sys  # noqa: PLC0415 - importing this package costs nothing; a command costs what it needs

    from disbursement.cli.parts import roof  # noqa: PLC0415

    roof(sys.argv[1:])()


__all__ = ["main"]
