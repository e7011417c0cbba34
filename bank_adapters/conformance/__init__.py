"""The contract suite: what every adapter must do against its simulator, ours or another package's.

It is imported by tests only and needs pytest and hypothesis, which no production path does. A test
class subclasses `called.CalledSuite` (a rail that is called) or `filed.FiledSuite` (files out,
answers in) and says how its simulator is made; pytest collects the rest.
"""
