"""A register to run on: invented people, published shares, planted faults.

Every name, number and account is invented; nobody real is meant. `write_sample` writes a register
of any size and what goes with it; see docs/register-format.md.
"""
