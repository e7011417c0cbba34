"""Carrying files to a rail and answers back: a folder, SFTP, HTTPS with client certificates.

All obey one rule (`Transport`): what fails before the first byte is `NotSent`, everything later is
`Unknown`, and only looking at the far side decides.
"""

from bank_adapters.transports.drop import FileDrop

__all__ = ["FileDrop"]
