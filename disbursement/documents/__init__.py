"""Papers: what people sign, check, hand over and send back, as PDF and XLSX.

Pure functions from frozen dataclasses to bytes or to a stream: no database, no clock, no look at
the machine. The same input gives the same bytes, so a paper's SHA-256 says which figures it shows.
"""
