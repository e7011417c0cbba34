"""Payment files that are tables: workbooks, CSV and fixed-width text, each by a described profile.

A bank's template is described in a dated file (profiles/), not programmed: what stands above the
rows, the columns with their lengths and characters, the bank's own names of banks, what stands
below. One writer, one reader and one checker serve them all.
"""
