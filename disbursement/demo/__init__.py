"""Three months of a province, end to end, with invented people and simulated counterparties.

What the officers do is done by the product's own use cases; what a bank, a treasury and a cash
desk do is done by simulators (`counterparties`), and says so.
"""
