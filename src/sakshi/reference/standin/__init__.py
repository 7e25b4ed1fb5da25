"""Local stand-ins for the AI providers, on the providers' own wires.

A prompt goes in, sentences about its subject come out, in the time that a real provider takes.
They can be told to be slow, to fail and to stray from the subject. Read `application.py` first.
"""

from sakshi.reference.standin.application import CHARACTERS, Character, Standin
from sakshi.reference.standin.facts import Facts, load_facts

__all__ = ["CHARACTERS", "Character", "Facts", "Standin", "load_facts"]
