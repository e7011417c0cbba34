"""Rails that are called, not sent a file: e-wallets, Mobile Money, payout services.

contract.py  what such an adapter is: orders in, calls out, answers read (pure, no network)
orders.py    the file of orders that officers sign; calls are made from it and from nothing else
log.py       the file of raw answers that the intake stores before anything reads it
profile.py   limits, windows and codes of one rail, as dated data
wire.py      the one place that talks HTTP, and decides what was certainly not sent
"""
