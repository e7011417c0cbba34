"""Simulated rails that are called: runnable servers, the counterparty of demo and tests.

journal.py  what the simulator was told to pay and what it booked: the oracle for "never twice"
faults.py   what goes wrong on demand, by name, and the seeded fate of each payment
base.py     what every simulated rail shares: time, books, callbacks, the administrator's calls
server.py   the HTTP server on this machine only, which can also cut a connection
momo.py, zalopay.py  one rail each, from their documents, with none of the adapters' code

To write another: subclass `Simulator`, name your routes, book with `pay`, ask with `order`.
"""
